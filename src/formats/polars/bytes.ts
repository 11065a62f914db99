/** The bytes end where more are needed. */
export class CutShort extends Error {}

/** Reads a stream by lengths that its content tells. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer | string>
  #buffer: Buffer = Buffer.alloc(0)
  #at = 0

  constructor(stream: NodeJS.ReadableStream) {
    this.#chunks = stream[Symbol.asyncIterator]()
  }

  /** The next bytes. Throws CutShort at an end before them. */
  async take(length: number): Promise<Buffer> {
    if (this.#buffer.length - this.#at < length) await this.#fill(length)
    const taken = this.#buffer.subarray(this.#at, this.#at + length)
    this.#at += length
    return taken
  }

  async isAtEnd(): Promise<boolean> {
    if (this.#at < this.#buffer.length) return false
    try {
      await this.#fill(1)
      return false
    } catch (error) {
      if (error instanceof CutShort) return true
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#chunks.return?.()
  }

  async #fill(length: number): Promise<void> {
    const parts = [this.#buffer.subarray(this.#at)]
    let have = parts[0]?.length ?? 0
    while (have < length) {
      const next = await this.#chunks.next()
      if (next.done === true) break
      const chunk = typeof next.value === 'string' ? Buffer.from(next.value) : next.value
      parts.push(chunk)
      have += chunk.length
    }
    this.#buffer = Buffer.concat(parts)
    this.#at = 0
    if (have < length) throw new CutShort()
  }
}
