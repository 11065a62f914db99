import { setMaxListeners } from 'node:events'
import { rmSync } from 'node:fs'
import { mkdir, readdir, rm, statfs } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import pLimit from 'p-limit'
import { FileError, IngestError, UnavailableError } from '../errors/errors.ts'
import type { FileSeen } from '../model/file.ts'
import { type Landed, type Landing, localLanding, type Opened } from './landing.ts'
import type { ObjectStore } from './objects.ts'

/** Objects that are fetched at the same time, so that the store's latency is paid once for many. */
const FETCHES = 96
/** A larger object is fetched in ranges that are read at the same time, and needs fewer beside it. */
const LARGE_BYTES = 16n * 1024n * 1024n
const LARGE_FETCHES = 3

/** Where the objects of a landing area lie. */
export interface LandingBucket {
  /** `s3://bucket`: paths of files are keys behind it. */
  readonly root: string
  readonly open: () => Promise<Pick<ObjectStore, 'download'>>
}

/** Objects that a load may fetch while the engine is at work: those of the next batch, as it looks by now. */
export interface NextObjects {
  readonly files: readonly FileSeen[]
  /** They take no more than this on the disk. */
  readonly bytes: bigint
}

/** What became of an object that was fetched. */
type Fetch =
  | { readonly kind: 'read'; readonly readPath: string }
  | { readonly kind: 'absent' | 'changed' }
  | { readonly kind: 'failed'; readonly error: unknown }

/**
 * Copies of objects in a folder, by path and version: a look at the files of a batch and the load of the batch fetch each of them once, and
 * objects of the next batch are fetched while a batch loads. They take as much room as the files of a batch, and what is fetched ahead.
 */
export class FetchedObjects {
  readonly #folder: string
  readonly #fetches = new Map<string, Promise<Fetch>>()
  /** Those that were fetched before anybody asked for them. */
  readonly #early = new Set<string>()
  readonly #all = pLimit(FETCHES)
  readonly #large = pLimit(LARGE_FETCHES)
  #stop = stopper()
  #stopEarly = stopper()
  #made = 0
  readonly #spool: string
  #isBegun = false

  /** Each process has a folder of its own in the spool. */
  constructor(spool: string) {
    this.#spool = spool
    this.#folder = join(spool, `${HOST}.${process.pid}`)
  }

  /** Each file as it was listed, or why it is not to be had. Throws what keeps all of them from being fetched. */
  async of(files: readonly FileSeen[], bucket: LandingBucket): Promise<readonly Fetch[]> {
    const early = files.filter((file) => this.#early.delete(keyOf(file)))
    await this.#begin(files, bucket)
    // What was not to be had too early may be by now, and nobody was told.
    const inVain = await Promise.all(early.map(async (file) => (await this.#fetches.get(keyOf(file)))?.kind !== 'read'))
    const again = early.filter((_, index) => inVain[index])
    for (const file of again) this.#fetches.delete(keyOf(file))
    await this.#begin(again, bucket)
    const fetched = await Promise.all(files.map((file) => this.#fetches.get(keyOf(file)) ?? FORGOTTEN))
    for (const [index, { kind }] of fetched.entries()) if (kind === 'failed') this.#fetches.delete(keyOf(files[index] ?? NO_FILE))
    return fetched
  }

  /**
   * Begins with files that will probably be asked for, in their order, as many as `bytes` and half of the free disk take. Whatever fails is
   * fetched again when it is asked for.
   */
  async ahead({ files, bytes }: NextObjects, bucket: LandingBucket): Promise<void> {
    if (files.length === 0) return
    const some = fitting(files, await this.#free().then((free) => (free / 2n < bytes ? free / 2n : bytes)))
    const store = await bucket.open()
    for (const file of some) {
      const key = keyOf(file)
      if (this.#fetches.has(key)) continue
      this.#early.add(key)
      this.#fetches.set(key, this.#fetch(file, bucket.root, { store, signal: this.#stopEarly.signal }))
    }
  }

  /** Ends what is being fetched; it fails. */
  interrupt(): void {
    this.#stop.abort()
    this.#stop = stopper()
    this.#interruptEarly()
  }

  /** Ends all that is under way and removes all copies. */
  async clear(): Promise<void> {
    if (!this.#isBegun) return
    this.interrupt()
    await Promise.all(this.#fetches.values())
    this.#fetches.clear()
    this.#early.clear()
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** Removes the copies of some files. */
  async release(files: readonly FileSeen[]): Promise<void> {
    const keys = files.map(keyOf)
    const fetched = await Promise.all(keys.map((key) => this.#fetches.get(key)))
    for (const key of keys) this.#fetches.delete(key)
    if (this.#fetches.size === 0) await rm(this.#folder, { recursive: true, force: true })
    else for (const fetch of fetched) removeCopy(fetch)
  }

  /** Removes all copies but those of some files. What was begun too early, and is not among them, is not waited for. */
  async keepOnly(files: readonly FileSeen[]): Promise<void> {
    if (this.#fetches.size === 0) return
    const kept = new Set(files.map(keyOf))
    const others = [...this.#fetches].filter(([key]) => !kept.has(key))
    if (others.some(([key]) => this.#early.has(key))) this.#interruptEarly()
    for (const [key, pending] of others) {
      this.#fetches.delete(key)
      this.#early.delete(key)
      removeCopy(await pending)
    }
  }

  #interruptEarly(): void {
    this.#stopEarly.abort()
    this.#stopEarly = stopper()
  }

  async #begin(files: readonly FileSeen[], bucket: LandingBucket): Promise<void> {
    const missing = files.filter((file) => !this.#fetches.has(keyOf(file)))
    if (missing.length === 0) return
    const needed = missing.reduce((sum, { size }) => sum + size, 0n)
    const free = await this.#free()
    // A disk that runs full half-way would take others down with it.
    if (needed > free) throw full(this.#folder, `the files of the batch take ${needed} bytes, and ${free} are free`)
    const store = await bucket.open()
    for (const file of missing) this.#fetches.set(keyOf(file), this.#fetch(file, bucket.root, { store, signal: this.#stop.signal }))
  }

  async #fetch(
    file: FileSeen,
    root: string,
    { store, signal }: { readonly store: Pick<ObjectStore, 'download'>; readonly signal: AbortSignal },
  ): Promise<Fetch> {
    this.#made += 1
    const readPath = join(this.#folder, `object-${this.#made}`)
    const entry = { key: file.path.slice(root.length + 1), size: file.size, etag: file.version }
    const fetch = () => this.#all(() => store.download(entry, readPath, signal))
    try {
      const kind = await (file.size >= LARGE_BYTES ? this.#large(fetch) : fetch())
      return kind === 'read' ? { kind, readPath } : { kind }
    } catch (error) {
      return { kind: 'failed', error: storageError(error, this.#folder) }
    }
  }

  /** Bytes that the disk of the folder has; the folder is there from now on. */
  async #free(): Promise<bigint> {
    if (!this.#isBegun) await removeAbandoned(this.#spool)
    this.#isBegun = true
    await mkdir(this.#folder, { recursive: true })
    const { bavail, bsize } = await statfs(this.#folder, { bigint: true })
    return bavail * bsize
  }
}

/** The first ones that are no more than `bytes` together. */
function fitting(files: readonly FileSeen[], bytes: bigint): readonly FileSeen[] {
  let sum = 0n
  const end = files.findIndex(({ size }) => {
    sum += size
    return sum > bytes
  })
  return end === -1 ? files : files.slice(0, end)
}

/** Ten thousand of them take a tenth of the time that promises would. */
function removeCopy(fetch: Fetch | undefined): void {
  if (fetch?.kind === 'read') rmSync(fetch.readPath, { force: true })
}

const HOST = encodeURIComponent(hostname())

/** What processes of this machine left that were killed. */
async function removeAbandoned(spool: string): Promise<void> {
  const folders = await readdir(spool).catch(() => [])
  const abandoned = folders.filter((name) => name.startsWith(`${HOST}.`) && !isRunning(Number(name.slice(HOST.length + 1))))
  await Promise.all(abandoned.map((name) => rm(join(spool, name), { recursive: true, force: true })))
}

function isRunning(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return true
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}

/** Hundreds of requests listen to one signal. */
function stopper(): AbortController {
  const stop = new AbortController()
  setMaxListeners(0, stop.signal)
  return stop
}

const FORGOTTEN: Promise<Fetch> = Promise.resolve({ kind: 'absent' })
const NO_FILE: FileSeen = { path: '', rawPath: null, size: 0n, modifiedNs: 0n, version: '' }

/**
 * Landing files in a bucket: fetched whole into the spool, each in the very version that was listed, and read there. So what a load read is
 * what the listing saw, and needs no second comparison.
 */
export function objectLanding(
  spool: string,
  { fetched, next = NOTHING }: { readonly fetched: FetchedObjects; readonly next?: NextObjects },
  bucket: LandingBucket,
): Landing {
  const local = localLanding(spool)
  const versions = new Map<string, string | undefined>()
  const taken: FileSeen[] = []
  return {
    ...local,
    async opened<F extends FileSeen>(files: readonly F[]): Promise<Opened<F>> {
      const opened: (F & Landed)[] = []
      const failed: FileError[] = []
      taken.push(...files)
      const fetches = await fetched.of(files, bucket)
      // Not before, so that they do not take what this batch waits for; whatever is wrong with them is told by their own batch.
      fetched.ahead(next, bucket).catch(() => undefined)
      for (const [index, file] of files.entries()) {
        const fetch = fetches[index]
        versions.set(file.path, fetch?.kind === 'absent' ? undefined : fetch?.kind === 'changed' ? CHANGED : file.version)
        if (fetch?.kind === 'read') opened.push({ ...file, readPath: fetch.readPath })
        else failed.push(notFetched(file, fetch))
      }
      // One object may be out of reach by itself; when none can be had, it is the store.
      const [first] = fetches
      if (first?.kind === 'failed' && fetches.every(({ kind }) => kind === 'failed')) throw first.error
      return { files: opened, failed }
    },
    versionOf: (file) => (versions.has(file.path) ? versions.get(file.path) : file.version),
    async close() {
      await fetched.release(taken.splice(0))
      await local.close()
    },
  }
}

const NOTHING: NextObjects = { files: [], bytes: 0n }

/** No ETag of any store. */
const CHANGED = 'changed since it was listed'

function notFetched(file: FileSeen, fetch: Fetch | undefined): FileError {
  if (fetch?.kind !== 'failed') {
    return new FileError('ING-FILE-GONE', file.path, `${file.path} vanished or changed after it was listed`, {
      hint: 'deliver it again, or: ingest skip FILE',
    })
  }
  const { error } = fetch
  const reason = error instanceof Error ? error.message : String(error)
  return new FileError('ING-FILE-UNREADABLE', file.path, `${file.path} cannot be read: ${reason}`, {
    cause: error,
    hint: 'grant read permission on the object, then: ingest retry FILE',
    retry: error instanceof IngestError ? error.retry : 'never',
  })
}

function storageError(error: unknown, folder: string): unknown {
  return error instanceof Error && 'code' in error && error.code === 'ENOSPC' ? full(folder, 'the disk is full') : error
}

function full(folder: string, problem: string): UnavailableError {
  return new UnavailableError('ING-STORAGE-FULL', `${folder} has no room: ${problem}`, {
    hint: 'free room, lower max_bytes_per_batch, or set checkpoint_path to a larger disk',
  })
}

function keyOf({ path, version }: FileSeen): string {
  return `${version}\n${path}`
}
