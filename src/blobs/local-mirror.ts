import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { STAGE_FOLDER } from './blobs.ts'
import { guarded } from './local.ts'

/** Where copies of the files of one remote folder lie, and what all such copies may take together. */
export interface MirrorPlace {
  /** Of all mirrors. */
  readonly cacheFolder: string
  /** Tells this one from others: the URL, and the server where that does not say it. */
  readonly identity: string
  /** Bytes of all mirrors between batches. */
  readonly cacheBytes: bigint
}

/** A copy that is used is marked so at most this often. */
const MARK_MS = 60_000
/** Without another sign a process on another machine counts as alive for so long. */
const USER_MS = 3_600_000
/** What a killed process left half-written goes after so long. */
const PART_MS = 24 * 3_600_000
const PARTS = '.parts'
const USERS = '.users'

/** Copies that this process has handed out since the mirror was last tidied, by the folder of their mirror: an open query may read them. */
const inUse = new Map<string, Set<string>>()

/**
 * Local copies of remote files: a cache, which may be deleted at any time between commands. Several processes may share one: a copy is
 * written beside its place and put there whole.
 */
export class LocalMirror {
  readonly folder: string
  readonly #place: MirrorPlace
  readonly #made = new Set<string>()
  /** Bytes that came since the copies were last counted; at first nobody knows. */
  #grown: bigint

  constructor(place: MirrorPlace) {
    this.#place = place
    this.#grown = place.cacheBytes
    this.folder = join(place.cacheFolder, createHash('sha256').update(place.identity).digest('hex').slice(0, 16))
  }

  path(relative: string): string {
    return relative === '' ? this.folder : join(this.folder, relative)
  }

  /** Whether there is a copy, of that size where it is told; it stays until the next `tidy`. */
  async has(path: string, size: bigint | null): Promise<boolean> {
    this.#use(path)
    try {
      const found = await stat(path)
      if (size !== null && BigInt(found.size) !== size) return false
      const now = Date.now()
      if (now - found.mtimeMs > MARK_MS) await utimes(path, now / 1000, now / 1000).catch(() => undefined) // It only looks older.
      return true
    } catch {
      return false
    }
  }

  /** Puts in its place what `write` makes at the path that it is given, unless that answers false. */
  async take(path: string, write: (temporary: string) => Promise<boolean>): Promise<boolean> {
    const temporary = this.path(`${PARTS}/${randomUUID()}`)
    await this.#folder(dirname(temporary))
    try {
      if (!(await write(temporary))) return false
      await this.adopt(temporary, path)
      return true
    } finally {
      await guarded(temporary, () => rm(temporary, { force: true }))
    }
  }

  async write(path: string, content: Uint8Array): Promise<void> {
    await guarded(path, () => writeFile(path, content))
  }

  /** A local file becomes the copy. */
  async adopt(from: string, path: string): Promise<void> {
    this.#use(path)
    await this.#folder(dirname(path))
    await guarded(path, async () => {
      this.#grown += BigInt((await stat(from)).size)
      await rename(from, path)
    })
  }

  async forget(path: string): Promise<void> {
    await guarded(path, () => rm(path, { force: true }))
  }

  /** Gives up what was handed out, and copies beyond what all may take, the least recently used first. */
  async tidy(): Promise<void> {
    inUse.delete(this.folder)
    await guarded(this.#place.cacheFolder, () => this.#trim())
  }

  async #trim(): Promise<void> {
    await this.#sign()
    const { cacheFolder, cacheBytes } = this.#place
    if (this.#grown * 20n < cacheBytes) return
    this.#grown = 0n
    const copies = await copiesIn(cacheFolder)
    let bytes = copies.reduce((sum, copy) => sum + copy.size, 0n)
    for (const copy of copies.toSorted((a, b) => a.usedMs - b.usedMs)) {
      if (bytes <= cacheBytes) return
      if (copy.isKept || inUse.get(copy.mirror)?.has(copy.path) === true) continue
      await rm(copy.path, { force: true })
      bytes -= copy.size
    }
  }

  #use(path: string): void {
    const used = inUse.get(this.folder) ?? new Set()
    used.add(path)
    inUse.set(this.folder, used)
  }

  async #folder(folder: string): Promise<void> {
    if (this.#made.has(folder)) return
    await guarded(folder, () => mkdir(folder, { recursive: true }))
    this.#made.add(folder)
  }

  /** Tells other processes that this one reads here. */
  async #sign(): Promise<void> {
    this.#made.clear()
    const folder = this.path(USERS)
    await mkdir(folder, { recursive: true })
    await (await open(join(folder, `${process.pid}@${hostname()}`), 'w')).close()
  }
}

interface Copy {
  readonly path: string
  readonly mirror: string
  readonly size: bigint
  readonly usedMs: number
  /** Another process may read it. */
  readonly isKept: boolean
}

/** All copies; what is half-written for long goes. */
async function copiesIn(cacheFolder: string): Promise<readonly Copy[]> {
  const copies: Copy[] = []
  for (const name of await readdir(cacheFolder)) {
    const mirror = join(cacheFolder, name)
    if (!/^[0-9a-f]{16}$/.test(name)) continue
    const isKept = await isUsedByOthers(join(mirror, USERS))
    for await (const path of filesUnder(mirror, [join(mirror, USERS), join(mirror, STAGE_FOLDER)])) {
      const found = await stat(path).catch(() => undefined)
      if (found === undefined) continue
      const isPart = path.startsWith(join(mirror, PARTS))
      if (!isPart) copies.push({ path, mirror, size: BigInt(found.size), usedMs: found.mtimeMs, isKept })
      else if (Date.now() - found.mtimeMs > PART_MS) await rm(path, { force: true })
    }
  }
  return copies
}

async function* filesUnder(folder: string, without: readonly string[]): AsyncIterable<string> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name)
    if (entry.isFile()) yield path
    else if (!without.includes(path)) yield* filesUnder(path, without)
  }
}

async function isUsedByOthers(users: string): Promise<boolean> {
  for (const name of await readdir(users).catch(() => [])) {
    const [, pid, host] = /^(\d+)@(.*)$/s.exec(name) ?? []
    if (pid === undefined || (host === hostname() && Number(pid) === process.pid)) continue
    const path = join(users, name)
    if (host === hostname() ? isAlive(Number(pid)) : Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? 0) < USER_MS)
      return true
    await rm(path, { force: true })
  }
  return false
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
