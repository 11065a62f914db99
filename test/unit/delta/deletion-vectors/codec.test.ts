import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BitmapDamage, BitmapWriter, positionsOf } from '../../../../src/delta/deletion-vectors/bitmap.ts'
import { bitmapIn, fileOf } from '../../../../src/delta/deletion-vectors/container.ts'
import { encodedUuid, fileOfUuid } from '../../../../src/delta/deletion-vectors/descriptor.ts'
import { decodeZ85, encodeZ85 } from '../../../../src/delta/deletion-vectors/z85.ts'

function encoded(positions: readonly bigint[]): Uint8Array {
  const writer = new BitmapWriter()
  writer.add(BigInt64Array.from(positions))
  return writer.finish()
}

function decoded(bytes: Uint8Array): readonly bigint[] {
  return [...positionsOf(bytes)].flatMap((some) => [...some])
}

/** Positions of every kind: scattered ones, dense stretches, full containers, and ones beyond 32 bits. */
const positionSets = fc
  .array(
    fc.oneof(
      fc.bigInt({ min: 0n, max: 200_000n }).map((position) => [position]),
      fc.bigInt({ min: 0n, max: (1n << 34n) - 1n }).map((position) => [position]),
      fc
        .record({
          start: fc.bigInt({ min: 0n, max: 1n << 33n }),
          length: fc.integer({ min: 1, max: 70_000 }),
          step: fc.constantFrom(1n, 2n, 3n, 17n),
        })
        .map(({ start, length, step }) => Array.from({ length }, (_, index) => start + BigInt(index) * step)),
    ),
    { maxLength: 8 },
  )
  .map((parts) => [...new Set(parts.flat())].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)))

describe('a bitmap', () => {
  it('gives back every set of positions', () => {
    fc.assert(
      fc.property(positionSets, (positions) => {
        expect(decoded(encoded(positions))).toEqual(positions)
      }),
      { numRuns: 60 },
    )
  })

  it('is the bytes that the specification of Roaring has for an array, a bitmap and runs', () => {
    const array = Buffer.from(encoded([1n, 5n, 65_538n])).toString('hex')
    const expectedArray = [
      'd1d33964',
      '0100000000000000',
      '00000000',
      '3a300000',
      '02000000',
      '0000',
      '0100',
      '0100',
      '0000',
      '18000000',
      '1c000000',
      '01000500',
      '0200',
    ]
    expect(array).toBe(expectedArray.join(''))
    const runs = Buffer.from(encoded(Array.from({ length: 100 }, (_, index) => BigInt(index + 7)))).toString('hex')
    expect(runs).toBe(['d1d33964', '0100000000000000', '00000000', '3b300000', '01', '0000', '6300', '0100', '0700', '6300'].join(''))
    const odd = encoded(Array.from({ length: 30_000 }, (_, index) => BigInt(index * 2)))
    expect(odd.length).toBe(12 + 4 + 8 + 4 + 4 + 8192)
    expect(Buffer.from(odd.subarray(32, 36)).toString('hex')).toBe('55555555')
  })

  it('counts what it was given, and a position that comes twice once', () => {
    const writer = new BitmapWriter()
    writer.add(BigInt64Array.from([3n, 3n, 4n]))
    writer.add(BigInt64Array.from([4n, 70_000n]))
    const bytes = writer.finish()
    expect(writer.cardinality).toBe(3n)
    expect(decoded(bytes)).toEqual([3n, 4n, 70_000n])
    expect(() => encoded([5n, 4n])).toThrow(/out of order/)
    expect(() => encoded([1n << 32n, 4n])).toThrow(/out of order/)
  })

  it('is told as damaged where it is cut or of another kind, whatever its bytes', () => {
    const bytes = encoded([1n, 2n, 3n, 100_000n, 1n << 33n])
    for (let length = 0; length < bytes.length; length += 1) expect(() => decoded(bytes.subarray(0, length))).toThrow(BitmapDamage)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (noise, withHead) => {
        const content = withHead ? Uint8Array.from([...bytes.subarray(0, 20), ...noise]) : noise
        try {
          decoded(content)
        } catch (error) {
          expect(error).toBeInstanceOf(BitmapDamage)
        }
      }),
    )
  })
})

describe('a file of deletion vectors', () => {
  it('gives back each bitmap, and refuses another size, a wrong checksum and a cut end', () => {
    const bitmaps = [encoded([1n, 2n]), encoded([]), encoded([70_000n])]
    const { content, offsets } = fileOf(bitmaps)
    expect(offsets[0]).toBe(1)
    const vectors = bitmaps.map((bitmap, index) => ({
      storageType: 'u' as const,
      pathOrInlineDv: '',
      offset: offsets[index] ?? null,
      sizeInBytes: bitmap.length,
      cardinality: 0n,
    }))
    vectors.forEach((vector, index) => {
      expect(Buffer.from(bitmapIn(content, vector))).toEqual(Buffer.from(bitmaps[index] ?? []))
      expect(() => bitmapIn(content, { ...vector, sizeInBytes: vector.sizeInBytes - 1 })).toThrow(BitmapDamage)
      expect(() => bitmapIn(content.subarray(0, (offsets[index] ?? 0) + 4 + vector.sizeInBytes + 3), vector)).toThrow(/end is missing/)
      for (let at = 0; at < vector.sizeInBytes + 4; at += 1) {
        const changed = content.slice()
        const place = (offsets[index] ?? 0) + 4 + at
        changed[place] = (changed[place] ?? 0) ^ 1
        expect(() => bitmapIn(changed, vector)).toThrow(/checksum/)
      }
    })
    expect(() => bitmapIn(Uint8Array.from([2, ...content.subarray(1)]), vectors[0] as never)).toThrow(/version 2/)
  })
})

describe('Z85', () => {
  it('is the encoding of the specification', () => {
    expect(encodeZ85(Buffer.from('864fd26fb559f75b', 'hex'))).toBe('HelloWorld')
    expect(Buffer.from(decodeZ85('HelloWorld') ?? []).toString('hex')).toBe('864fd26fb559f75b')
  })

  it('gives back every content of whole groups, and refuses what it never writes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const back = decodeZ85(encodeZ85(bytes))
        expect([...(back?.subarray(0, bytes.length) ?? [])]).toEqual([...bytes])
      }),
    )
    for (const bad of ['abc', 'ab cd', 'ab"cd', '#####', 'abcdé']) expect(decodeZ85(bad)).toBeUndefined()
  })

  it('names files as the protocol says', () => {
    // The example of the protocol.
    expect(fileOfUuid('ab^-aqEH.-t@S}K{vb[*k^')).toBe('ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin')
    const uuid = '0f3a2b1c-4d5e-6f70-8192-a3b4c5d6e7f8'
    expect(fileOfUuid(encodedUuid(uuid))).toBe(`deletion_vector_${uuid}.bin`)
    expect(fileOfUuid('short')).toBeUndefined()
  })
})
