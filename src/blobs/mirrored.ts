import pLimit from 'p-limit'
import { BugError } from '../errors/errors.ts'
import { type BlobEntry, type Blobs, checkInside, STAGE_FOLDER } from './blobs.ts'
import { localBlobs } from './local.ts'
import { LocalMirror, type MirrorPlace } from './local-mirror.ts'
import { LOG, MirrorCopies } from './mirror-copies.ts'
import type { ObjectEntry, ObjectPage, ObjectStore } from './objects.ts'

/** Files that are sent at the same time. */
const SENT_AT_ONCE = 8

/** Objects below a prefix, of which the engine is given local copies. */
export function mirroredBlobs(root: string, objects: { readonly store: ObjectStore; readonly prefix: string }, place: MirrorPlace): Blobs {
  return new MirroredBlobs(root, objects, new LocalMirror(place))
}

class MirroredBlobs implements Blobs {
  readonly root: string
  readonly isLocal = false
  readonly #store: ObjectStore
  readonly #prefix: string
  readonly #mirror: LocalMirror
  /** Staged files are nobody else's, so they lie here alone. */
  readonly #stage: Blobs
  readonly #copies: MirrorCopies

  constructor(root: string, { store, prefix }: { readonly store: ObjectStore; readonly prefix: string }, mirror: LocalMirror) {
    this.root = root
    this.#store = store
    this.#prefix = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
    this.#mirror = mirror
    this.#stage = localBlobs(mirror.folder)
    this.#copies = new MirrorCopies(store, this.#prefix, mirror)
  }

  async list(prefix: string, after = ''): Promise<readonly BlobEntry[]> {
    if (isStaged(prefix)) return this.#stage.list(prefix, after)
    const folder = this.#folderKey(prefix)
    const isLog = `${prefix}/` === LOG
    if (isLog) this.#copies.listing(after === '')
    const entries: BlobEntry[] = []
    for await (const page of this.#store.list(folder, { delimiter: '/', ...(after === '' ? {} : { after: folder + after }) })) {
      for (const entry of filesOf(page, folder)) {
        const { size, modifiedMs, etag } = entry
        const path = entry.key.slice(this.#prefix.length)
        entries.push({ path, size, modifiedMs, etag })
        if (isLog) this.#copies.listed(path, entry)
      }
    }
    return entries
  }

  async folders(prefix: string): Promise<readonly string[]> {
    if (isStaged(prefix)) return this.#stage.folders(prefix)
    const folder = this.#folderKey(prefix)
    const names: string[] = []
    for await (const page of this.#store.list(folder, { delimiter: '/' }))
      for (const one of page.prefixes) names.push(one.slice(folder.length, -1))
    // A key with two slashes in a row lies in no folder that has a name, nor is it ever ours.
    return names.filter((name) => name !== '' && name !== '.' && name !== '..')
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    if (isStaged(path)) return this.#stage.read(path)
    const result = await this.#store.read(this.#key(path))
    return result.kind === 'read' ? result.content : undefined
  }

  async putIfAbsent(path: string, content: Uint8Array): Promise<'created' | 'exists'> {
    return isStaged(path) ? this.#stage.putIfAbsent(path, content) : this.#store.putIfAbsent(this.#key(path), content)
  }

  async put(path: string, content: Uint8Array): Promise<void> {
    if (isStaged(path)) return this.#stage.put(path, content)
    this.#copies.forgotten(path)
    await this.#store.put(this.#key(path), content)
  }

  async remove(path: string): Promise<void> {
    if (isStaged(path)) return this.#stage.remove(path)
    await this.#store.remove([this.#key(path)])
    if (path.startsWith(LOG)) this.#copies.forgotten(path)
    else await this.#mirror.forget(this.#mirror.path(path))
  }

  async createFolder(path: string): Promise<void> {
    // There are no folders but by what is in them.
    if (isStaged(path)) await this.#stage.createFolder(path)
    else checkInside(path)
  }

  localPath(path: string): string {
    checkInside(path)
    return this.#mirror.path(path)
  }

  async fetch(paths: readonly string[], sizes: readonly (bigint | null)[] = []): Promise<readonly string[]> {
    for (const path of paths) checkInside(path)
    return this.#copies.fetch(paths, sizes)
  }

  async publish(moves: readonly { readonly from: string; readonly to: string }[]): Promise<void> {
    const lane = pLimit(SENT_AT_ONCE)
    await Promise.all(moves.map((move) => lane(() => this.#send(move))))
  }

  async removeFolder(path: string): Promise<void> {
    checkInside(path)
    if (path === '') throw new BugError('the root of a blob store was to be removed')
    if (isStaged(path)) return this.#stage.removeFolder(path)
    for await (const { objects } of this.#store.list(this.#folderKey(path))) {
      if (objects.length > 0) await this.#store.remove(objects.map(({ key }) => key))
    }
    await this.#stage.removeFolder(path)
  }

  async tidy(): Promise<void> {
    await this.#mirror.tidy()
  }

  async keepsConditions(): Promise<boolean> {
    return this.#store.keepsConditions(`${this.#prefix}_ingestd/`)
  }

  async #send({ from, to }: { readonly from: string; readonly to: string }): Promise<void> {
    const entry = await this.#store.upload(this.localPath(from), this.#key(to))
    if (to.startsWith(LOG)) this.#copies.listed(to, entry)
    // Who reads it next need not fetch it.
    await this.#mirror.adopt(this.localPath(from), this.#copies.placeOf(to, entry.etag))
  }

  #key(path: string): string {
    checkInside(path)
    return this.#prefix + path
  }

  #folderKey(path: string): string {
    return path === '' ? this.#prefix : `${this.#key(path)}/`
  }
}

/** Without what stands for a folder: the prefix itself, or an empty object of a folder's name. */
function filesOf({ objects, prefixes }: ObjectPage, folder: string): readonly ObjectEntry[] {
  return objects.filter(({ key, size }) => key !== folder && !(size === 0n && prefixes.includes(`${key}/`)))
}

function isStaged(path: string): boolean {
  return path === STAGE_FOLDER || path.startsWith(`${STAGE_FOLDER}/`)
}
