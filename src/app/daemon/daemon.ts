import { hostname } from 'node:os'
import type { ResolvedConfig } from '../../config/config.ts'
import { UnavailableError } from '../../errors/errors.ts'
import type { Clock } from '../../lib/clock.ts'
import { packageVersion } from '../../lib/version.ts'
import type { DaemonNote } from '../../model/activity.ts'
import type { ReloadReport, RunEvent } from '../../model/report.ts'
import type { TableConfig } from '../../model/table.ts'
import type { Owner } from '../../pipeline/recover.ts'
import { sameFile } from '../../tracker/sqlite/same-file.ts'
import type { Tracker } from '../../tracker/tracker.ts'
import { ActivityNotes } from '../activity.ts'
import { lockDaemon, trackerGone } from '../daemon-lock.ts'
import type { DaemonOptions } from '../ingest.ts'
import type { Logger } from '../log.ts'
import { type LoadPool, loadPool } from '../pool.ts'
import { type Reload, reloadConfig } from '../reload.ts'
import { selectTables } from '../select-tables.ts'
import { type Served, serve } from '../serve.ts'
import { withHeartbeat } from '../table-work.ts'
import { ClockWatch } from './clock-watch.ts'
import { DaemonTable, type TableParts } from './daemon-table.ts'
import { Notices } from './notices.ts'
import { PUBLISHING, Publisher } from './publisher.ts'
import { reloadReport } from './reload-report.ts'
import { Service } from './service.ts'
import { Shares, SILENT_MS } from './shares.ts'
import { stopTimes } from './stop-times.ts'
import { Teller } from './teller.ts'
import { Turns } from './turns.ts'

/** How often the daemon looks at what no event tells: what other processes left to do, folders that came back. */
const LOOK_MS = 2000
const HEARTBEAT_MS = 5000

export interface DaemonParts {
  readonly config: ResolvedConfig
  /** Reads the config again. */
  readonly read: () => Promise<ResolvedConfig>
  readonly tracker: () => Promise<Tracker>
  readonly owner: Owner
  readonly clock: Clock
  readonly log: Logger
}

/** A daemon that runs. */
export interface RunningDaemon {
  reload(): Promise<ReloadReport>
}

/**
 * Loads what comes until it is told to stop, and gives itself to `onStart` meanwhile. Ends when all that was in flight is settled or given
 * back. UnavailableError `ING-DAEMON-RUNNING` where another daemon has the tracker.
 */
export async function runDaemon(
  options: DaemonOptions,
  parts: DaemonParts,
  onStart: (daemon: RunningDaemon | undefined) => void,
): Promise<void> {
  const { config, owner, log } = parts
  const { standby, signal = new AbortController().signal } = options
  const tables = selectTables(config.tables, options.tables)
  const onWait = (holder: string) => log.info({ holder }, 'another daemon has the tracker: waiting until it is gone')
  using lock = await lockDaemon({
    trackerFile: config.trackerUrl === null ? config.trackerFile : null,
    owner: owner.id,
    standby,
    signal,
    onWait,
  })
  if (lock === undefined) return
  const tracker = await parts.tracker()
  await using activity = new ActivityNotes(tracker, owner.id)
  const daemon = new Daemon(options, { ...parts, tracker, activity, isLocked: () => lock.isIntact() })
  try {
    onStart(daemon)
    await withHeartbeat({ tracker, owner }, () => daemon.run(tables, signal))
  } finally {
    onStart(undefined)
  }
}

interface OpenParts extends Omit<DaemonParts, 'tracker'> {
  readonly tracker: Tracker
  readonly activity: ActivityNotes
  /** Whether no other daemon can have begun meanwhile. */
  readonly isLocked: () => boolean
}

class Daemon implements RunningDaemon {
  readonly #options: DaemonOptions
  readonly #parts: OpenParts
  readonly #tables = new Map<string, DaemonTable>()
  readonly #turns: Turns
  readonly #teller: Teller
  readonly #service: Service
  readonly #publisher: Publisher
  readonly #stopping = new AbortController()
  readonly #ending = new AbortController()
  readonly #startedAt: string
  #config: ResolvedConfig
  #shared: TableParts | undefined
  #served: Served | undefined
  /** When the daemon came to look at all of its tables last, by a clock that nobody sets: one that does not come to it any more hangs. */
  #turnedMs = performance.now()
  readonly #turnedAgoMs = () => performance.now() - this.#turnedMs
  readonly #clockWatch: ClockWatch
  readonly #isTrackerThere: () => boolean
  readonly #shares: Shares
  /** A look waits for the tracker. */
  #isLooking = false
  #isTrackerAway = false
  #fault: unknown

  constructor(options: DaemonOptions, parts: OpenParts) {
    this.#options = options
    this.#parts = parts
    this.#config = parts.config
    this.#turns = new Turns(parts.config.maxParallelJobs, (table) => this.#turn(table))
    this.#isTrackerThere = parts.config.trackerUrl === null ? sameFile(parts.config.trackerFile) : () => true
    this.#shares = new Shares(parts.owner.id)
    this.#teller = new Teller(parts.log)
    this.#publisher = new Publisher(parts, () => this.#turns.want(PUBLISHING))
    this.#clockWatch = new ClockWatch(parts.clock)
    this.#startedAt = new Date(parts.tracker.now()).toISOString()
    this.#service = new Service(parts.log, this.#turnedAgoMs)
  }

  async run(tables: readonly TableConfig[], signal: AbortSignal): Promise<void> {
    const { tracker, clock, log } = this.#parts
    const stop = () => this.#stopping.abort()
    if (signal.aborted) return
    signal.addEventListener('abort', stop, { once: true })
    await using served = await serve({ config: () => this.#config, tracker, clock, log, turnedAgoMs: this.#turnedAgoMs })
    this.#served = served
    const times = stopTimes(this.#config.shutdownTimeoutMs)
    await using pool = loadPool(this.#config.maxParallelJobs, this.#config, this.#ending.signal, times.graceMs)
    using service = this.#service
    try {
      await this.#start(tables, pool)
      await service.ready(`${this.#tables.size} tables`)
      await this.#untilStopped()
      await service.stopping()
      await this.#note('stopping').catch(() => undefined)
      log.info({ running: this.#turns.running }, 'stopping: what runs is finished or given back')
      await this.#stop(times.finishMs)
    } finally {
      signal.removeEventListener('abort', stop)
      for (const table of this.#tables.values()) table[Symbol.dispose]()
      this.#publisher[Symbol.dispose]()
      // Why it ends tells more than that nobody can be told.
      await this.#note(null).catch(() => undefined)
    }
    if (this.#fault !== undefined) throw this.#fault
    log.info('daemon stopped')
  }

  /** A config that is broken changes nothing; a table that runs ends its turn as it began it. */
  async reload(): Promise<ReloadReport> {
    const { log, read } = this.#parts
    await this.#service.reloading()
    try {
      const reload = await reloadConfig(this.#config, read)
      if (reload.kind === 'changed') this.#apply(reload)
      const report = reloadReport(reload)
      if (reload.kind === 'refused') log.error(report, 'the config has errors: the old one stays in force')
      else log.info(report, reload.kind === 'changed' ? 'the config was read again' : 'the config is as it was')
      return report
    } finally {
      await this.#service.ready(`${this.#tables.size} tables`)
    }
  }

  #apply({ config, added, removed, changed }: Extract<Reload, { kind: 'changed' }>): void {
    this.#config = config
    for (const { name } of [...removed, ...changed.map(({ table }) => table)]) {
      this.#tables.get(name)?.[Symbol.dispose]()
      this.#turns.forget(name)
    }
    for (const { name } of removed) this.#tables.delete(name)
    // A daemon that was started for some tables stays with them.
    const isWanted = ({ name }: TableConfig) => this.#options.tables === undefined || this.#tables.has(name)
    for (const table of [...added, ...changed.map((one) => one.table)].filter(isWanted)) {
      this.#tables.delete(table.name)
      this.#add(table)
    }
  }

  async #start(tables: readonly TableConfig[], pool: LoadPool): Promise<void> {
    const { tracker, owner, clock, log } = this.#parts
    await this.#note('running')
    // One waits for the first file; tables that load at the same time get theirs then, and these stay.
    pool.start(1)
    this.#shared = {
      ...{ tracker, owner, clock, pool, retryBackoff: this.#config.retryBackoff },
      stopping: this.#stopping.signal,
      ending: this.#ending.signal,
      isAnothers: (table) => !this.#shares.isFirstFor(table, [...this.#tables.keys()]),
      othersWait: () => this.#turns.waiting > 0,
      want: (table) => this.#turns.want(table),
      onEvent: (event) => this.#told(event),
      onWarning: (message) => log.warn(message),
      notices: new Notices((message) => log.warn(message)),
    }
    await this.#share()
    for (const table of tables) this.#add(table)
    log.info({ tables: this.#tables.size, pid: process.pid, version: packageVersion() }, 'daemon started')
  }

  #add(config: TableConfig): void {
    const { log } = this.#parts
    if (this.#shared === undefined) return
    if (config.unsupported.length > 0) {
      for (const { message, hint } of config.unsupported) log.error({ table: config.name, hint }, message)
      return
    }
    const table = new DaemonTable(config, this.#shared)
    this.#tables.set(config.name, table)
    log.info({ table: config.name, source: config.sourcePattern, by: table.source.kind }, 'table taken on')
    // What another process left behind is settled first, whatever the source has.
    table.wake()
  }

  async #turn(name: string): Promise<void> {
    if (name === PUBLISHING) return this.#shared?.pool.use((worker) => this.#publisher.turn(this.#config, worker))
    const table = this.#tables.get(name)
    if (table === undefined) return
    this.#told({ kind: 'tableStarted', table: name, index: 0, total: this.#tables.size })
    try {
      const report = await table.turn()
      this.#told({ kind: 'tableEnded', table: name, index: 0, total: this.#tables.size, report })
      this.#publisher.told(report)
      await this.#noteListing(table)
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Who asks whether the source is still looked at reads it in the tracker. */
  async #noteListing(table: DaemonTable): Promise<void> {
    const { listing } = table
    if (listing === undefined) return
    const { tracker, clock } = this.#parts
    // Whoever reads it goes by the clock of the tracker.
    const aheadMs = tracker.now() - clock.now()
    const next = table.source.nextListingMs
    await tracker.noteTable(table.config.name, {
      last_listed_at: new Date(listing.endedMs + aheadMs).toISOString(),
      listing_error: listing.error,
      next_run_at: isoOrNull(next === null ? null : next + aheadMs),
    })
  }

  /** A tracker that is held for long is waited for; one that is damaged or gone leaves nothing to do. */
  #failed(error: unknown): void {
    const { log } = this.#parts
    if (error instanceof UnavailableError && (error.code === 'ING-TRACKER-LOCKED' || error.code === 'ING-TRACKER-UNREACHABLE')) {
      if (!this.#isTrackerAway) log.warn({ code: error.code, hint: error.hint }, error.message)
      this.#isTrackerAway = error.code === 'ING-TRACKER-UNREACHABLE'
      return
    }
    this.#fault ??= error
    this.#stopping.abort()
  }

  #told(event: RunEvent): void {
    this.#teller.tell(event)
    this.#parts.activity.event(event)
    this.#served?.observe(event)
    this.#options.onEvent?.(event)
  }

  async #untilStopped(): Promise<void> {
    const { signal } = this.#stopping
    if (signal.aborted) return
    const timers = [
      setInterval(() => void this.#look(), LOOK_MS),
      setInterval(() => void this.#note('running').catch(() => undefined), HEARTBEAT_MS),
    ]
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    for (const timer of timers) clearInterval(timer)
  }

  /** What no event tells: files that other commands made pending, retries that are due, folders that came back. */
  async #look(): Promise<void> {
    this.#turnedMs = performance.now()
    this.#watchClock()
    for (const table of this.#tables.values()) table.source.checkBase()
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      if (!this.#isTrackerThere() || !this.#parts.isLocked()) throw trackerGone(this.#config.trackerFile)
      await this.#share()
      const paused = await this.#parts.tracker.paused()
      if (this.#isTrackerAway) this.#parts.log.info('the tracker is back')
      this.#isTrackerAway = false
      const { tracker } = this.#parts
      for (const due of await tracker.dueWork()) {
        const table = this.#tables.get(due.table)
        if (table?.isDue(due, tracker.now()) === true && !paused.has(due.table)) table.wake()
      }
    } catch (error) {
      this.#failed(error)
    } finally {
      this.#isLooking = false
    }
  }

  /** After a jump leases are given their time at once, before another process takes them for ended ones, and sources are looked at anew. */
  #watchClock(): void {
    const jumpMs = this.#clockWatch.jumpMs()
    if (jumpMs === 0) return
    const { tracker, owner, log } = this.#parts
    log.warn({ seconds: Math.round(jumpMs / 1000) }, `the clock of this machine was set ${jumpMs > 0 ? 'forward' : 'back'}`)
    tracker.renew(owner.id).catch(() => undefined)
    for (const { source } of this.#tables.values()) source.clockWasSet()
  }

  /** Learns who else is at work; one that died on this machine is known to be gone at once. */
  async #share(): Promise<void> {
    if (this.#config.trackerUrl === null) return
    const { tracker, owner, log } = this.#parts
    const peers = (await tracker.peers(SILENT_MS)).filter((peer) => owner.isAlive(peer))
    if (this.#shares.update(peers)) log.info({ daemons: peers.length }, 'tables are divided among the daemons')
  }

  /** Turns that run may finish; after that time their batches are given back. */
  async #stop(finishMs: number): Promise<void> {
    const timer = setTimeout(() => this.#ending.abort(), finishMs)
    try {
      await this.#turns.stop()
      if (this.#publisher.isDue && !this.#ending.signal.aborted && this.#fault === undefined) await this.#turn(PUBLISHING)
    } finally {
      clearTimeout(timer)
    }
  }

  async #note(state: DaemonNote['state'] | null): Promise<void> {
    const { tracker, owner } = this.#parts
    if (state === null) return tracker.noteDaemon(owner.id, null)
    await tracker.noteDaemon(owner.id, {
      ...{ pid: process.pid, host: hostname(), version: packageVersion(), started_at: this.#startedAt },
      ...{ state, http: this.#served?.url ?? null },
    })
  }
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
