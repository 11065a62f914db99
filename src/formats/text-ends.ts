import { type Compression, gunzipSmall, plainBytes, zstdHead } from './compression.ts'
import { truncated } from './file-problems.ts'
import type { SourceFile, SourceIo } from './format.ts'

/** Both ends of a text file, decompressed. */
export interface TextEnds {
  readonly head: Buffer
  /** True when `head` is the whole text. */
  readonly complete: boolean
  /** The last bytes, where they were asked for. */
  readonly tail: Buffer
}

/** Bytes that are wanted of both ends; no tail costs less for some compressions. */
export interface Wanted {
  readonly head: number
  readonly tail: number
}

const SMALL = 256 * 1024
const SMALL_TEXT = 16 * 1024 * 1024
const NOTHING = Buffer.alloc(0)

/**
 * Reads the ends of a file. A compressed file is read to its end: a cut within its last bytes shows nowhere else, and
 * the engine would take what is left as complete. Throws FileError for such a cut.
 */
export async function textEnds(file: SourceFile, compression: Compression, io: SourceIo, wanted: Wanted): Promise<TextEnds> {
  if (compression === 'none') return plainEnds(file, io, wanted)
  if (compression === 'gzip' && file.size <= SMALL) {
    const text = gunzipSmall(file, await io.head(file, SMALL), SMALL_TEXT)
    if (text !== undefined) return { head: text, complete: true, tail: lastOf(text, wanted.tail) }
  }
  if (compression === 'zstd' && wanted.tail === 0) return { ...(await zstdHead(file, io, wanted.head)), tail: NOTHING }
  return streamedEnds(file, compression, io, wanted)
}

/** Throws for UTF-16 that stops within two bytes of a character: the engine would take another byte for the one that is missing. */
export function checkPairs(file: SourceFile, compression: Compression, { head, complete }: TextEnds): void {
  const length = compression === 'none' ? Number(file.size) : complete ? head.length : 0
  if (length % 2 === 1) throw truncated(file.path, 'its last character has one byte of two')
}

async function plainEnds(file: SourceFile, io: SourceIo, wanted: Wanted): Promise<TextEnds> {
  const bytes = await io.head(file, wanted.head)
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const complete = head.length >= file.size
  if (complete || wanted.tail === 0) return { head, complete, tail: lastOf(head, wanted.tail) }
  return { head, complete, tail: Buffer.from(await io.tail(file, wanted.tail)) }
}

async function streamedEnds(file: SourceFile, compression: Compression, io: SourceIo, wanted: Wanted): Promise<TextEnds> {
  const head: Buffer[] = []
  let headLength = 0
  let tail: Buffer = NOTHING
  let length = 0
  for await (const chunk of plainBytes(file, compression, io)) {
    length += chunk.length
    if (headLength < wanted.head) {
      head.push(chunk)
      headLength += chunk.length
    }
    tail = lastOf(chunk.length >= wanted.tail ? chunk : Buffer.concat([tail, chunk]), wanted.tail)
  }
  return { head: Buffer.concat(head), complete: length === headLength, tail }
}

function lastOf(bytes: Buffer, length: number): Buffer {
  return length === 0 ? NOTHING : bytes.subarray(-length)
}
