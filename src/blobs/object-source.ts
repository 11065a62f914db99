import pLimit from 'p-limit'
import { failpoint } from '../lib/failpoint.ts'
import type { ArchivedSource, CleanedSource, LoadedSource } from './local-source.ts'
import type { ObjectEntry, ObjectStore } from './objects.ts'

/** What cleans up after loads in a bucket: paths are keys behind its root. */
export interface SourceBucket {
  /** `s3://bucket` */
  readonly root: string
  readonly store: ObjectStore
}

/** Objects that are copied or removed at the same time. */
const AT_ONCE = 16
/** Bytes of two objects that are compared at a time. */
const PIECE = 4 * 1024 * 1024

const CHANGED = 'its content is another one than was loaded'

/** Deletes loaded objects. One that is gone already is deleted; one whose content is another by now stays. */
export async function deleteObjects(files: readonly LoadedSource[], bucket: SourceBucket): Promise<readonly CleanedSource[]> {
  return each(files, async (file) => {
    const removed = await removeWithMarker(file, bucket)
    return removed === 'changed' ? { kind: 'kept', path: file.path, reason: CHANGED } : { kind: 'deleted', path: file.path }
  })
}

/**
 * Copies loaded objects to their targets on the server's side, each in the version that was loaded, and then removes them. Nothing is
 * overwritten: where something lies at a target by now, the file fails, and another name is to be chosen. What an earlier attempt left half
 * done is gone on with.
 */
export async function archiveObjects(files: readonly ArchivedSource[], bucket: SourceBucket): Promise<readonly CleanedSource[]> {
  const placed = await each(files, (file) => placeTarget(file, bucket))
  failpoint('archive-after-place')
  const byPath = new Map(files.map((file) => [file.path, file]))
  return each(placed, async (result) => {
    const file = byPath.get(result.path)
    // It may have changed since it was copied: what lies at the target is what was loaded, and the new content is a new file.
    if (result.kind === 'archived' && file !== undefined) await removeWithMarker(file, bucket)
    failpoint('archive-after-remove')
    return result
  })
}

/** The first name at which nothing lies: the path itself, or with a number behind it. `taken` are names that are given already. */
export async function freeObjectTarget(wanted: string, taken: ReadonlySet<string>, { root, store }: SourceBucket): Promise<string> {
  for (let number = 0; ; number += 1) {
    const target = number === 0 ? wanted : `${wanted}.${number}`
    if (!taken.has(target) && (await store.head(keyOf(target, root))) === undefined) return target
  }
}

async function placeTarget(file: ArchivedSource, { root, store }: SourceBucket): Promise<CleanedSource> {
  const { path, target } = file
  const archived = { kind: 'archived', path, target } as const
  const [now, there] = await Promise.all([store.head(keyOf(path, root)), store.head(keyOf(target, root))])
  // Only a name that was free when it was noted is a target, so what lies there when the source is gone is its copy.
  if (now === undefined) return there === undefined ? { kind: 'kept', path, reason: 'it is not there any more' } : archived
  if (now.etag !== file.version) return { kind: 'kept', path, reason: CHANGED }
  const copied = there === undefined ? await store.copy(now, keyOf(target, root)) : 'exists'
  if (copied === 'copied') return archived
  if (copied === 'exists') return (await isSame(now, keyOf(target, root), store)) ? archived : taken(path, target)
  return { kind: 'kept', path, reason: copied === 'changed' ? CHANGED : 'it is not there any more' }
}

/** Whether the target holds the object, from an earlier attempt whose end nobody heard of. ETags of copies may be others. */
async function isSame(one: ObjectEntry, target: string, store: ObjectStore): Promise<boolean> {
  const other = await store.head(target)
  if (other === undefined || other.size !== one.size) return false
  if (other.etag === one.etag) return true
  for (let from = 0; from < Number(one.size); from += PIECE) {
    const [a, b] = await Promise.all([one, other].map(({ key, etag }) => store.read(key, { from, bytes: PIECE, etag })))
    if (a?.kind !== 'read' || b?.kind !== 'read' || Buffer.compare(a.content, b.content) !== 0) return false
  }
  return true
}

/** The marker goes first, so that it never vouches for another content. */
async function removeWithMarker({ path, version, marker }: LoadedSource, { root, store }: SourceBucket): Promise<'removed' | 'changed'> {
  const key = keyOf(path, root)
  const now = await store.head(key)
  if (now === undefined) return 'removed'
  if (now.etag !== version) return 'changed'
  if (marker !== null) await store.remove([key.slice(0, key.lastIndexOf('/') + 1) + marker])
  await store.remove([key], version)
  const left = await store.head(key)
  return left === undefined ? 'removed' : 'changed'
}

function taken(path: string, target: string): CleanedSource {
  return { kind: 'failed', path, reason: `another file lies at ${target}`, isTaken: true }
}

function keyOf(path: string, root: string): string {
  return path.slice(root.length + 1)
}

/** Some at the same time; what one fails with is its own result. */
function each<T extends { readonly path: string }>(
  files: readonly T[],
  act: (file: T) => Promise<CleanedSource>,
): Promise<readonly CleanedSource[]> {
  return pLimit(AT_ONCE).map(files, async (file) => {
    try {
      return await act(file)
    } catch (error) {
      return { kind: 'failed', path: file.path, reason: error instanceof Error ? error.message : String(error) } as const
    }
  })
}
