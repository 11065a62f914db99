import { BugError } from '../../errors/errors.ts'

/**
 * A set of row positions as the protocol stores it: an array of 32-bit roaring bitmaps in their portable form, one for
 * each upper half of the positions. All numbers are little-endian, as are the machines that we run on, so typed arrays
 * are laid over the bytes.
 */

/** The content is no bitmap; the message says what is wrong with it. */
export class BitmapDamage extends Error {}

const MAGIC = 1681511377
const COOKIE = 12346
const COOKIE_WITH_RUNS = 12347
/** Below this many containers a bitmap with runs has no offsets. */
const MIN_FOR_OFFSETS = 4
/** Values of a container. */
const SPAN = 65536
/** Values up to which a container is an array; above it is a bitmap. */
const MAX_ARRAY = 4096
const BITMAP_BYTES = SPAN / 8

/** The positions in ascending order, a container at a time. */
export function* positionsOf(bytes: Uint8Array): Generator<BigInt64Array> {
  const reader = new Reader(bytes)
  if (reader.u32() !== MAGIC) throw new BitmapDamage('it has another magic number')
  const buckets = reader.u32()
  if (reader.u32() !== 0) throw new BitmapDamage('it has too many buckets')
  for (let bucket = 0; bucket < buckets; bucket += 1) yield* containersOf(reader, reader.u32())
}

interface Container {
  readonly key: number
  readonly cardinality: number
  readonly hasRuns: boolean
}

function* containersOf(reader: Reader, high: number): Generator<BigInt64Array> {
  const containers = headerOf(reader)
  for (const { key, cardinality, hasRuns } of containers) {
    const base = key * SPAN
    if (hasRuns) yield fromRuns(reader, base, high)
    else if (cardinality <= MAX_ARRAY) yield fromArray(reader, cardinality, base, high)
    else yield fromBitmap(reader, cardinality, base, high)
  }
}

function headerOf(reader: Reader): readonly Container[] {
  const cookie = reader.u32()
  const withRuns = (cookie & 0xffff) === COOKIE_WITH_RUNS
  if (!withRuns && cookie !== COOKIE) throw new BitmapDamage('a bitmap in it has another cookie')
  const count = withRuns ? (cookie >>> 16) + 1 : reader.u32()
  if (count > SPAN) throw new BitmapDamage('a bitmap in it has too many containers')
  const flags = withRuns ? reader.bytes(Math.ceil(count / 8)) : undefined
  const header = reader.u16s(count * 2)
  const containers = Array.from({ length: count }, (_, index) => ({
    key: header[index * 2] ?? 0,
    cardinality: (header[index * 2 + 1] ?? 0) + 1,
    hasRuns: ((flags?.[index >>> 3] ?? 0) & (1 << (index & 7))) !== 0,
  }))
  // Containers follow one another in order, so the offsets tell nothing new.
  if (!withRuns || count >= MIN_FOR_OFFSETS) reader.bytes(count * 4)
  return containers
}

function fromArray(reader: Reader, cardinality: number, base: number, high: number): BigInt64Array {
  const values = reader.u16s(cardinality)
  const { positions, words } = room(cardinality)
  for (let index = 0; index < cardinality; index += 1) {
    words[index * 2] = base + (values[index] ?? 0)
    words[index * 2 + 1] = high
  }
  return positions
}

function fromBitmap(reader: Reader, cardinality: number, base: number, high: number): BigInt64Array {
  const bits = new Uint32Array(reader.bytes(BITMAP_BYTES).slice().buffer)
  const { positions, words } = room(SPAN)
  let found = 0
  for (let index = 0; index < bits.length; index += 1) {
    let word = bits[index] ?? 0
    while (word !== 0) {
      words[found * 2] = base + index * 32 + (31 - Math.clz32(word & -word))
      words[found * 2 + 1] = high
      found += 1
      word &= word - 1
    }
  }
  if (found !== cardinality) throw new BitmapDamage('a container in it has another number of values than it says')
  return positions.subarray(0, found)
}

function fromRuns(reader: Reader, base: number, high: number): BigInt64Array {
  const [count = 0] = reader.u16s(1)
  const runs = reader.u16s(count * 2)
  let cardinality = 0
  for (let run = 0; run < count; run += 1) {
    cardinality += (runs[run * 2 + 1] ?? 0) + 1
    if ((runs[run * 2] ?? 0) + (runs[run * 2 + 1] ?? 0) >= SPAN) throw new BitmapDamage('a run in it leaves its container')
  }
  const { positions, words } = room(cardinality)
  let found = 0
  for (let run = 0; run < count; run += 1) {
    const start = base + (runs[run * 2] ?? 0)
    const end = start + (runs[run * 2 + 1] ?? 0)
    for (let value = start; value <= end; value += 1) {
      words[found * 2] = value
      words[found * 2 + 1] = high
      found += 1
    }
  }
  return positions
}

/** Positions as 64-bit values, and the same memory as lower and upper halves: no value becomes a bigint on its way. */
function room(length: number): { readonly positions: BigInt64Array; readonly words: Uint32Array } {
  const positions = new BigInt64Array(length)
  return { positions, words: new Uint32Array(positions.buffer) }
}

class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    // A Buffer's slice is no copy, and a Buffer may come.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  bytes(length: number): Uint8Array {
    const end = this.#at + length
    if (end > this.#bytes.length) throw new BitmapDamage('its end is missing')
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }

  u32(): number {
    const taken = this.bytes(4)
    return new DataView(taken.buffer, taken.byteOffset, 4).getUint32(0, true)
  }

  u16s(count: number): Uint16Array {
    return new Uint16Array(this.bytes(count * 2).slice().buffer)
  }
}

/** One 32-bit bitmap under way. */
interface Bucket {
  readonly high: number
  readonly containers: { readonly key: number; readonly cardinality: number; readonly content: Uint8Array; readonly hasRuns: boolean }[]
}

/** Builds a bitmap from positions in ascending order; one that comes twice counts once. */
export class BitmapWriter {
  readonly #buckets: Bucket[] = []
  readonly #values = new Uint16Array(SPAN)
  #length = 0
  #high = 0
  #key = 0
  #last = -1
  cardinality = 0n

  add(positions: BigInt64Array): void {
    const words = new Uint32Array(positions.buffer, positions.byteOffset, positions.length * 2)
    for (let index = 0; index < words.length; index += 2) this.#addOne(words[index] ?? 0, words[index + 1] ?? 0)
  }

  finish(): Uint8Array {
    this.#close()
    const head = new Uint8Array(12)
    const view = new DataView(head.buffer)
    view.setUint32(0, MAGIC, true)
    view.setUint32(4, this.#buckets.length, true)
    return joined([head, ...this.#buckets.flatMap(bucketBytes)])
  }

  #addOne(low: number, high: number): void {
    const key = low >>> 16
    const value = low & 0xffff
    if (high !== this.#high || key !== this.#key) {
      if (high < this.#high || (high === this.#high && key < this.#key)) throw new BugError('positions came out of order')
      this.#close()
      this.#high = high
      this.#key = key
    }
    if (value === this.#last) return
    if (value < this.#last) throw new BugError('positions came out of order')
    this.#values[this.#length] = value
    this.#last = value
    this.#length += 1
  }

  #close(): void {
    if (this.#length > 0) {
      let bucket = this.#buckets.at(-1)
      if (bucket?.high !== this.#high) {
        bucket = { high: this.#high, containers: [] }
        this.#buckets.push(bucket)
      }
      bucket.containers.push({ key: this.#key, cardinality: this.#length, ...contentOf(this.#values.subarray(0, this.#length)) })
      this.cardinality += BigInt(this.#length)
    }
    this.#length = 0
    this.#last = -1
  }
}

/** The shortest of the three forms. */
function contentOf(values: Uint16Array): { readonly content: Uint8Array; readonly hasRuns: boolean } {
  const runs = runsOf(values)
  const plain = values.length <= MAX_ARRAY ? values.length * 2 : BITMAP_BYTES
  if (runs !== undefined && runs.byteLength < plain) return { content: bytesOf(runs), hasRuns: true }
  if (values.length <= MAX_ARRAY) return { content: bytesOf(values), hasRuns: false }
  const bits = new Uint8Array(BITMAP_BYTES)
  for (const value of values) bits[value >>> 3] = (bits[value >>> 3] ?? 0) | (1 << (value & 7))
  return { content: bits, hasRuns: false }
}

/** The number of runs, then start and length less one of each; undefined where they are too many to be worth while. */
function runsOf(values: Uint16Array): Uint16Array | undefined {
  let count = 0
  for (let index = 0; index < values.length; index += 1) if (values[index] !== (values[index - 1] ?? -2) + 1) count += 1
  if (count * 4 + 2 >= BITMAP_BYTES) return undefined
  const runs = new Uint16Array(1 + count * 2)
  runs[0] = count
  let at = -1
  for (let index = 0; index < values.length; index += 1) {
    if (values[index] === (values[index - 1] ?? -2) + 1) runs[at + 1] = (runs[at + 1] ?? 0) + 1
    else {
      at += 2
      runs[at] = values[index] ?? 0
    }
  }
  return runs
}

function bucketBytes({ high, containers }: Bucket): readonly Uint8Array[] {
  const withRuns = containers.some((container) => container.hasRuns)
  const flags = new Uint8Array(withRuns ? Math.ceil(containers.length / 8) : 0)
  const hasOffsets = !withRuns || containers.length >= MIN_FOR_OFFSETS
  const head = new Uint8Array(withRuns ? 8 : 12)
  const view = new DataView(head.buffer)
  view.setUint32(0, high, true)
  view.setUint32(4, withRuns ? (COOKIE_WITH_RUNS | ((containers.length - 1) << 16)) >>> 0 : COOKIE, true)
  if (!withRuns) view.setUint32(8, containers.length, true)
  const keys = new Uint16Array(containers.length * 2)
  const offsets = new Uint32Array(hasOffsets ? containers.length : 0)
  // Offsets count from the cookie, which stands behind the four bytes of the bucket's key.
  let offset = head.length - 4 + flags.length + keys.byteLength + offsets.byteLength
  containers.forEach(({ key, cardinality, content, hasRuns }, index) => {
    if (hasRuns) flags[index >>> 3] = (flags[index >>> 3] ?? 0) | (1 << (index & 7))
    keys[index * 2] = key
    keys[index * 2 + 1] = cardinality - 1
    if (hasOffsets) offsets[index] = offset
    offset += content.length
  })
  return [head, flags, bytesOf(keys), bytesOf(offsets), ...containers.map((container) => container.content)]
}

/** A copy: what the array lies over is used again. */
function bytesOf(array: Uint16Array | Uint32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength).slice()
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
