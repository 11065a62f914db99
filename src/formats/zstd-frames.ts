/** What a file of zstd frames turns out to be at its end. */
export type FramesEnd = 'whole' | 'cut' | 'foreign'

const FRAME = 0xfd2fb528
const SKIPPABLE = 0x184d2a50

/**
 * Walks the frames and blocks of a zstd file by their headers, without decompressing anything. The engine's reader
 * takes a file that is cut between blocks, or within its checksum, as complete.
 */
export class ZstdFrames {
  #pending = Buffer.alloc(0)
  /** Bytes that belong to the block at hand and need no look. */
  #skip = 0
  #state: 'magic' | 'header' | 'block' | 'checksum' | 'skippable' = 'magic'
  #checksum = false
  #foreign = false
  #frames = 0

  push(chunk: Uint8Array): void {
    if (this.#foreign) return
    let bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const skipped = Math.min(this.#skip, bytes.length)
    this.#skip -= skipped
    bytes = bytes.subarray(skipped)
    if (bytes.length === 0) return
    this.#pending = this.#pending.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#pending, bytes])
    while (this.#pending.length > 0 && !this.#foreign && this.#step()) {
      // Each step takes one header and what it skips.
    }
  }

  end(): FramesEnd {
    if (this.#foreign) return 'foreign'
    return this.#state === 'magic' && this.#pending.length === 0 && this.#skip === 0 && this.#frames > 0 ? 'whole' : 'cut'
  }

  /** False when the next header is not complete yet. */
  #step(): boolean {
    switch (this.#state) {
      case 'magic':
        return this.#magic()
      case 'skippable':
        return this.#pending.length >= 4 && this.#take(4 + this.#pending.readUInt32LE(0), 'magic')
      case 'header':
        return this.#frameHeader()
      case 'block':
        return this.#block()
      case 'checksum':
        return this.#pending.length >= 4 && this.#take(4, 'magic')
    }
  }

  #magic(): boolean {
    if (this.#pending.length < 4) return false
    const magic = this.#pending.readUInt32LE(0)
    if (magic === FRAME) {
      this.#frames += 1
      return this.#take(4, 'header')
    }
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) return this.#take(4, 'skippable')
    this.#foreign = true
    return false
  }

  #frameHeader(): boolean {
    const descriptor = this.#pending[0] ?? 0
    const single = (descriptor & 0x20) !== 0
    const contentSize = [single ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0
    const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0
    const length = 1 + (single ? 0 : 1) + dictionary + contentSize
    if (this.#pending.length < length) return false
    this.#checksum = (descriptor & 4) !== 0
    return this.#take(length, 'block')
  }

  #block(): boolean {
    if (this.#pending.length < 3) return false
    const header = this.#pending.readUIntLE(0, 3)
    const repeats = ((header >> 1) & 3) === 1
    const last = (header & 1) === 1
    const size = repeats ? 1 : header >> 3
    return this.#take(3 + size, last ? (this.#checksum ? 'checksum' : 'magic') : 'block')
  }

  #take(bytes: number, next: 'magic' | 'header' | 'block' | 'checksum' | 'skippable'): boolean {
    this.#state = next
    const here = Math.min(bytes, this.#pending.length)
    this.#pending = this.#pending.subarray(here)
    this.#skip = bytes - here
    return this.#skip === 0
  }
}
