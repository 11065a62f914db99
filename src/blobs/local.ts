import { randomUUID } from 'node:crypto'
import { type FileHandle, link, lstat, mkdir, open, readdir, readFile, rename, rm, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { BugError, UnavailableError } from '../errors/errors.ts'
import { type BlobEntry, type Blobs, checkInside } from './blobs.ts'

/** Files under one folder of a local (or locally mounted) file system. */
export function localBlobs(root: string): Blobs {
  return new LocalBlobs(resolve(root))
}

/** Files that are synced at the same time: enough to keep a disk busy, few enough to spare descriptors. */
const SYNCS = 8

class LocalBlobs implements Blobs {
  readonly root: string
  readonly isLocal = true

  constructor(root: string) {
    this.root = root
  }

  async list(prefix: string, after = ''): Promise<readonly BlobEntry[]> {
    const folder = this.#path(prefix)
    const names = (await this.#entries(prefix)).filter((entry) => !entry.isDirectory()).map((entry) => entry.name)
    // Buffer order is UTF-8 order; JavaScript's own is UTF-16, which differs beyond U+FFFF.
    const wanted = names.filter((name) => compareUtf8(name, after) > 0).sort(compareUtf8)
    const entries: BlobEntry[] = []
    for (const name of wanted) {
      const found = await absentAs(undefined, stat(join(folder, name), { bigint: true }))
      // Gone since the folder was read, or a folder behind a link.
      if (found === undefined || found.isDirectory()) continue
      entries.push({ path: prefix === '' ? name : `${prefix}/${name}`, size: found.size, modifiedMs: Number(found.mtimeMs) })
    }
    return entries
  }

  async folders(prefix: string): Promise<readonly string[]> {
    const entries = await this.#entries(prefix)
    return entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort(compareUtf8)
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    return absentAs(undefined, readFile(this.#path(path)))
  }

  async putIfAbsent(path: string, content: Uint8Array): Promise<'created' | 'exists'> {
    const target = this.#path(path)
    return this.#written(target, content, async (temporary) => {
      try {
        // link() fails where the name is taken, and shows the whole content at once: O_EXCL and write would show a half file.
        await link(temporary, target)
        return 'created'
      } catch (error) {
        if (codeOf(error) === 'EEXIST') return 'exists'
        throw storageError(error, target)
      }
    })
  }

  async put(path: string, content: Uint8Array): Promise<void> {
    const target = this.#path(path)
    await this.#written(target, content, async (temporary) => {
      await rename(temporary, target)
      await removeChecksum(target)
    })
  }

  async remove(path: string): Promise<void> {
    const target = this.#path(path)
    await absentAs(undefined, unlink(target))
    await removeChecksum(target)
  }

  async createFolder(path: string): Promise<void> {
    await guarded(path, () => makeFolder(this.#path(path)))
  }

  localPath(path: string): string {
    return this.#path(path)
  }

  async fetch(paths: readonly string[]): Promise<readonly string[]> {
    return paths.map((path) => this.#path(path))
  }

  async publish(moves: readonly { readonly from: string; readonly to: string }[]): Promise<void> {
    const paths = moves.map(({ from, to }) => ({ from: this.#path(from), to: this.#path(to) }))
    const folders = new Set(paths.map(({ to }) => dirname(to)))
    for (const folder of folders) await guarded(folder, () => makeFolder(folder))
    await inParallel(paths, async ({ from, to }) => guarded(to, () => syncAndMove(from, to)))
    for (const folder of folders) await guarded(folder, () => syncFolder(folder))
  }

  async removeFolder(path: string): Promise<void> {
    const target = this.#path(path)
    if (target === this.root) throw new BugError('the root of a blob store was to be removed')
    await guarded(target, () => rm(target, { recursive: true, force: true }))
  }

  async tidy(): Promise<void> {
    // Nothing lies here but the files themselves.
  }

  async keepsConditions(): Promise<boolean> {
    return true
  }

  async #entries(prefix: string) {
    return absentAs([], readdir(this.#path(prefix), { withFileTypes: true }))
  }

  /** Writes a synced temporary file beside `target`, gives it to `place`, and syncs the folder. */
  async #written<T>(target: string, content: Uint8Array, place: (temporary: string) => Promise<T>): Promise<T> {
    const folder = dirname(target)
    // The leading dot and the underscore keep it from every listing of data and log files.
    const temporary = join(folder, `._${randomUUID()}.tmp`)
    return guarded(target, async () => {
      await makeFolder(folder)
      try {
        await writeSynced(temporary, content)
        const result = await place(temporary)
        await rm(temporary, { force: true })
        await syncFolder(folder)
        return result
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => undefined) // The first error tells more.
        throw error
      }
    })
  }

  #path(path: string): string {
    checkInside(path)
    return path === '' ? this.root : join(this.root, path)
  }
}

async function writeSynced(path: string, content: Uint8Array): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncAndMove(from: string, to: string): Promise<void> {
  await withFile(from, async (file) => {
    // A file that took long to write must not look old where others delete old files that no entry of the log names yet.
    const now = new Date()
    await file.utimes(now, now)
    await file.sync()
  })
  try {
    await link(from, to)
  } catch (error) {
    // Some network and FUSE file systems have no hard links. Data files bear unique names, so looking first is enough there.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(codeOf(error))) throw error
    if ((await absentAs(undefined, lstat(to))) !== undefined)
      throw new UnavailableError('ING-STORAGE', `${to} exists already`, { cause: error })
    await rename(from, to)
    return
  }
  await unlink(from)
}

/** Makes missing folders and syncs the parent of each, so that a synced file in them survives a power cut. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made))
}

async function syncFolder(folder: string): Promise<void> {
  try {
    await withFile(folder, (file) => file.sync())
  } catch (error) {
    // Not every file system lets a folder be synced; those that do not order their own metadata.
    if (!['EINVAL', 'EPERM', 'ENOTSUP', 'EISDIR', 'EACCES'].includes(codeOf(error))) throw error
  }
}

async function withFile(path: string, use: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, 'r')
  try {
    await use(file)
  } finally {
    await file.close()
  }
}

/** Hadoop keeps `.<name>.crc` beside files that it wrote; a stale one makes Spark refuse the replaced file, or read it slowly. */
async function removeChecksum(target: string): Promise<void> {
  const name = target.slice(dirname(target).length + 1)
  await rm(join(dirname(target), `.${name}.crc`), { force: true })
}

async function inParallel<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items]
  const lane = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await act(item)
  }
  await Promise.all(Array.from({ length: Math.min(SYNCS, items.length) }, lane))
}

async function absentAs<T, F>(fallback: F, pending: Promise<T>): Promise<T | F> {
  try {
    return await pending
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return fallback
    throw storageError(error, 'a file')
  }
}

/** The same with errors of the file system as those of ours. */
export async function guarded<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw storageError(error, path)
  }
}

const CODES: Readonly<Record<string, 'ING-STORAGE-FULL' | 'ING-STORAGE-READ-ONLY'>> = {
  ENOSPC: 'ING-STORAGE-FULL',
  EDQUOT: 'ING-STORAGE-FULL',
  EACCES: 'ING-STORAGE-READ-ONLY',
  EPERM: 'ING-STORAGE-READ-ONLY',
  EROFS: 'ING-STORAGE-READ-ONLY',
}

function storageError(error: unknown, path: string): unknown {
  if (error instanceof BugError || error instanceof UnavailableError) return error
  const message = error instanceof Error ? error.message : String(error)
  const code = CODES[codeOf(error)] ?? 'ING-STORAGE'
  return new UnavailableError(code, `${path}: ${message}`, { cause: error, hint: hintOf(code) })
}

function hintOf(code: string): string | undefined {
  if (code === 'ING-STORAGE-FULL') return 'free room on the disk; it is tried again'
  return code === 'ING-STORAGE-READ-ONLY' ? 'grant write permission on the folder' : undefined
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function compareUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
