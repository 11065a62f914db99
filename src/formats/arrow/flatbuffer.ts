/** A table of a FlatBuffer: fields are found by their number, and may be missing. */
export class FlatTable {
  readonly #bytes: Buffer
  readonly #at: number

  private constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  /** Throws RangeError, as all reads do, where an offset leads out of the bytes. */
  static root(bytes: Buffer): FlatTable {
    return new FlatTable(bytes, bytes.readUInt32LE(0))
  }

  byte(field: number): number {
    const at = this.#place(field)
    return at === undefined ? 0 : this.#bytes.readUInt8(at)
  }

  short(field: number): number {
    const at = this.#place(field)
    return at === undefined ? 0 : this.#bytes.readInt16LE(at)
  }

  int(field: number, missing = 0): number {
    const at = this.#place(field)
    return at === undefined ? missing : this.#bytes.readInt32LE(at)
  }

  long(field: number): bigint {
    const at = this.#place(field)
    return at === undefined ? 0n : this.#bytes.readBigInt64LE(at)
  }

  text(field: number): string {
    const at = this.#place(field)
    if (at === undefined) return ''
    const start = at + this.#bytes.readUInt32LE(at)
    return this.#bytes.toString('utf8', start + 4, start + 4 + this.#bytes.readUInt32LE(start))
  }

  table(field: number): FlatTable | undefined {
    const at = this.#place(field)
    return at === undefined ? undefined : new FlatTable(this.#bytes, at + this.#bytes.readUInt32LE(at))
  }

  tables(field: number): readonly FlatTable[] {
    const at = this.#place(field)
    if (at === undefined) return []
    const start = at + this.#bytes.readUInt32LE(at)
    const length = this.#bytes.readUInt32LE(start)
    if (length > this.#bytes.length) throw new RangeError('a list is longer than its message')
    return Array.from({ length }, (_, index) => {
      const place = start + 4 + index * 4
      return new FlatTable(this.#bytes, place + this.#bytes.readUInt32LE(place))
    })
  }

  #place(field: number): number | undefined {
    const table = this.#at - this.#bytes.readInt32LE(this.#at)
    const slot = 4 + field * 2
    if (slot >= this.#bytes.readUInt16LE(table)) return undefined
    const offset = this.#bytes.readUInt16LE(table + slot)
    return offset === 0 ? undefined : this.#at + offset
  }
}
