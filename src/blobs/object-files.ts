import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import pLimit from 'p-limit'

/** Bytes that one request of a download asks for. */
export const RANGE_BYTES = 8 * 1024 * 1024
const RANGES_AT_ONCE = 8

/** One range as it comes; it may end early, which the caller makes up for. */

/**
 * Makes a file of ranges that are read at the same time. Each chunk goes to its place as it comes, so that the memory is that of
 * the sockets. The file is renamed to its path when it is whole.
 */
export async function fileOfRanges(
  path: string,
  size: number,
  readRange: (from: number, bytes: number, write: ChunkWriter) => Promise<'read' | 'absent' | 'changed'>,
): Promise<'read' | 'absent' | 'changed'> {
  const draft = `${path}.${randomUUID()}.part`
  const file = await open(draft, 'wx')
  try {
    const outcome = await readRanges(file, size, readRange)
    await file.close()
    if (outcome === 'read') await rename(draft, path)
    return outcome
  } finally {
    await file.close()
    await rm(draft, { force: true })
  }
}

/** Writes chunks of a range behind one another, and says how far it came, so that a cut range is gone on with. */
export class ChunkWriter {
  readonly #file: FileHandle
  #at: number
  readonly #end: number

  constructor(file: FileHandle, from: number, bytes: number) {
    this.#file = file
    this.#at = from
    this.#end = from + bytes
  }

  get at(): number {
    return this.#at
  }

  get missing(): number {
    return this.#end - this.#at
  }

  async take(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of chunks) {
      const kept = chunk.byteLength > this.missing ? chunk.subarray(0, this.missing) : chunk
      await writeAll(this.#file, kept, this.#at)
      this.#at += kept.byteLength
    }
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < chunk.byteLength; ) {
    const { bytesWritten } = await file.write(chunk, done, chunk.byteLength - done, at + done)
    done += bytesWritten
  }
}

async function readRanges(
  file: FileHandle,
  size: number,
  readRange: (from: number, bytes: number, write: ChunkWriter) => Promise<'read' | 'absent' | 'changed'>,
): Promise<'read' | 'absent' | 'changed'> {
  const limit = pLimit(RANGES_AT_ONCE)
  let outcome: 'read' | 'absent' | 'changed' = 'read'
  const starts = Array.from({ length: Math.max(1, Math.ceil(size / RANGE_BYTES)) }, (_, index) => index * RANGE_BYTES)
  const work = starts.map((from) =>
    limit(async () => {
      // The version is gone: what is left of it need not be asked for.
      if (outcome !== 'read') return
      const bytes = Math.min(RANGE_BYTES, size - from)
      const found = await readRange(from, bytes, new ChunkWriter(file, from, bytes))
      if (found !== 'read') outcome = found
    }),
  )
  const ended = await Promise.allSettled(work)
  const failed = ended.find((one) => one.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return outcome
}

/** Bytes of a local file. */
export async function sizeOf(path: string): Promise<number> {
  return (await stat(path)).size
}

/** A part of a local file. */
export async function partOf(path: string, from: number, bytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  if (bytes > 0) for await (const chunk of createReadStream(path, { start: from, end: from + bytes - 1 })) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
