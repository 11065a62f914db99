import { constants } from 'node:fs'
import { copyFile, link, lstat, mkdir, open, rename, rm, stat, utimes } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { failpoint } from '../lib/failpoint.ts'

/** A landing file whose rows are in the table. */
export interface LoadedSource {
  readonly path: string
  /** In base64, where `path` cannot say it. */
  readonly rawPath: string | null
  /** `<size>-<modifiedNs>` of the content that was loaded. */
  readonly version: string
  /** The file beside it that said that it was complete; it goes first, so that it never vouches for another one. */
  readonly marker: string | null
}

export interface ArchivedSource extends LoadedSource {
  /** Where it goes: a name that was free when it was chosen. */
  readonly target: string
}

/** What became of one file at its source. */
export type CleanedSource =
  | { readonly kind: 'archived'; readonly path: string; readonly target: string }
  | { readonly kind: 'deleted'; readonly path: string }
  /** It stays, or somebody else took it away. */
  | { readonly kind: 'kept'; readonly path: string; readonly reason: string }
  /** To be tried again. */
  | { readonly kind: 'failed'; readonly path: string; readonly reason: string; readonly isTaken?: boolean }

const CHANGED = 'its content is another one than was loaded'

/** Deletes loaded files. One that is gone already is deleted; one whose content is another by now stays. */
export async function deleteSources(files: readonly LoadedSource[]): Promise<readonly CleanedSource[]> {
  const cleaned = await each(files, async (file) => {
    const state = await stateOf(file)
    if (state.kind === 'kept') return { ...state, path: file.path }
    if (state.kind === 'there') await removeWithMarker(file)
    return { kind: 'deleted', path: file.path }
  })
  await syncFolders(files.map(({ path }) => dirname(path)))
  return cleaned
}

/**
 * Moves loaded files to their targets, which are durable before a source goes. Nothing is overwritten: where something lies at a target by
 * now, the file fails, and another name is to be chosen. What an earlier attempt left half done is gone on with.
 */
export async function archiveSources(files: readonly ArchivedSource[]): Promise<readonly CleanedSource[]> {
  const placed = await each(files, placeTarget)
  await syncFolders(files.map(({ target }) => dirname(target)))
  failpoint('archive-after-place')
  const byPath = new Map(files.map((file) => [file.path, file]))
  const cleaned = await each(placed, async (result) => {
    const file = byPath.get(result.path)
    if (result.kind !== 'archived' || file === undefined) return result
    const state = await stateOf(file)
    // It changed since it was linked: what lies at the target is what was loaded, and the new content is a new file.
    if (state.kind === 'there') await removeWithMarker(file)
    failpoint('archive-after-remove')
    return result
  })
  await syncFolders(files.map(({ path }) => dirname(path)))
  return cleaned
}

/** The first name at which nothing lies: the path itself, or with a number behind it. `taken` are names that are given already. */
export async function freeTarget(wanted: string, taken: ReadonlySet<string>): Promise<string> {
  for (let number = 0; ; number += 1) {
    const target = number === 0 ? wanted : `${wanted}.${number}`
    if (!taken.has(target) && (await statOrUndefined(target)) === undefined) return target
  }
}

type State = { readonly kind: 'there' } | { readonly kind: 'gone' } | { readonly kind: 'kept'; readonly reason: string }

async function stateOf(file: LoadedSource): Promise<State> {
  const stats = await statOrUndefined(realPath(file))
  if (stats === undefined) return { kind: 'gone' }
  if (!stats.isFile()) return { kind: 'kept', reason: 'it is a link, and the file that it leads to is not ours to move' }
  return versionOf(stats) === file.version ? { kind: 'there' } : { kind: 'kept', reason: CHANGED }
}

async function placeTarget(file: ArchivedSource): Promise<CleanedSource> {
  const { path, target } = file
  const archived = { kind: 'archived', path, target } as const
  const state = await stateOf(file)
  if (state.kind === 'kept') return { ...state, path }
  const there = await statOrUndefined(target)
  if (state.kind === 'gone')
    return there !== undefined && versionOf(there).split('-')[0] === file.version.split('-')[0]
      ? archived
      : { kind: 'kept', path, reason: 'it is not there any more' }
  if (there !== undefined) return (await isSame(file, target)) ? archived : taken(path, target)
  await mkdir(dirname(target), { recursive: true })
  try {
    await link(realPath(file), target)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return taken(path, target)
    if (!NO_LINKS.includes(codeOf(error))) throw error
    await copyTo(file, target)
  }
  const placed = await statOrUndefined(target)
  if (placed !== undefined && sizeOf(placed) === sizeOf(file)) return archived
  await rm(target, { force: true })
  return { kind: 'kept', path, reason: CHANGED }
}

/** Another disk, or a file system that has no second names for a file. */
const NO_LINKS: readonly string[] = ['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']

/** Copied beside the target first, so that what bears its name is whole. */
async function copyTo(file: ArchivedSource, target: string): Promise<void> {
  const part = join(dirname(target), `.${basename(target)}.part`)
  const source = realPath(file)
  const { atime, mtime } = await stat(source)
  await copyFile(source, part)
  await utimes(part, atime, mtime)
  await syncFile(part)
  failpoint('archive-after-copy')
  try {
    await link(part, target)
    await rm(part)
  } catch (error) {
    if (codeOf(error) === 'EEXIST' || !NO_LINKS.includes(codeOf(error))) throw error
    await rename(part, target)
  }
}

/** Whether the target is the file, from an earlier attempt that was cut short: a second name of it, or a whole copy. */
async function isSame(file: ArchivedSource, target: string): Promise<boolean> {
  const [one, other] = await Promise.all([statOrUndefined(realPath(file)), statOrUndefined(target)])
  if (one === undefined || other === undefined) return false
  if (one.dev === other.dev) return one.ino === other.ino
  if (one.size !== other.size) return false
  return sameBytes(realPath(file), target)
}

const PIECE = 1024 * 1024

async function sameBytes(one: string | Buffer, other: string): Promise<boolean> {
  await using a = await open(one, 'r')
  await using b = await open(other, 'r')
  const [left, right] = [Buffer.alloc(PIECE), Buffer.alloc(PIECE)]
  for (let at = 0; ; ) {
    const { bytesRead } = await a.read(left, 0, PIECE, at)
    const { bytesRead: others } = await b.read(right, 0, PIECE, at)
    if (bytesRead !== others || !left.subarray(0, bytesRead).equals(right.subarray(0, others))) return false
    if (bytesRead === 0) return true
    at += bytesRead
  }
}

async function removeWithMarker(file: LoadedSource): Promise<void> {
  if (file.marker !== null) await rm(join(dirname(file.path), file.marker), { force: true })
  await rm(realPath(file), { force: true })
}

function taken(path: string, target: string): CleanedSource {
  return { kind: 'failed', path, reason: `another file lies at ${target}`, isTaken: true }
}

function realPath({ path, rawPath }: LoadedSource): string | Buffer {
  return rawPath === null ? path : Buffer.from(rawPath, 'base64')
}

function versionOf({ size, mtimeNs }: { readonly size: bigint; readonly mtimeNs: bigint }): string {
  return `${size}-${mtimeNs}`
}

function sizeOf(of: { readonly size: bigint } | LoadedSource): string {
  return 'version' in of ? (of.version.split('-')[0] ?? '') : String(of.size)
}

async function statOrUndefined(path: string | Buffer) {
  try {
    return await lstat(path, { bigint: true })
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return undefined
    throw error
  }
}

/** Once each folder: the entries of many files are made durable together. */
async function syncFolders(folders: readonly string[]): Promise<void> {
  for (const folder of new Set(folders)) await syncFile(folder).catch(() => undefined) // Not every file system syncs folders.
}

async function syncFile(path: string): Promise<void> {
  await using file = await open(path, constants.O_RDONLY)
  await file.sync()
}

/** One after the other; what one fails with is its own result. */
async function each<T extends { readonly path: string }>(
  files: readonly T[],
  act: (file: T) => Promise<CleanedSource>,
): Promise<readonly CleanedSource[]> {
  const results: CleanedSource[] = []
  for (const file of files) {
    try {
      results.push(await act(file))
    } catch (error) {
      results.push({ kind: 'failed', path: file.path, reason: error instanceof Error ? error.message : String(error) })
    }
  }
  return results
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
