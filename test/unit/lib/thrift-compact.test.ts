import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readThrift, THRIFT, ThriftList, type ThriftStruct, type ThriftValue, writeThrift } from '../../../src/lib/thrift-compact.ts'

const BYTE = 3
const integer = (bits: number) => fc.bigInt({ min: -(2n ** BigInt(bits - 1)), max: 2n ** BigInt(bits - 1) - 1n })
const bytes = (size?: number) => fc.uint8Array(size === undefined ? {} : { minLength: size, maxLength: size })

const { struct } = fc.letrec<{ struct: ThriftStruct; value: [number, ThriftValue] }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.tuple(fc.constant(THRIFT.i64), integer(64)),
    fc.tuple(fc.constant(THRIFT.i32), integer(32)),
    fc.tuple(fc.constant(THRIFT.i16), integer(16)),
    fc.tuple(fc.constant(BYTE), fc.bigInt({ min: 0n, max: 255n })),
    fc.tuple(fc.constant(7), bytes(8)),
    fc.tuple(fc.constant(THRIFT.binary), bytes()),
    fc.tuple(fc.constantFrom(1, 2), fc.constant(0n)),
    fc.tuple(
      fc.constantFrom(THRIFT.list, 10),
      fc.array(integer(64), { maxLength: 40 }).map((items) => new ThriftList(THRIFT.i64, items)),
    ),
    fc.tuple(
      fc.constant(THRIFT.list),
      fc.array(tie('struct'), { maxLength: 4 }).map((items) => new ThriftList(THRIFT.struct, items)),
    ),
    fc.tuple(fc.constant(THRIFT.struct), tie('struct')),
  ),
  struct: fc
    .dictionary(fc.nat({ max: 300 }).map(String), tie('value'), { maxKeys: 6 })
    .map((fields) => new Map(Object.entries(fields).map(([id, [type, value]]) => [Number(id), { type, value }]))),
}))

test('a struct is read as it was written', () => {
  fc.assert(
    fc.property(struct, (given) => {
      expect(readThrift(writeThrift(given))).toEqual(given)
    }),
  )
})

test('bytes of another writer are written again to the letter', () => {
  // {1: true, 2: {a map of an i32 to a text}, 3: -1 as i64, 20: a list of two booleans}
  const given = Uint8Array.of(0x11, 0x1b, 0x01, 0x58, 0x0e, 0x02, 0x68, 0x69, 0x16, 0x01, 0x09, 0x28, 0x21, 0x01, 0x02, 0x00)
  expect([...writeThrift(readThrift(given))]).toEqual([...given])
})

test('bytes that are no struct are refused, and ask for no memory', () => {
  const lengths = { empty: [], cut: [0x16], endless: [0x16, ...Array(11).fill(0xff)], 'long text': [0x18, 0xff, 0xff, 0xff, 0x7f] }
  const list = [0x19, 0xf6, 0xff, 0xff, 0xff, 0xff, 0x07]
  for (const damaged of [...Object.values(lengths), list, Array(1000).fill(0x1c), [0x1f]])
    expect(() => readThrift(Uint8Array.from(damaged))).toThrow(RangeError)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (some) => {
      try {
        readThrift(some)
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }),
  )
})
