import { type FSWatcher, watch } from 'node:fs'
import { basename } from 'node:path'
import { type Place, realPath, statOf } from './local-folder.ts'
import { identityOf } from './local-walk.ts'
import { joined } from './pattern.ts'

/** What was heard of folders. */
export interface FolderListener {
  /** Something happened at this path; null when it may have happened anywhere. */
  readonly onChange: (path: string | null) => void
  /** Folders cannot be watched any more; what is told of them stays true, but nothing is told by itself. */
  readonly onLost: (error: NodeJS.ErrnoException) => void
}

type StartWatch = (folder: string | Buffer, heard: (kind: string, name: string | null) => void) => FSWatcher

interface Watched {
  readonly place: Place
  readonly watcher: FSWatcher
  /** Device and inode: another folder may lie at the path by now, of which this watch hears nothing. */
  readonly identity: string
}

/**
 * Hears of changes in folders by the events of the file system, one watch a folder and none a file, so that it costs the
 * same however many files there are. A listing tells which folders there are, before it looks into each: so what comes
 * later is heard of, and nothing is read for the sake of the watch alone.
 */
export class FolderEvents implements Disposable {
  readonly #listener: FolderListener
  readonly #startWatch: StartWatch
  readonly #watched = new Map<string, Watched>()
  #isLost = false

  constructor(listener: FolderListener, startWatch: StartWatch = watchFolder) {
    this.#listener = listener
    this.#startWatch = startWatch
  }

  get folders(): number {
    return this.#watched.size
  }

  /** Watches a folder from now on, unless it is watched; one that is not there is passed over. */
  watch(place: Place): void {
    if (this.#isLost) return
    const identity = identityAt(place)
    const known = this.#watched.get(place.shown)
    if (known !== undefined && known.identity === identity) return
    this.#forget(place.shown)
    if (identity === undefined) return
    try {
      const watcher = this.#startWatch(realPath(place), (kind, name) => this.#heard(place, kind, name))
      watcher.on('error', () => this.#failed(place))
      this.#watched.set(place.shown, { place, watcher, identity })
    } catch (error) {
      this.#refused(error)
    }
  }

  [Symbol.dispose](): void {
    for (const path of [...this.#watched.keys()]) this.#forget(path)
  }

  #heard(place: Place, kind: string, name: string | null): void {
    // A folder that goes away, or gives way to another, tells so under its own name; its inode may be in use again by now.
    if (kind === 'rename' && name === basename(place.shown)) {
      this.#forget(place.shown)
      this.watch(place)
      this.#listener.onChange(place.shown)
    }
    const isKnown = name !== null && place.raw === null && !name.includes('\uFFFD')
    this.#listener.onChange(isKnown ? joined(place.shown, name) : null)
  }

  #failed(place: Place): void {
    this.#forget(place.shown)
    this.#listener.onChange(null)
  }

  #forget(path: string): void {
    this.#watched.get(path)?.watcher.close()
    this.#watched.delete(path)
  }

  /** Folders that cannot be read are told by the listing; out of watches is out of watches for all of them. */
  #refused(error: unknown): void {
    const code = codeOf(error)
    if (code === undefined) throw error
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES' || code === 'EPERM') return
    this.#isLost = true
    this[Symbol.dispose]()
    this.#listener.onLost(error as NodeJS.ErrnoException)
  }
}

function watchFolder(folder: string | Buffer, heard: (kind: string, name: string | null) => void): FSWatcher {
  return watch(folder, heard)
}

function identityAt(place: Place): string | undefined {
  try {
    const stats = statOf(place)
    return stats === undefined ? undefined : identityOf(stats)
  } catch {
    // The listing tells why it cannot be looked at.
    return undefined
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
