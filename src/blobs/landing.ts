import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, rm, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { FileError } from '../errors/errors.ts'
import type { FileSeen } from '../model/file.ts'

/** A landing file with a path that the engine can open. */
export interface Landed extends FileSeen {
  readonly readPath: string
}

/** Local landing files: heads, tails, versions, and links for paths that the engine cannot take. Rows are read by the engine. */
export function localLanding(spool: string) {
  return {
    /** The same files with a path to open; a name that is not UTF-8 is reached by a link in the spool. */
    async opened<F extends FileSeen>(files: readonly F[]): Promise<readonly (F & Landed)[]> {
      return Promise.all(files.map(async (file, index) => ({ ...file, readPath: file.rawPath === null ? file.path : await linked(spool, file, index) })))
    },
    async close(): Promise<void> {
      await rm(spool, { recursive: true, force: true })
    },
    head: (file: Landed, bytes: number) => part(file, () => 0, bytes),
    tail: (file: Landed, bytes: number) => part(file, (size) => Math.max(0, size - bytes), bytes),
    stream: (file: Landed) => createReadStream(realPath(file)),
    /** `<size>-<modifiedNs>` now, or undefined when the file is gone. */
    async versionOf(file: FileSeen): Promise<string | undefined> {
      try {
        const { size, mtimeNs } = await stat(realPath(file), { bigint: true })
        return `${size}-${mtimeNs}`
      } catch (error) {
        if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return undefined
        throw fileError(file, error)
      }
    },
  }
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

async function part(file: Landed, start: (size: number) => number, bytes: number): Promise<Uint8Array> {
  let handle: FileHandle | undefined
  try {
    handle = await open(realPath(file), 'r')
    const from = start(Number(file.size))
    const buffer = Buffer.allocUnsafe(Math.min(bytes, Number(file.size) - from))
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, from)
    return buffer.subarray(0, bytesRead)
  } catch (error) {
    throw fileError(file, error)
  } finally {
    await handle?.close()
  }
}

function fileError(file: FileSeen, cause: unknown): FileError {
  if (isCode(cause, 'ENOENT')) return new FileError('ING-FILE-GONE', file.path, `${file.path} vanished after it was listed`, { cause, hint: 'deliver it again, or: ingest skip FILE' })
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new FileError('ING-FILE-UNREADABLE', file.path, `${file.path} cannot be read: ${reason}`, { cause, hint: 'grant read permission, then: ingest retry FILE' })
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
