/**
 * Thrift's compact protocol as trees of fields, without a schema: what is read is written again byte by byte in meaning, fields
 * that nobody here knows included. See https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
export type ThriftValue = bigint | Uint8Array | ThriftList | ThriftMap | ThriftStruct

/** Fields by their ids. */
export type ThriftStruct = ReadonlyMap<number, ThriftField>

export interface ThriftField {
  /** Type of the protocol; that of a boolean is its value, too. */
  readonly type: number
  readonly value: ThriftValue
}

/** A list or a set. */
export class ThriftList {
  readonly of: number
  readonly items: readonly ThriftValue[]

  constructor(of: number, items: readonly ThriftValue[]) {
    this.of = of
    this.items = items
  }
}

class ThriftMap {
  readonly types: number
  readonly entries: readonly ThriftValue[]

  /** Keys and values in turn, and both their types in one byte. */
  constructor(types: number, entries: readonly ThriftValue[]) {
    this.types = types
    this.entries = entries
  }
}

/** Numbers of types. */
export const THRIFT = { i16: 4, i32: 5, i64: 6, binary: 8, list: 9, struct: 12 } as const
const [TRUE, FALSE, BYTE, DOUBLE, SET, MAP, UUID] = [1, 2, 3, 7, 10, 11, 13]
/** Deeper than any real tree; damaged bytes may nest without end. */
const DEPTH = 64

/** The struct that the bytes begin with. RangeError for bytes that are none. Texts are views of the bytes. */
export function readThrift(bytes: Uint8Array): ThriftStruct {
  return new Reader(bytes).struct(0)
}

export function writeThrift(struct: ThriftStruct): Uint8Array {
  const writer = new Writer()
  writer.struct(struct)
  return writer.written()
}

class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  struct(depth: number): ThriftStruct {
    if (depth > DEPTH) throw new RangeError('a Thrift struct is nested too deeply')
    const fields = new Map<number, ThriftField>()
    let id = 0
    for (let head = this.#byte(); head !== 0; head = this.#byte()) {
      const type = head & 0x0f
      id = head >> 4 === 0 ? Number(zigzag(this.#varint())) : id + (head >> 4)
      // Of a boolean field the type is all there is.
      const value = type === TRUE || type === FALSE ? 0n : this.#value(type, depth)
      fields.set(id, { type, value })
    }
    return fields
  }

  #value(type: number, depth: number): ThriftValue {
    switch (type) {
      case TRUE:
      case FALSE:
      case BYTE:
        return BigInt(this.#byte())
      case THRIFT.i16:
      case THRIFT.i32:
      case THRIFT.i64:
        return zigzag(this.#varint())
      case DOUBLE:
        return this.#take(8)
      case THRIFT.binary:
        return this.#take(Number(this.#varint()))
      case THRIFT.list:
      case SET:
        return this.#list(depth)
      case MAP:
        return this.#map(depth)
      case THRIFT.struct:
        return this.struct(depth + 1)
      case UUID:
        return this.#take(16)
      default:
        throw new RangeError(`Thrift has no type ${type}`)
    }
  }

  #list(depth: number): ThriftList {
    const head = this.#byte()
    const size = head >> 4 === 15 ? Number(this.#varint()) : head >> 4
    return new ThriftList(
      head & 0x0f,
      this.#values(size, () => head & 0x0f, depth),
    )
  }

  #map(depth: number): ThriftMap {
    const size = Number(this.#varint())
    if (size === 0) return new ThriftMap(0, [])
    const types = this.#byte()
    return new ThriftMap(
      types,
      this.#values(2 * size, (index) => (index % 2 === 0 ? types >> 4 : types & 0x0f), depth),
    )
  }

  #values(size: number, typeOf: (index: number) => number, depth: number): readonly ThriftValue[] {
    // Each takes a byte at least, so a size beyond them is damage, and no reason to ask for the memory.
    if (size > this.#bytes.length - this.#at) throw new RangeError('a Thrift list is longer than its bytes')
    return Array.from({ length: size }, (_, index) => this.#value(typeOf(index), depth + 1))
  }

  #varint(): bigint {
    let low = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte()
      low |= (byte & 0x7f) << shift
      if (byte < 0x80) return BigInt(low)
    }
    let value = BigInt(low)
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#byte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw new RangeError('a Thrift number has no end')
  }

  #byte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw new RangeError('Thrift bytes end too early')
    this.#at += 1
    return byte
  }

  #take(length: number): Uint8Array {
    const taken = this.#bytes.subarray(this.#at, this.#at + length)
    if (taken.length !== length) throw new RangeError('Thrift bytes end too early')
    this.#at += length
    return taken
  }
}

class Writer {
  #bytes = new Uint8Array(4096)
  #size = 0

  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#size)
  }

  struct(fields: ThriftStruct): void {
    let last = 0
    for (const [id, { type, value }] of [...fields].toSorted(([a], [b]) => a - b)) {
      const step = id - last
      if (step > 0 && step < 16) this.#byte((step << 4) | type)
      else {
        this.#byte(type)
        this.#varint(unsigned(BigInt(id)))
      }
      if (type !== TRUE && type !== FALSE) this.#value(type, value)
      last = id
    }
    this.#byte(0)
  }

  #value(type: number, value: ThriftValue): void {
    if (typeof value === 'bigint') {
      if (type >= THRIFT.i16) this.#varint(unsigned(value))
      else this.#byte(Number(value))
    } else if (value instanceof Uint8Array) {
      if (type === THRIFT.binary) this.#varint(BigInt(value.length))
      this.#put(value)
    } else if (value instanceof ThriftList) {
      const { of, items } = value
      this.#byte((Math.min(items.length, 15) << 4) | of)
      if (items.length >= 15) this.#varint(BigInt(items.length))
      for (const item of items) this.#value(of, item)
    } else if (value instanceof ThriftMap) this.#map(value)
    else this.struct(value)
  }

  #map({ types, entries }: ThriftMap): void {
    this.#varint(BigInt(entries.length / 2))
    if (entries.length > 0) this.#byte(types)
    for (const [index, entry] of entries.entries()) this.#value(index % 2 === 0 ? types >> 4 : types & 0x0f, entry)
  }

  #varint(value: bigint): void {
    let rest = value
    for (; rest >= 0x80n; rest >>= 7n) this.#byte(Number(rest & 0x7fn) | 0x80)
    this.#byte(Number(rest))
  }

  #byte(byte: number): void {
    this.#reserve(1)
    this.#bytes[this.#size] = byte
    this.#size += 1
  }

  #put(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#size)
    this.#size += bytes.length
  }

  #reserve(length: number): void {
    if (this.#size + length <= this.#bytes.length) return
    const longer = new Uint8Array(Math.max(2 * this.#bytes.length, this.#size + length))
    longer.set(this.#bytes)
    this.#bytes = longer
  }
}

function zigzag(value: bigint): bigint {
  return (value >> 1n) ^ -(value & 1n)
}

function unsigned(value: bigint): bigint {
  return BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
}
