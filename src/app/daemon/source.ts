import type { Clock } from '../../lib/clock.ts'
import type { FileSeen } from '../../model/file.ts'
import type { TableConfig } from '../../model/table.ts'
import { type CronTimer, cronTimer } from '../../watcher/cron.ts'
import { FolderEvents } from '../../watcher/local-events.ts'
import type { Place } from '../../watcher/local-folder.ts'
import { type Glance, glanceAt } from '../../watcher/local-glance.ts'
import { baseIdentity } from '../../watcher/local-look.ts'
import { remoteType } from '../../watcher/local-mount.ts'
import { DateFolders } from '../../watcher/object-dates.ts'
import { glanceAtObjects, meantBy } from '../../watcher/object-glance.ts'
import { type SourceRules, sourceRules } from '../../watcher/rules.ts'
import { settleClock } from '../../watcher/settle-clock.ts'
import type { Lister, WaitingFile } from '../../watcher/watcher.ts'
import { type ListerOptions, listerOf } from '../listers.ts'

/** How a source is looked at, with the reason where the config left it open. */
export type SourceKind = 'watched' | 'polled' | 'cron' | 'notified'

/** What a turn looks at. */
export interface Look {
  readonly lister: Lister
  /** The source is listed, rather than that files are taken that events told of. */
  readonly isListing: boolean
  /** Files that events told of. */
  readonly files: readonly FileSeen[]
}

/** Somebody who told of paths, and waits until what lies there was taken. */
interface Teller {
  readonly outstanding: Set<string>
  readonly done: () => void
}

interface Listener {
  /** There is something for a turn. */
  readonly onReady: () => void
  /** Something that an administrator should know. */
  readonly onWarning: (message: string) => void
}

/** A path of which nothing was heard for so long is looked at: a writer that is at work is heard of all the time. */
const QUIET_MS = 25
/** Beyond these the folders are listed. Far below the 16,384 events that the kernel keeps: what is lost came with many others. */
const MOST_HINTS = 2000
/** A listing behind events finds what they lost. */
const BEHIND_EVENTS = 10
/** A listing begins when this many times the duration of the last one has passed. */
const LISTING_SHARE = 10
/** Timers may end a little before the clock that gave the time. */
const SLACK_MS = 5

/** Finds out when there is something to load for a table, and what to look at then; it decides nothing and admits nothing. */
export class Source implements Disposable {
  readonly #table: TableConfig
  readonly #rules: SourceRules
  readonly #clock: Clock
  /** By it files are old enough; what is planned and waited for goes by a clock that nobody sets. */
  readonly #settleClock: Clock
  readonly #listener: Listener
  readonly #cron: CronTimer | undefined
  /** Paths that events told of, and when they did last. */
  readonly #hints = new Map<string, number>()
  /** Complete files that wait for a turn. */
  readonly #found = new Map<string, FileSeen>()
  /** Files that are too young, and when they will be old enough. */
  readonly #young = new Map<string, number>()
  /** Of a bucket: folders that are named by dates, and when all was listed last. */
  readonly #dates = new DateFolders()
  readonly #tellers = new Set<Teller>()
  /** Those who had told before the last full listing began. */
  #tellersBefore: readonly Teller[] = []
  #fullListingMs: number | undefined
  #isFull = true
  #isGone = false
  #events: FolderEvents | undefined
  #listAll = true
  #base: string | undefined
  #period: NodeJS.Timeout | undefined
  #nextListingMs: number | null = null
  #quiet: NodeJS.Timeout | undefined
  #ready: NodeJS.Timeout | undefined

  constructor(table: TableConfig, clock: Clock, listener: Listener) {
    this.#table = table
    this.#clock = clock
    this.#settleClock = settleClock(clock, table.watch.settleMs)
    this.#listener = listener
    this.#rules = sourceRules(table)
    const { cron } = table.watch
    if (cron !== null) this.#cron = cronTimer(cron, () => this.listAll())
    else if (this.#isWatchable())
      this.#events = new FolderEvents({ onChange: (path) => this.#heard(path), onLost: (error) => this.#lost(error) })
    // What is there when the daemon starts waits for its time, as all that comes.
    if (cron !== null) this.#listAll = false
  }

  get kind(): SourceKind {
    if (this.#cron !== undefined) return 'cron'
    if (this.#isNotified) return 'notified'
    return this.#events === undefined ? 'polled' : 'watched'
  }

  /** When the source will be listed next; null when nothing is planned. */
  get nextListingMs(): number | null {
    return this.#cron === undefined ? this.#nextListingMs : this.#cron.nextMs()
  }

  /** Milliseconds between two listings; null where a schedule tells them. */
  get periodMs(): number | null {
    if (this.#cron !== undefined) return null
    if (this.#isNotified) return Math.max(this.#table.watch.fullListingMs, this.#table.watch.pollIntervalMs)
    return this.#table.watch.pollIntervalMs * (this.#events === undefined ? 1 : BEHIND_EVENTS)
  }

  /** The next turn lists all. */
  listAll(): void {
    this.#listAll = true
    this.#listener.onReady()
  }

  /** The clock of the machine was set: what was planned and what looked old enough may be otherwise. */
  clockWasSet(): void {
    if (this.#cron === undefined) this.listAll()
    else this.#cron.replan()
  }

  /** What the next turn looks at; what comes from now on is for the one after it. */
  take(): Look {
    // A full drop takes what a turn sees for all that there is.
    if (!this.#listAll && this.#table.runType !== 'full_drop') {
      const files = this.#takeFound()
      return { lister: fixedLister(this.#rules.pattern.base, files), isListing: false, files }
    }
    this.#listAll = false
    this.#isFull = this.#isFullDue
    if (!this.#isRemote) this.#base = baseIdentity(this.#rules)
    const onFolder = (folder: Place) => this.#events?.watch(folder)
    const lister = this.#lister({ onFolder, dates: this.#dates, onlyNew: !this.#isFull })
    // What a queue told of may lie where this listing does not look: it has the next turn.
    if (this.#isRemote && !this.#isFull) return { lister, isListing: true, files: [] }
    this.#hints.clear()
    this.#young.clear()
    this.#tellersBefore = [...this.#tellers]
    return { lister, isListing: true, files: this.#takeFound() }
  }

  /** What a turn looked at was admitted: whoever told of it need not tell again. */
  admitted({ isListing, files }: Look): void {
    for (const { path } of files) this.#settled(path)
    if (this.#isRemote && this.#found.size > 0) this.#listener.onReady()
    if (!isListing || !this.#isFull) return
    // What was told of while the listing ran waits for its own look.
    for (const teller of this.#tellersBefore) if (this.#tellers.delete(teller)) teller.done()
  }

  /** A queue told of paths: what lies there is taken, which the promise waits for. */
  async told(paths: readonly string[]): Promise<void> {
    const outstanding = new Set(paths.map((path) => meantBy(this.#rules, path) ?? path))
    const settled = new Promise<void>((done) => this.#tellers.add({ outstanding, done }))
    await this.#look([...outstanding])
    await settled
  }

  /** A listing came to its end, after so long: the next one is planned. */
  listed(durationMs: number): void {
    if (this.#isFull) this.#fullListingMs = performance.now() - durationMs
    const { periodMs } = this
    if (periodMs !== null) this.#plan(Math.max(periodMs, durationMs * LISTING_SHARE))
  }

  /** What a turn took and did not come to is looked at again. */
  putBack({ isListing, files }: Look): void {
    if (isListing || !this.#isRemote) this.#listAll = true
    // What events told of may lie where a listing does not look each time.
    if (this.#isRemote) for (const file of files) if (!this.#found.has(file.path)) this.#found.set(file.path, file)
  }

  /** Files that were too young are looked at when they are ready. */
  comeBack(waiting: readonly WaitingFile[]): void {
    const now = performance.now()
    for (const { file, readyInMs } of waiting) if (readyInMs !== null) this.#young.set(file.path, now + readyInMs + SLACK_MS)
    if (this.#young.size > MOST_HINTS) this.#listWhenReady()
    else this.#awaitYoung()
  }

  /** Folders that come and go without an event: of a mount, or of what lies above the source. */
  checkBase(): void {
    if (this.#events === undefined || this.#isRemote) return
    const base = baseIdentity(this.#rules)
    if (base === this.#base) return
    this.#base = base
    if (base !== undefined) this.listAll()
  }

  [Symbol.dispose](): void {
    this.#isGone = true
    this.#cron?.[Symbol.dispose]()
    this.#events?.[Symbol.dispose]()
    for (const timer of [this.#period, this.#quiet, this.#ready]) clearTimeout(timer)
  }

  #lister(options: Omit<ListerOptions, 'rules'> = {}): Lister {
    return listerOf(this.#table, this.#settleClock, { ...options, rules: this.#rules })
  }

  get #isRemote(): boolean {
    return this.#rules.pattern.root !== ''
  }

  get #isNotified(): boolean {
    return this.#isRemote && this.#table.watch.notifications !== null
  }

  /** Whether the next listing is one of all; where nothing is learned of dates, any is. */
  get #isFullDue(): boolean {
    if (this.#fullListingMs === undefined || this.#table.runType === 'full_drop' || this.#cron !== undefined) return true
    return performance.now() - this.#fullListingMs + SLACK_MS >= this.#table.watch.fullListingMs
  }

  #takeFound(): readonly FileSeen[] {
    const files = [...this.#found.values()]
    this.#found.clear()
    return files
  }

  #settled(path: string): void {
    for (const teller of this.#tellers) {
      teller.outstanding.delete(path)
      if (teller.outstanding.size > 0) continue
      this.#tellers.delete(teller)
      teller.done()
    }
  }

  #isWatchable(): boolean {
    const { mode } = this.#table.watch
    if (this.#isRemote) return false
    if (mode === 'poll') return false
    return mode === 'watch' || remoteType(this.#rules.pattern.base) === undefined
  }

  #heard(path: string | null): void {
    if (path === null || this.#hints.size >= MOST_HINTS) {
      this.#hints.clear()
      this.listAll()
      return
    }
    this.#hints.set(path, performance.now())
    this.#quiet ??= setTimeout(() => this.#glance(), QUIET_MS)
  }

  #glance(): void {
    this.#quiet = undefined
    const now = performance.now()
    const paths = [...this.#hints].filter(([, heardMs]) => heardMs + QUIET_MS <= now + SLACK_MS).map(([path]) => path)
    for (const path of paths) this.#hints.delete(path)
    if (this.#hints.size > 0) this.#quiet = setTimeout(() => this.#glance(), QUIET_MS)
    void this.#look(paths)
  }

  async #look(paths: readonly string[]): Promise<void> {
    const { files, waiting, listAll } = this.#isRemote ? await this.#askedOf(paths) : glanceAt(this.#rules, paths, this.#settleClock.now())
    if (this.#isGone) return
    // Somewhere below may be anywhere.
    if (listAll) this.#fullListingMs = undefined
    for (const file of files) this.#found.set(file.path, file)
    this.comeBack(waiting)
    // Of a file that lacks its marker, the marker is told of.
    const kept = new Set([...files.map(({ path }) => path), ...waiting.flatMap((one) => (one.readyInMs === null ? [] : [one.file.path]))])
    if (!listAll) for (const path of paths) if (!kept.has(path)) this.#settled(path)
    if (listAll || this.#found.size > MOST_HINTS) this.listAll()
    else if (files.length > 0) this.#listener.onReady()
  }

  /** A store that cannot be reached is met by the next listing, which tells of it. */
  async #askedOf(paths: readonly string[]): Promise<Glance> {
    try {
      return await glanceAtObjects(this.#rules, paths, this.#lister())
    } catch {
      return { files: [], waiting: [], listAll: true }
    }
  }

  #awaitYoung(): void {
    clearTimeout(this.#ready)
    this.#ready = undefined
    if (this.#young.size === 0) return
    const first = Math.min(...this.#young.values())
    this.#ready = setTimeout(() => this.#lookAtYoung(), Math.max(0, first - performance.now()))
  }

  #lookAtYoung(): void {
    const now = performance.now()
    const ready = [...this.#young].filter(([, readyMs]) => readyMs <= now).map(([path]) => path)
    for (const path of ready) this.#young.delete(path)
    void this.#look(ready)
  }

  /** Too many to be remembered one by one: one listing when all of them are ready. */
  #listWhenReady(): void {
    const last = Math.max(...this.#young.values())
    this.#young.clear()
    clearTimeout(this.#ready)
    this.#ready = setTimeout(() => this.listAll(), Math.max(0, last - performance.now()))
  }

  #plan(ms: number): void {
    clearTimeout(this.#period)
    this.#nextListingMs = this.#clock.now() + ms
    this.#period = setTimeout(() => this.listAll(), ms)
  }

  #lost(error: NodeJS.ErrnoException): void {
    this.#events = undefined
    this.#listener.onWarning(
      `${this.#table.name}: ${reasonOf(error)}; the source is listed every ${this.#table.watch.pollIntervalMs / 1000} s instead`,
    )
    this.#plan(this.#table.watch.pollIntervalMs)
  }
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOSPC') return 'the limit of watched folders is reached (sysctl fs.inotify.max_user_watches)'
  if (code === 'EMFILE') return 'the limit of watchers or open files is reached (sysctl fs.inotify.max_user_instances, ulimit -n)'
  return `its folders cannot be watched (${message})`
}

/** Files that were looked at already. */
function fixedLister(base: string, files: readonly FileSeen[]): Lister {
  return {
    base,
    pages: async function* () {
      if (files.length > 0) yield { files, waiting: [], problems: [] }
    },
    look: async () => ({ file: undefined, steps: [] }),
  }
}
