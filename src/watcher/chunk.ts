import { createHash } from 'node:crypto'
import type { FileSeen } from '../model/file.ts'
import { seenFile } from './complete.ts'

/** Files of a chunk on average, as a power of two, and at most. */
const MEAN_BITS = 10
const MOST = 4096

/** Characters at the end of a path that decide whether a chunk ends there. */
const DECIDING = 16
const NAMES_BYTES = 65_536
/** Nothing stays in it from one digest to the next. */
const NAMES = Buffer.allocUnsafe(NAMES_BYTES)
/** A character of a path is at most three bytes. */
const BYTES_OF_CHARACTER = 3

/**
 * Complete files in the order of a listing, as one value that tells them from all other files and versions. A chunk ends where the names say so and
 * not after a number of files: so one that comes or goes changes its own chunk alone. A chunk whose digest is known is passed over
 * without an object for each file.
 */
export class Chunk {
  #paths: string[] = []
  /** Size and modified time of each. */
  readonly #numbers = new BigInt64Array(MOST * 2)

  get count(): number {
    return this.#paths.length
  }

  /** True when the chunk ends with this file. */
  add(path: string, size: bigint, modifiedNs: bigint): boolean {
    const index = this.#paths.push(path) - 1
    this.#numbers[2 * index] = size
    this.#numbers[2 * index + 1] = modifiedNs
    return index === MOST - 1 || isEnd(path)
  }

  /** What these files are, in 128 bits. */
  digest(): string {
    const hash = createHash('sha256')
    let used = 0
    for (const path of this.#paths) {
      if (used + (path.length + 1) * BYTES_OF_CHARACTER > NAMES_BYTES) {
        hash.update(NAMES.subarray(0, used))
        used = 0
      }
      if ((path.length + 1) * BYTES_OF_CHARACTER > NAMES_BYTES) hash.update(`${path}\0`)
      else {
        used += NAMES.write(path, used)
        NAMES[used] = 0
        used += 1
      }
    }
    hash.update(NAMES.subarray(0, used))
    hash.update(new Uint8Array(this.#numbers.buffer, 0, this.count * 16))
    return hash.digest().toString('base64url', 0, 16)
  }

  /** The files, after which the chunk is empty. */
  take(): readonly FileSeen[] {
    const paths = this.#paths
    this.#paths = []
    return paths.map((path, index) => seenFile(path, null, this.#numbers[2 * index] ?? 0n, this.#numbers[2 * index + 1] ?? 0n))
  }

  clear(): void {
    this.#paths = []
  }
}

/** By the end of the path, where names differ: FNV-1a. */
function isEnd(path: string): boolean {
  let hash = 0x811c9dc5
  for (let at = Math.max(0, path.length - DECIDING); at < path.length; at += 1) hash = Math.imul(hash ^ path.charCodeAt(at), 0x01000193)
  return hash >>> (32 - MEAN_BITS) === 0
}
