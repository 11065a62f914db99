import { type Compression, gunzipSmall, plainBytes, zstdHead } from './compression.ts'
import type { SourceFile, SourceIo } from './format.ts'

/** Both ends of a text file, decompressed. */
export interface TextEnds {
  readonly head: Buffer
  /** True when `head` is the whole text. */
  readonly complete: boolean
  /** The last bytes, where they were asked for. */
  readonly tail: Buffer
}

const SMALL = 256 * 1024
const SMALL_TEXT = 16 * 1024 * 1024
const TAIL = 1024
const NOTHING = Buffer.alloc(0)

/**
 * Reads the ends of a file. A compressed file is read to its end: a cut within its last bytes shows nowhere else, and
 * the engine would take what is left as complete. Throws FileError for such a cut.
 */
export async function textEnds(
  file: SourceFile,
  compression: Compression,
  io: SourceIo,
  wanted: { readonly head: number; readonly tail: boolean },
): Promise<TextEnds> {
  if (compression === 'none') return plainEnds(file, io, wanted)
  if (compression === 'gzip' && file.size <= SMALL) {
    const text = gunzipSmall(file, await io.head(file, SMALL), SMALL_TEXT)
    if (text !== undefined) return { head: text, complete: true, tail: text.subarray(-TAIL) }
  }
  if (compression === 'zstd' && !wanted.tail) return { ...(await zstdHead(file, io, wanted.head)), tail: NOTHING }
  return streamedEnds(file, compression, io, wanted.head)
}

async function plainEnds(file: SourceFile, io: SourceIo, wanted: { readonly head: number; readonly tail: boolean }): Promise<TextEnds> {
  const bytes = await io.head(file, wanted.head)
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const complete = head.length >= file.size
  if (!wanted.tail) return { head, complete, tail: NOTHING }
  return { head, complete, tail: complete ? head.subarray(-TAIL) : Buffer.from(await io.tail(file, TAIL)) }
}

async function streamedEnds(file: SourceFile, compression: Compression, io: SourceIo, wanted: number): Promise<TextEnds> {
  const head: Buffer[] = []
  let headLength = 0
  let tail: Buffer = NOTHING
  let length = 0
  for await (const chunk of plainBytes(file, compression, io)) {
    length += chunk.length
    if (headLength < wanted) {
      head.push(chunk)
      headLength += chunk.length
    }
    tail = chunk.length >= TAIL ? chunk.subarray(-TAIL) : Buffer.concat([tail, chunk]).subarray(-TAIL)
  }
  return { head: Buffer.concat(head), complete: length === headLength, tail }
}
