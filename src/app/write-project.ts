import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { localBlobs } from '../blobs/local.ts'
import { ConfigError } from '../errors/errors.ts'

/** A file of a project, relative to its folder, with `/`. */
export interface ProjectFile {
  readonly path: string
  readonly content: string | Uint8Array
}

/** Writes one file whole; an existing one only with `replace`. ConfigError `ING-USAGE` otherwise. */
export async function writeNewFile(file: string, content: string, replace: boolean): Promise<void> {
  await writeProject(dirname(file), [{ path: basename(file), content }], replace)
}

/**
 * Writes the files of a project; the first of them claims the folder: where it exists and `replace` is not given,
 * nothing is written. ConfigError `ING-USAGE`.
 */
export async function writeProject(folder: string, files: readonly ProjectFile[], replace: boolean): Promise<void> {
  const blobs = localBlobs(folder)
  for (const [index, { path, content }] of files.entries()) {
    const data = typeof content === 'string' ? new TextEncoder().encode(content) : content
    if (replace || index > 0) await blobs.put(path, data)
    else if ((await blobs.putIfAbsent(path, data)) === 'exists') {
      throw new ConfigError('ING-USAGE', `${join(folder, path)} exists already`, [], {
        hint: 'choose another place, or replace it with --force',
      })
    }
  }
}

/** A new folder of the system's temporary ones; `remove` takes it away with all that is in it. */
export async function scratchFolder(prefix: string): Promise<{ readonly path: string; readonly remove: () => Promise<void> }> {
  const name = `${prefix}-${randomUUID().slice(0, 8)}`
  const blobs = localBlobs(tmpdir())
  await blobs.createFolder(name)
  return { path: join(tmpdir(), name), remove: () => blobs.removeFolder(name) }
}
