import type { ResolvedConfig } from '../config/config.ts'
import { ConfigError, reportOf, UnavailableError } from '../errors/errors.ts'
import { type ListingState, liveness, readiness } from '../http/health.ts'
import type { Metrics } from '../http/metrics.ts'
import { type HttpServer, type HttpSources, isOpen, startHttp } from '../http/server.ts'
import type { Clock } from '../lib/clock.ts'
import { packageVersion } from '../lib/version.ts'
import type { FileStatus } from '../model/file.ts'
import type { RunEvent } from '../model/report.ts'
import type { FileFilter, Tracker } from '../tracker/tracker.ts'
import { cached } from './cached.ts'
import { childMemory } from './child-memory.ts'
import { explainFile } from './explain.ts'
import type { Logger } from './log.ts'
import { selectTables } from './select-tables.ts'
import { type StatusParts, statusFile, statusOf, tableDetail } from './status.ts'
import { absolutePath, trackedFiles } from './tracked-files.ts'

/** The daemon as its server sees it. */
export interface ServedDaemon {
  /** The one in force: a reload puts another in its place. Where it is served stays as it was at the start. */
  readonly config: () => ResolvedConfig
  readonly tracker: Tracker
  readonly clock: Clock
  readonly log: Pick<Logger, 'info' | 'warn'>
  /** How long ago the scheduler turned, in milliseconds. */
  readonly turnedAgoMs: () => number
}

export interface Served extends AsyncDisposable {
  /** Null where nothing is served (`http: null`). */
  readonly url: string | null
  /** Counts an event of a pass. */
  observe(event: RunEvent): void
}

/** Scrapes and open pages come every few seconds, and the tracker is read for all of them at once. */
const FRESH_MS = 2000
const PROBE_MS = 3000
const FILES = 100
const MOST_FILES = 1000
const STATUSES: readonly string[] = ['pending', 'processing', 'completed', 'failed', 'skipped'] satisfies readonly FileStatus[]

/** Health, metrics, status and the web page of a daemon. UnavailableError `ING-HTTP-ADDRESS` where it cannot listen. */
export async function serve(daemon: ServedDaemon): Promise<Served> {
  const { http, enableMetrics } = daemon.config()
  if (http === null) return { url: null, observe: () => {}, [Symbol.asyncDispose]: async () => {} }
  const metrics = enableMetrics ? await newMetrics() : undefined
  const server = await startHttp({
    ...http,
    sources: sourcesOf(daemon, metrics),
    onError: (error, path) => {
      const { code, message } = reportOf(error)
      daemon.log.warn({ path, code }, message)
    },
  })
  tellAddress(server, http, daemon.log)
  return {
    url: server.url,
    observe: (event) => metrics?.observe(event, daemon.clock.now()),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** Loaded where it is used: the client of Prometheus is no part of a start without a server. */
async function newMetrics(): Promise<Metrics> {
  const { Metrics } = await import('../http/metrics.ts')
  return new Metrics(packageVersion())
}

function tellAddress({ url }: HttpServer, http: { readonly host: string; readonly token: string | null }, log: ServedDaemon['log']): void {
  log.info({ url }, 'health, metrics and status are served')
  if (!isOpen(http)) return
  log.warn({ url, code: 'ING-HTTP-OPEN' }, 'anybody who reaches this address can read names of tables and files: set http.token')
}

function sourcesOf(daemon: ServedDaemon, metrics: Metrics | undefined): HttpSources {
  const { tracker, clock } = daemon
  // What its own processes do is told every second; of others a heartbeat that is old tells that they are gone.
  const seeing = (): StatusParts => ({ config: daemon.config(), tracker, isAlive: () => true })
  const status = cached(FRESH_MS, clock, () => statusOf(seeing(), undefined))
  const listings = cached(FRESH_MS, clock, () => listingStates(daemon))
  const scrape = cached(FRESH_MS, clock, () => collectGauges(daemon))
  return {
    alive: () => liveness(daemon.turnedAgoMs()),
    ready: async () => readiness(await inTime(listings()), tracker.now()),
    metrics:
      metrics === undefined
        ? null
        : async () => {
            metrics.collect({ ...(await scrape()), nowMs: tracker.now(), loadProcesses: await childMemory() })
            return { type: metrics.contentType, text: await metrics.text() }
          },
    documents: {
      status: () => status(),
      table: (query) => tableDetail(seeing(), asked(query, 'table')),
      files: (query) => filesDocument(daemon, query),
      search: async (query) => (await tracker.search(asked(query, 'text'), limitOf(query))).map(statusFile),
      explain: (query) => explainFile(absolutePath(daemon.config(), asked(query, 'file')), daemon.config().tables, tracker, clock),
    },
  }
}

/** A tracker that is away is tried for long; whoever probes wants to know it now. */
async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new UnavailableError('ING-TRACKER-UNREACHABLE', 'the tracker does not answer', { hint: 'start its server, or check tracker_url' }),
      )
    }, PROBE_MS)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
    answer.catch(() => undefined)
  }
}

async function listingStates({ config, tracker }: ServedDaemon): Promise<readonly ListingState[]> {
  const tables = config().tables.filter(({ unsupported }) => unsupported.length === 0)
  const schedules = new Map((await tracker.schedules()).map((one) => [one.table_name, one]))
  const busy = new Set((await tracker.activity()).map((one) => one.table_name))
  const paused = new Set((await tracker.counts(tables.map(({ name }) => name))).filter((one) => one.paused).map((one) => one.table_name))
  return tables.map(({ name, watch }) => {
    const schedule = schedules.get(name)
    return {
      table: name,
      periodMs: watch.cron === null ? watch.pollIntervalMs : null,
      lastListedMs: msOf(schedule?.last_listed_at),
      listingError: schedule?.listing_error ?? null,
      nextRunMs: msOf(schedule?.next_run_at),
      busy: busy.has(name),
      paused: paused.has(name),
    }
  })
}

async function collectGauges({ config, tracker }: ServedDaemon) {
  const schedules = new Map((await tracker.schedules()).map((one) => [one.table_name, one]))
  const counts = await tracker.counts(config().tables.map(({ name }) => name))
  return {
    tables: counts.map((count) => ({
      table: count.table_name,
      files: {
        pending: count.pending,
        processing: count.processing,
        completed: count.completed,
        failed: count.failed,
        skipped: count.skipped,
      },
      oldestPendingMs: msOf(count.waiting_since),
      lastLoadedMs: msOf(count.last_loaded_at),
      lastListedMs: msOf(schedules.get(count.table_name)?.last_listed_at),
      paused: count.paused,
    })),
  }
}

async function filesDocument({ config, tracker }: ServedDaemon, query: URLSearchParams): Promise<readonly unknown[]> {
  const found: unknown[] = []
  for await (const file of trackedFiles(config(), async () => tracker, filterOf(config(), query))) found.push(file)
  return found
}

function filterOf(config: ResolvedConfig, query: URLSearchParams): FileFilter {
  const status = query.get('status') ?? undefined
  if (status !== undefined && !isStatus(status)) throw usage(`status must be one of ${STATUSES.join(', ')}`)
  const names = query.getAll('table')
  const tables = names.length === 0 ? {} : { tables: selectTables(config.tables, names).map(({ name }) => name) }
  return { status, limit: limitOf(query), ...tables }
}

function limitOf(query: URLSearchParams): number {
  const limit = Number(query.get('limit') ?? FILES)
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST_FILES) throw usage(`limit must be a whole number from 1 to ${MOST_FILES}`)
  return limit
}

function asked(query: URLSearchParams, key: string): string {
  const value = query.get(key)
  if (value === null || value === '') throw usage(`${key} must be given`)
  return value
}

function isStatus(text: string): text is FileStatus {
  return STATUSES.includes(text)
}

function usage(message: string): ConfigError {
  return new ConfigError('ING-USAGE', message)
}

function msOf(iso: string | null | undefined): number | null {
  return iso === null || iso === undefined ? null : Date.parse(iso)
}
