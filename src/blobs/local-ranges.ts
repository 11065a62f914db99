import { type FileHandle, open } from 'node:fs/promises'
import { UnavailableError } from '../errors/errors.ts'

/** Bytes that are copied at a time. */
const PIECE = 1024 * 1024

/** A local file that others are copied from. */
export class LocalSource implements AsyncDisposable {
  readonly #path: string
  readonly #file: FileHandle
  readonly size: number

  private constructor(path: string, file: FileHandle, size: number) {
    this.#path = path
    this.#file = file
    this.size = size
  }

  static async open(path: string): Promise<LocalSource> {
    const file = await open(path, 'r')
    try {
      return new LocalSource(path, file, (await file.stat()).size)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** Some bytes, in `memory` where it is given; all that were asked for. */
  async bytes(start: number, length: number, memory = Buffer.allocUnsafe(length)): Promise<Buffer> {
    for (let read = 0; read < length; ) {
      const { bytesRead } = await this.#file.read(memory, read, length - read, start + read)
      if (bytesRead === 0) throw new UnavailableError('ING-STORAGE', `${this.#path} became shorter while it was read`)
      read += bytesRead
    }
    return memory.subarray(0, length)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }
}

/** A new local file that grows by bytes and by parts of other files. */
export class LocalSink implements AsyncDisposable {
  readonly #file: FileHandle
  /** Bytes so far. */
  size = 0

  private constructor(file: FileHandle) {
    this.#file = file
  }

  static async create(path: string): Promise<LocalSink> {
    return new LocalSink(await open(path, 'wx'))
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let written = 0; written < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(bytes, written, bytes.length - written)
      written += bytesWritten
    }
    this.size += bytes.length
  }

  /** Reading goes on while the piece before is written. */
  async copy(from: LocalSource, start: number, length: number): Promise<void> {
    const pieces = [Buffer.allocUnsafe(Math.min(PIECE, length)), Buffer.allocUnsafe(Math.min(PIECE, length))]
    let writing: Promise<void> = Promise.resolve()
    try {
      for (let copied = 0, turn = 0; copied < length; copied += PIECE, turn = 1 - turn) {
        const piece = await from.bytes(start + copied, Math.min(PIECE, length - copied), pieces[turn])
        await writing
        writing = this.append(piece)
        // It is awaited in the next turn; a failure before that shall not end the process.
        writing.catch(() => undefined)
      }
    } finally {
      await writing
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }
}
