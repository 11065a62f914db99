import { pipeline } from 'node:stream'
import { createGunzip, gunzipSync } from 'node:zlib'
import { Decompress } from 'fzstd'
import type { TableConfig } from '../model/table.ts'
import { gone, truncated, unreadable, wrongFormat } from './file-problems.ts'
import type { SourceFile, SourceIo } from './format.ts'
import { textOption } from './options.ts'
import { ZstdFrames } from './zstd-frames.ts'

export type Compression = 'none' | 'gzip' | 'zstd'

/** By the option, else by the file's own name: a link under which a file is opened has another one. */
export function compressionOf(file: SourceFile, table: TableConfig): Compression {
  if (file.isPlain === true) return 'none'
  const option = textOption(table, 'compression') ?? 'auto'
  if (option === 'gzip' || option === 'zstd' || option === 'none') return option
  const name = file.path.toLowerCase()
  if (name.endsWith('.gz')) return 'gzip'
  return name.endsWith('.zst') ? 'zstd' : 'none'
}

/** The decompressed bytes of a file. Throws FileError where the file ends too early or is not what its name says. */
export async function* plainBytes(file: SourceFile, compression: Compression, io: SourceIo): AsyncGenerator<Buffer> {
  if (compression === 'gzip') yield* gunzipped(file, io)
  else if (compression === 'zstd') yield* unzstd(file, io)
  else yield* rawBytes(file, io)
}

/** The bytes of a file as they are. Throws FileError where it is gone or cannot be opened. */
async function* rawBytes(file: SourceFile, io: SourceIo): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of io.stream(file)) yield bytesOf(chunk)
  } catch (error) {
    throw openProblem(file, error)
  }
}

function openProblem(file: SourceFile, error: unknown): unknown {
  const code = codeOf(error)
  if (code === 'ENOENT') return gone(file.path, error)
  return code === 'EACCES' || code === 'EPERM' || code === 'EISDIR' ? unreadable(file.path, error) : error
}

async function* gunzipped(file: SourceFile, io: SourceIo): AsyncGenerator<Buffer> {
  const gunzip = createGunzip()
  // A callback is due, but what it says is thrown by the loop as well.
  pipeline(rawBytes(file, io), gunzip, () => undefined)
  try {
    for await (const chunk of gunzip) yield bytesOf(chunk)
  } catch (error) {
    throw gzipProblem(file, error)
  }
}

async function* unzstd(file: SourceFile, io: SourceIo): AsyncGenerator<Buffer> {
  let out: Buffer[] = []
  const decoder = new Decompress((chunk) => out.push(bytesOf(chunk)))
  const frames = new ZstdFrames()
  for await (const bytes of rawBytes(file, io)) {
    frames.push(bytes)
    decode(file, () => decoder.push(bytes))
    const ready = out
    out = []
    yield* ready
  }
  checkFrames(file, frames)
}

/** The whole content of a small gzip file; cheaper than a stream. Undefined when it grows beyond `limit`. */
export function gunzipSmall(file: SourceFile, bytes: Uint8Array, limit: number): Buffer | undefined {
  try {
    return gunzipSync(bytes, { maxOutputLength: limit })
  } catch (error) {
    if (codeOf(error) === 'ERR_BUFFER_TOO_LARGE') return undefined
    throw gzipProblem(file, error)
  }
}

/** Checks that a zstd file is whole, and decompresses only its first bytes. */
export async function zstdHead(
  file: SourceFile,
  io: SourceIo,
  wanted: number,
): Promise<{ readonly head: Buffer; readonly complete: boolean }> {
  const out: Buffer[] = []
  let length = 0
  const decoder = new Decompress((chunk) => {
    out.push(bytesOf(chunk))
    length += chunk.length
  })
  const frames = new ZstdFrames()
  let complete = true
  for await (const bytes of rawBytes(file, io)) {
    frames.push(bytes)
    if (length < wanted) decode(file, () => decoder.push(bytes))
    else complete = false
  }
  checkFrames(file, frames)
  return { head: Buffer.concat(out), complete }
}

function checkFrames(file: SourceFile, frames: ZstdFrames): void {
  const end = frames.end()
  if (end === 'cut') throw truncated(file.path, 'the zstd data stops within a frame')
  if (end === 'foreign') throw wrongFormat(file.path, 'this is not zstd data', 'check the compression and the file')
}

/** A damaged frame; the frame walk has not seen a cut before it. */
function decode(file: SourceFile, work: () => void): void {
  try {
    work()
  } catch (error) {
    throw wrongFormat(file.path, 'this is not zstd data, or it is damaged', 'check the compression and the file', error)
  }
}

function gzipProblem(file: SourceFile, error: unknown): unknown {
  const code = codeOf(error)
  if (code === 'Z_BUF_ERROR') return truncated(file.path, 'the gzip data stops before its trailer', error)
  if (code !== 'Z_DATA_ERROR') return error
  const header = error instanceof Error && error.message.includes('incorrect header')
  return wrongFormat(file.path, header ? 'this is not gzip data' : 'the gzip data is damaged', 'check the compression and the file', error)
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

/** Streams of bytes may yield strings by their type; ours never set an encoding. */
function bytesOf(chunk: Uint8Array | string): Buffer {
  return typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}
