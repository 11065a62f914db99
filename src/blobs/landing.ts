import { closeSync, createReadStream, mkdirSync, openSync, readSync, statSync } from 'node:fs'
import { appendFile, mkdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FileError } from '../errors/errors.ts'
import type { FileSeen } from '../model/file.ts'

/** A landing file with a path that the engine can open. */
export interface Landed extends FileSeen {
  readonly readPath: string
}

/** Files that can be opened, and those that cannot, each with its reason. */
export interface Opened<F> {
  readonly files: readonly (F & Landed)[]
  readonly failed: readonly FileError[]
}

/**
 * Local landing files: heads, tails, versions, and links for paths that the engine cannot take. Rows are read by the
 * engine. Calls are synchronous inside: for ten thousand small files that takes a fifth of the time of promises, and
 * the load process has nothing else to do meanwhile.
 */
export function localLanding(spool: string) {
  let made = 0
  return {
    /** The same files with a path to open; a name that is not UTF-8 is reached by a link in the spool. */
    async opened<F extends FileSeen>(files: readonly F[]): Promise<Opened<F>> {
      const opened: (F & Landed)[] = []
      for (const [index, file] of files.entries()) {
        opened.push({ ...file, readPath: file.rawPath === null ? file.path : await linked(spool, file, index) })
      }
      return { files: opened, failed: [] }
    },
    async close(): Promise<void> {
      await rm(spool, { recursive: true, force: true })
    },
    /** A file of the load's own in the spool: its bytes, or what `content` writes to the path that it is given. */
    async interim(content: AsyncIterable<Uint8Array> | ((path: string) => Promise<void>)) {
      await mkdir(spool, { recursive: true })
      made += 1
      const readPath = join(spool, `part-${made}`)
      await (typeof content === 'function' ? content(readPath) : writeFile(readPath, content))
      return { readPath, size: (await stat(readPath, { bigint: true })).size }
    },
    /** A file of the load's own that grows. */
    scratch() {
      mkdirSync(spool, { recursive: true })
      made += 1
      const path = join(spool, `part-${made}`)
      return { path, append: (bytes: Uint8Array) => appendFile(path, bytes) }
    },
    head: async (file: Landed, bytes: number) => part(file, 0, bytes),
    tail: async (file: Landed, bytes: number) => part(file, Math.max(0, Number(file.size) - bytes), bytes),
    stream: (file: Landed) => createReadStream(file.readPath),
    /** `<size>-<modifiedNs>` now, or undefined when the file is gone. */
    versionOf(file: FileSeen): string | undefined {
      try {
        const { size, mtimeNs } = statSync(realPath(file), { bigint: true })
        return `${size}-${mtimeNs}`
      } catch (error) {
        if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return undefined
        throw fileError(file, error)
      }
    },
  }
}

/** Small parts share one piece of memory: one of its own for each of ten thousand files keeps the collector busy. */
const PIECE = 1024 * 1024
let piece = Buffer.alloc(0)

function memory(bytes: number): Buffer {
  if (bytes > PIECE / 16) return Buffer.allocUnsafe(bytes)
  if (bytes > piece.length) piece = Buffer.allocUnsafeSlow(PIECE)
  const taken = piece.subarray(0, bytes)
  piece = piece.subarray(bytes)
  return taken
}

export type Landing = ReturnType<typeof localLanding>

function realPath(file: FileSeen): string | Buffer {
  return file.rawPath === null ? file.path : Buffer.from(file.rawPath, 'base64')
}

async function linked(spool: string, file: FileSeen, index: number): Promise<string> {
  await mkdir(spool, { recursive: true })
  const path = join(spool, `link-${index}`)
  await rm(path, { force: true })
  await symlink(realPath(file), path)
  return path
}

function part(file: Landed, from: number, bytes: number): Uint8Array {
  let handle: number | undefined
  try {
    handle = openSync(file.readPath, 'r')
    const buffer = memory(Math.min(bytes, Number(file.size) - from))
    return buffer.subarray(0, readSync(handle, buffer, 0, buffer.length, from))
  } catch (error) {
    throw fileError(file, error)
  } finally {
    if (handle !== undefined) closeSync(handle)
  }
}

function fileError(file: FileSeen, cause: unknown): FileError {
  if (isCode(cause, 'ENOENT')) {
    return new FileError('ING-FILE-GONE', file.path, `${file.path} vanished after it was listed`, {
      cause,
      hint: 'deliver it again, or: ingest skip FILE',
    })
  }
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new FileError('ING-FILE-UNREADABLE', file.path, `${file.path} cannot be read: ${reason}`, {
    cause,
    hint: 'grant read permission, then: ingest retry FILE',
  })
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
