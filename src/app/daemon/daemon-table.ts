import type { Clock } from '../../lib/clock.ts'
import type { RunEvent, TableReport } from '../../model/report.ts'
import type { TableConfig } from '../../model/table.ts'
import { TableTally } from '../../pipeline/tally.ts'
import type { DueWork } from '../../tracker/tracker.ts'
import type { Lister } from '../../watcher/watcher.ts'
import type { LoadPool } from '../pool.ts'
import { type PassParts, type PassTurn, passOver } from '../table-pass.ts'
import type { Notices } from './notices.ts'
import { type Look, Source } from './source.ts'

/** Batches that a table loads while others wait for their turn. */
const BATCHES_A_TURN = 4
/** How long a table that another process has is left alone. */
const BUSY_MS = 5000
/** A table that another daemon comes first for is listed after so long for the first time. */
const OTHERS_LISTING_MS = 2000
/** What another daemon comes first for is left to it for so long; half as long each time that it did not come. */
const OTHERS_FIRST_MS = 10_000
/** One that never comes is waited for no more. */
const LEAST_PATIENCE_MS = 1000
/** Of a source without a period: a listing that is no older is a fresh one. */
const FRESH_LISTING_MS = 20_000

/** What the tables of a daemon share. */
export interface TableParts extends PassParts {
  readonly pool: LoadPool
  readonly clock: Clock
  readonly retryBackoff: { readonly baseMs: number; readonly factor: number; readonly maxMs: number }
  /** Aborted when no further batch shall begin. */
  readonly stopping: AbortSignal
  /** Aborted when those that run shall end, too. */
  readonly ending: AbortSignal
  /** Whether other tables wait for room. */
  readonly othersWait: () => boolean
  /** Whether another daemon is to have the table first. */
  readonly isAnothers: (table: string) => boolean
  /** The table wants a turn. */
  readonly want: (table: string) => void
  readonly onEvent: (event: RunEvent) => void
  readonly onWarning: (message: string) => void
  /** Queues that tell of new objects. */
  readonly notices: Notices
}

/** A table of the daemon: when it wants a turn, what it does in it, and what comes of it. */
export class DaemonTable implements Disposable {
  readonly config: TableConfig
  readonly source: Source
  readonly #parts: TableParts
  readonly #notices: Disposable
  #failures = 0
  /** A table that failed, or that another process has, is left alone until then, by a clock that nobody sets. */
  #notBeforeMs = 0
  #later: NodeJS.Timeout | undefined
  #isGone = false
  #hasListed = false
  #patienceMs = OTHERS_FIRST_MS
  #listing: { readonly endedMs: number; readonly error: string | null } | undefined

  constructor(config: TableConfig, parts: TableParts) {
    this.config = config
    this.#parts = parts
    this.source = new Source(config, parts.clock, { onReady: () => this.wake(), onWarning: parts.onWarning })
    this.#notices = parts.notices.join(config, this.source)
  }

  /** Wants a turn, at once or when the table may have one again. */
  wake(): void {
    if (!this.#parts.isAnothers(this.config.name)) this.#wake(0)
    else this.#wake(this.#hasListed ? this.#patienceMs : OTHERS_LISTING_MS)
  }

  #wake(leastMs: number): void {
    if (this.#isGone || this.#later !== undefined) return
    const waitMs = Math.max(leastMs, this.#notBeforeMs - performance.now())
    if (waitMs <= 0) this.#parts.want(this.config.name)
    else this.#wakeIn(waitMs)
  }

  /** Whether a turn that nobody asks for may begin, of what was left to do. */
  isDue({ pending, abandoned, nextAttemptMs, nextCleanUpMs }: DueWork, now: number): boolean {
    if (this.#later !== undefined || this.#notBeforeMs > performance.now()) return false
    const cleanUpMs = this.config.afterLoad === 'keep' ? null : nextCleanUpMs
    return pending || abandoned || [nextAttemptMs, cleanUpMs].some((ms) => ms !== null && ms <= now)
  }

  /** How the last turn listed the source; undefined when it did not. */
  get listing(): { readonly endedMs: number; readonly error: string | null } | undefined {
    return this.#listing
  }

  /** One turn. Throws only what stops the daemon. */
  async turn(): Promise<TableReport> {
    const { pool, stopping, ending, onEvent } = this.#parts
    const look = this.source.take()
    const startedMs = performance.now()
    let listedMs: number | undefined
    this.#listing = undefined
    const lister = stoppable(look.lister, stopping, () => {
      listedMs = performance.now()
    })
    const turn: PassTurn = {
      lister,
      stopping,
      settle: async (waiting) => {
        this.source.comeBack(waiting)
        return { complete: [], changing: [] }
      },
      isOver: (batches) => stopping.aborted || this.#isOver(batches),
    }
    try {
      if (await this.#isDone(look)) {
        this.#patienceMs = OTHERS_FIRST_MS
        return this.#nothing()
      }
      const { report, more } = await pool.use((worker) => passOver(this.config, worker, { turn, signal: ending, onEvent }, this.#parts))
      if (look.isListing && listedMs !== undefined) this.#listed(report, listedMs - startedMs)
      this.#ended(report, more, look)
      return report
    } catch (error) {
      this.source.putBack(look)
      this.#failed()
      // The daemon may outlive it: what its turn was for is still to be done.
      this.wake()
      throw error
    }
  }

  #nothing(): TableReport {
    const now = this.#parts.clock.now()
    return new TableTally(this.config, now).report(now)
  }

  /** Of what another daemon comes first for it takes one batch, so that the other one finds its share when it comes. */
  #isOver(batches: number): boolean {
    if (this.#patienceMs > 0 && this.#parts.isAnothers(this.config.name)) return batches >= 1
    return batches >= BATCHES_A_TURN && this.#parts.othersWait()
  }

  /** Of what another daemon comes first for: it has listed the source lately, or knows the files, and nothing is left. */
  async #isDone(look: Look): Promise<boolean> {
    const { isListing, files } = look
    const { tracker, isAnothers } = this.#parts
    const { name } = this.config
    if (!isAnothers(name)) return false
    const work = (await tracker.dueWork()).find(({ table }) => table === name)
    if (work === undefined || work.pending || work.abandoned || (work.nextAttemptMs ?? Number.POSITIVE_INFINITY) <= tracker.now())
      return false
    if ((await tracker.unknownCount(name, files)) > 0) return false
    if (!isListing) {
      this.source.admitted(look)
      return true
    }
    // Folders are watched from the first listing on.
    if (!this.#hasListed) return false
    const listed = (await tracker.schedules()).find(({ table_name: table }) => table === name)?.last_listed_at ?? null
    const isFresh = listed !== null && tracker.now() - Date.parse(listed) < (this.source.periodMs ?? FRESH_LISTING_MS)
    if (isFresh) this.source.listed(0)
    return isFresh
  }

  [Symbol.dispose](): void {
    this.#isGone = true
    clearTimeout(this.#later)
    this.#notices[Symbol.dispose]()
    this.source[Symbol.dispose]()
  }

  #listed(report: TableReport, durationMs: number): void {
    const error = report.errors.find(({ code }) => code.startsWith('ING-SOURCE-'))?.message ?? missingSource(report)
    this.#listing = { endedMs: this.#parts.clock.now(), error }
    this.#hasListed = true
    this.source.listed(durationMs)
  }

  #ended(report: TableReport, more: boolean, look: Look): void {
    this.#learnPatience(report)
    if (report.status === 'skip') {
      this.source.putBack(look)
      this.#notBeforeMs = performance.now() + BUSY_MS
      this.wake()
    } else if (report.errors.some(({ file }) => file === null) && report.files.loaded === 0) {
      this.source.putBack(look)
      this.#failed()
      this.wake()
    } else {
      this.source.admitted(look)
      this.#failures = 0
      this.#notBeforeMs = 0
      if (more) this.wake()
    }
  }

  /** Whether the daemon that comes first for the table is to be waited for shows in what was left to do. */
  #learnPatience({ status, files }: Pick<TableReport, 'status' | 'files'>): void {
    if (status === 'skip') this.#patienceMs = OTHERS_FIRST_MS
    else if (files.loaded > 0 && this.#parts.isAnothers(this.config.name))
      this.#patienceMs = this.#patienceMs / 2 < LEAST_PATIENCE_MS ? 0 : this.#patienceMs / 2
  }

  #failed(): void {
    const { baseMs, factor, maxMs } = this.#parts.retryBackoff
    const waitMs = Math.min(maxMs, baseMs * factor ** this.#failures)
    this.#failures += 1
    this.#notBeforeMs = performance.now() + waitMs
  }

  #wakeIn(ms: number): void {
    this.#later = setTimeout(() => {
      this.#later = undefined
      this.#wake(0)
    }, ms)
  }
}

/** A source that is not there has no listing that others could rest on. */
function missingSource({ warnings }: TableReport): string | null {
  return warnings.find(({ code }) => code === 'ING-SOURCE-MISSING')?.message ?? null
}

/** A listing that ends with the daemon, and tells when it is through. */
function stoppable(lister: Lister, stopping: AbortSignal, onEnd: () => void): Lister {
  return {
    base: lister.base,
    look: (path) => lister.look(path),
    pages: async function* (signal, known) {
      yield* lister.pages(AbortSignal.any([signal, stopping]), known)
      onEnd()
    },
  }
}
