import { hostname } from 'node:os'
import type { ResolvedConfig } from '../../config/config.ts'
import { UnavailableError } from '../../errors/errors.ts'
import type { Clock } from '../../lib/clock.ts'
import { packageVersion } from '../../lib/version.ts'
import type { DaemonNote } from '../../model/activity.ts'
import type { RunEvent } from '../../model/report.ts'
import type { TableConfig } from '../../model/table.ts'
import type { Owner } from '../../pipeline/recover.ts'
import { sameFile } from '../../tracker/sqlite/same-file.ts'
import type { Tracker } from '../../tracker/tracker.ts'
import type { DaemonOptions } from '../ingest.ts'
import type { Logger } from '../log.ts'
import { loadPool } from '../pool.ts'
import { selectTables } from '../select-tables.ts'
import { type Served, serve } from '../serve.ts'
import { withHeartbeat } from '../table-work.ts'
import { DaemonTable, type TableParts } from './daemon-table.ts'
import { Teller } from './teller.ts'
import { Turns } from './turns.ts'

/** How often the daemon looks at what no event tells: what other processes left to do, folders that came back. */
const LOOK_MS = 2000
const HEARTBEAT_MS = 5000

export interface DaemonParts {
  readonly config: ResolvedConfig
  readonly tracker: () => Promise<Tracker>
  readonly owner: Owner
  readonly clock: Clock
  readonly log: Logger
}

/** Loads what comes until it is told to stop. Ends when all that was in flight is settled or given back. */
export async function runDaemon(options: DaemonOptions, parts: DaemonParts): Promise<void> {
  const tables = selectTables(parts.config.tables, options.tables)
  const tracker = await parts.tracker()
  const daemon = new Daemon(options, { ...parts, tracker })
  await withHeartbeat({ tracker, owner: parts.owner }, () => daemon.run(tables))
}

interface OpenParts extends Omit<DaemonParts, 'tracker'> {
  readonly tracker: Tracker
}

class Daemon {
  readonly #options: DaemonOptions
  readonly #parts: OpenParts
  readonly #tables = new Map<string, DaemonTable>()
  readonly #turns: Turns
  readonly #teller: Teller
  readonly #stopping = new AbortController()
  readonly #ending = new AbortController()
  readonly #startedAt: string
  /** When all tables were looked at last: a daemon that does not come to it any more hangs. */
  #turnedMs: number
  #served: Served | undefined
  readonly #isTrackerThere: () => boolean
  #fault: unknown

  constructor(options: DaemonOptions, parts: OpenParts) {
    this.#options = options
    this.#parts = parts
    this.#turns = new Turns(parts.config.maxParallelJobs, (table) => this.#turn(table))
    this.#isTrackerThere = sameFile(parts.config.trackerFile)
    this.#teller = new Teller(parts.log)
    this.#turnedMs = parts.clock.now()
    this.#startedAt = new Date(this.#turnedMs).toISOString()
  }

  async run(tables: readonly TableConfig[]): Promise<void> {
    const { config, tracker, clock, log } = this.#parts
    const stop = () => this.#stopping.abort()
    if (this.#options.signal?.aborted) return
    this.#options.signal?.addEventListener('abort', stop, { once: true })
    await using served = await serve({ ...{ config: () => config, tracker, clock, log }, turnedMs: () => this.#turnedMs })
    this.#served = served
    await using pool = loadPool(config.maxParallelJobs, config, this.#ending.signal)
    const shared = this.#shared(pool)
    try {
      await this.#note('running')
      pool.start()
      for (const table of tables) this.#add(table, shared)
      log.info({ tables: this.#tables.size, pid: process.pid, version: packageVersion() }, 'daemon started')
      await this.#untilStopped()
      await this.#note('stopping')
      log.info({ running: this.#turns.running }, 'stopping: what runs is finished or given back')
      await this.#stop()
      log.info('daemon stopped')
    } finally {
      this.#options.signal?.removeEventListener('abort', stop)
      for (const table of this.#tables.values()) table[Symbol.dispose]()
      await this.#note(null)
    }
    if (this.#fault !== undefined) throw this.#fault
  }

  #shared(pool: TableParts['pool']): TableParts {
    const { config, tracker, owner, clock, log } = this.#parts
    return {
      ...{ tracker, owner, clock, pool, retryBackoff: config.retryBackoff },
      stopping: this.#stopping.signal,
      ending: this.#ending.signal,
      othersWait: () => this.#turns.waiting > 0,
      want: (table) => this.#turns.want(table),
      onEvent: (event) => this.#told(event),
      onWarning: (message) => log.warn(message),
    }
  }

  #add(config: TableConfig, shared: TableParts): void {
    if (config.unsupported.length > 0) {
      for (const { message, hint } of config.unsupported) this.#parts.log.error({ table: config.name, hint }, message)
      return
    }
    const table = new DaemonTable(config, shared)
    this.#tables.set(config.name, table)
    this.#parts.log.info({ table: config.name, source: config.sourcePattern }, `source is ${table.source.kind}`)
    // What another process left behind is settled first, whatever the source has.
    table.wake()
  }

  async #turn(name: string): Promise<void> {
    const table = this.#tables.get(name)
    if (table === undefined) return
    const { name: tableName } = table.config
    this.#told({ kind: 'tableStarted', table: tableName, index: 0, total: this.#tables.size })
    try {
      const report = await table.turn()
      this.#told({ kind: 'tableEnded', table: tableName, index: 0, total: this.#tables.size, report })
    } catch (error) {
      this.#stopFor(error)
    }
  }

  /** A tracker that is held for long is waited for; one that is damaged or gone leaves nothing to do. */
  #stopFor(error: unknown): void {
    const { log } = this.#parts
    if (error instanceof UnavailableError && error.code === 'ING-TRACKER-LOCKED') {
      log.warn({ code: error.code, hint: error.hint }, error.message)
      return
    }
    this.#fault ??= error
    this.#stopping.abort()
  }

  #told(event: RunEvent): void {
    this.#teller.tell(event)
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
    for (const table of this.#tables.values()) table.source.checkBase()
    try {
      if (!this.#isTrackerThere()) throw trackerGone(this.#parts.config.trackerFile)
      const now = this.#parts.clock.now()
      this.#turnedMs = now
      const paused = await this.#parts.tracker.paused()
      for (const { table: name, pending, nextAttemptMs } of await this.#parts.tracker.dueWork()) {
        const table = this.#tables.get(name)
        if (table === undefined || !table.isFree || paused.has(name)) continue
        if (pending || (nextAttemptMs !== null && nextAttemptMs <= now)) table.wake()
      }
    } catch (error) {
      this.#stopFor(error)
    }
  }

  /** Turns that run may finish; after the time that the config gives them their batches are given back. */
  async #stop(): Promise<void> {
    const timer = setTimeout(() => this.#ending.abort(), this.#parts.config.shutdownTimeoutMs)
    try {
      await this.#turns.stop()
    } finally {
      clearTimeout(timer)
    }
  }

  async #note(state: DaemonNote['state'] | null): Promise<void> {
    const { tracker, owner, clock } = this.#parts
    if (state === null) return tracker.noteDaemon(owner.id, null)
    await tracker.noteDaemon(owner.id, {
      ...{
        pid: process.pid,
        host: hostname(),
        version: packageVersion(),
        started_at: this.#startedAt,
        state,
        http: this.#served?.url ?? null,
      },
      heartbeat_at: new Date(clock.now()).toISOString(),
    })
  }
}

/** What is written to a file that was deleted is lost when the daemon ends. */
function trackerGone(file: string): UnavailableError {
  return new UnavailableError('ING-TRACKER-UNAVAILABLE', `the tracker ${file} was deleted or replaced while the daemon was using it`, {
    hint: 'put a backup in its place, or make it again with `ingest tracker rebuild`, and start the daemon again',
    context: { file },
  })
}
