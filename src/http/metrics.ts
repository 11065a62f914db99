import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { BatchFigures } from '../model/batch-figures.ts'
import type { RunEvent } from '../model/report.ts'

/** What is known of one table when metrics are asked for; times are milliseconds since the epoch. */
export interface TableGauges {
  /** `database.table` */
  readonly table: string
  readonly files: Readonly<Record<'pending' | 'processing' | 'completed' | 'failed' | 'skipped', number>>
  /** Of the file that waits longest. */
  readonly oldestPendingMs: number | null
  readonly lastLoadedMs: number | null
  readonly lastListedMs: number | null
  readonly paused: boolean
}

export interface ScrapedGauges {
  readonly tables: readonly TableGauges[]
  readonly nowMs: number
  /** Resident bytes of each load process; undefined where the system does not tell. */
  readonly loadProcesses: readonly number[] | undefined
}

/** Seconds: what a load takes, and how long a file waits for it. */
const STAGE_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800]
const LAG_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400]

/**
 * What Prometheus is told. Counters and histograms grow with the events of this process; gauges are set from the tracker
 * when they are asked for. Labels are tables, states, stages, rules and codes, never files, so that the number of
 * series is bounded by the config.
 */
export class Metrics {
  readonly #registry = new Registry()
  /** When the pass of a table began, for the time until its files are known. */
  readonly #passes = new Map<string, number>()

  readonly #counters = {
    files: this.#counter('files_total', 'Landing files by how their batch left them.', ['table', 'outcome']),
    rows: this.#counter('rows_total', 'Rows of loaded files by what became of them.', ['table', 'outcome']),
    bytes: this.#counter('bytes_total', 'Bytes of landing files that were loaded.', ['table']),
    batches: this.#counter('batches_total', 'Batches by how they ended.', ['table', 'result']),
    conflicts: this.#counter('conflicts_total', 'Batches that were planned again because another writer was first.', ['table']),
    retries: this.#counter('retries_total', 'Failed files that were tried again by themselves.', ['table']),
    errors: this.#counter('errors_total', 'Errors of files, batches and tables by code; at most a hundred of a pass.', ['table', 'code']),
    passes: this.#counter('passes_total', 'Passes over a table by result.', ['table', 'status']),
    checked: this.#counter('expectation_checked_total', 'What a rule looked at: rows, files or batches.', ['table', 'rule']),
    violated: this.#counter('expectation_violations_total', 'What broke a rule.', ['table', 'rule', 'on_violation']),
  }

  readonly #histograms = {
    stages: this.#histogram('stage_seconds', 'Seconds of a batch by stage; discover is a listing.', ['table', 'stage'], STAGE_SECONDS),
    lag: this.#histogram('lag_seconds', 'Seconds from the modified time of a file to its commit.', ['table'], LAG_SECONDS),
  }

  readonly #gauges = {
    info: this.#gauge('info', 'Always 1; the version is a label.', ['version']),
    files: this.#gauge('files', 'Landing files by state.', ['table', 'status']),
    queueAge: this.#gauge('queue_age_seconds', 'Seconds that the oldest pending file has waited; 0 where none is pending.', ['table']),
    lastLoad: this.#gauge('last_load_timestamp_seconds', 'When a file was loaded last.', ['table']),
    lastListing: this.#gauge('last_listing_timestamp_seconds', 'When the source was listed last.', ['table']),
    paused: this.#gauge('table_paused', '1 while the table is paused.', ['table']),
    version: this.#gauge('table_version', 'The last version that this process committed.', ['table']),
    loadProcesses: this.#gauge('load_processes', 'Load processes at the moment.', []),
    loadMemory: this.#gauge('load_processes_resident_memory_bytes', 'Resident memory of all load processes.', []),
  }

  constructor(version: string) {
    // The process itself: its memory, CPU, event loop, handles.
    collectDefaultMetrics({ register: this.#registry })
    this.#gauges.info.set({ version }, 1)
  }

  /** Counts one event of a pass. */
  observe(event: RunEvent, nowMs: number): void {
    const { table } = event
    switch (event.kind) {
      case 'tableStarted':
        this.#passes.set(table, nowMs)
        break
      case 'pending': {
        const since = this.#passes.get(table)
        if (since !== undefined) this.#histograms.stages.observe({ table, stage: 'discover' }, (nowMs - since) / 1000)
        break
      }
      case 'batchEnded':
        if (event.figures) this.#batch(table, event.figures, event.version)
        break
      case 'batchFailed':
        this.#counters.batches.inc({ table, result: 'failed' })
        break
      case 'retried':
        this.#counters.retries.inc({ table }, event.files)
        break
      case 'tableEnded':
        this.#passes.delete(table)
        this.#counters.passes.inc({ table, status: event.report.status })
        for (const { code } of event.report.errors) this.#counters.errors.inc({ table, code })
        break
      case 'listed':
      case 'batchStarted':
      case 'progress':
      case 'maintaining':
      case 'waiting':
        break
    }
  }

  /** Sets what is true at the moment. Tables that are gone leave no series behind. */
  collect({ tables, nowMs, loadProcesses }: ScrapedGauges): void {
    const gauges = this.#gauges
    for (const gauge of [gauges.files, gauges.queueAge, gauges.lastLoad, gauges.lastListing, gauges.paused]) gauge.reset()
    for (const { table, files, oldestPendingMs, lastLoadedMs, lastListedMs, paused } of tables) {
      for (const [status, count] of Object.entries(files)) gauges.files.set({ table, status }, count)
      gauges.queueAge.set({ table }, oldestPendingMs === null ? 0 : Math.max(0, (nowMs - oldestPendingMs) / 1000))
      if (lastLoadedMs !== null) gauges.lastLoad.set({ table }, lastLoadedMs / 1000)
      if (lastListedMs !== null) gauges.lastListing.set({ table }, lastListedMs / 1000)
      gauges.paused.set({ table }, paused ? 1 : 0)
    }
    if (loadProcesses === undefined) return
    gauges.loadProcesses.set(loadProcesses.length)
    gauges.loadMemory.set(loadProcesses.reduce((sum, bytes) => sum + bytes, 0))
  }

  /** The text that a scrape gets. */
  async text(): Promise<string> {
    return this.#registry.metrics()
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** Every metric's name and help, for the documentation. */
  async described(): Promise<readonly { readonly name: string; readonly help: string; readonly type: string }[]> {
    const metrics = await this.#registry.getMetricsAsJSON()
    return metrics.map(({ name, help, type }) => ({ name, help, type: String(type) }))
  }

  #batch(table: string, figures: BatchFigures, version: number | null): void {
    const { counters, histograms } = { counters: this.#counters, histograms: this.#histograms }
    counters.batches.inc({ table, result: figures.givenUp ? 'conflict' : version === null ? 'empty' : 'committed' })
    for (const [stage, ms] of Object.entries(figures.stages)) histograms.stages.observe({ table, stage }, ms / 1000)
    if (figures.givenUp) {
      counters.conflicts.inc({ table })
      return
    }
    for (const [outcome, files] of Object.entries(figures.files)) if (files > 0) counters.files.inc({ table, outcome }, files)
    for (const [outcome, rows] of Object.entries(figures.rows)) if (outcome !== 'read') counters.rows.inc({ table, outcome }, rows)
    counters.bytes.inc({ table }, figures.bytes)
    for (const ms of figures.lagsMs) histograms.lag.observe({ table }, ms / 1000)
    for (const { name, on_violation, checked, violated } of figures.expectations) {
      counters.checked.inc({ table, rule: name }, checked)
      counters.violated.inc({ table, rule: name, on_violation }, violated)
    }
    if (version !== null) this.#gauges.version.set({ table }, version)
  }

  #counter<T extends string>(name: string, help: string, labelNames: readonly T[]): Counter<T> {
    return new Counter({ name: `ingestd_${name}`, help, labelNames: [...labelNames], registers: [this.#registry] })
  }

  #gauge<T extends string>(name: string, help: string, labelNames: readonly T[]): Gauge<T> {
    return new Gauge({ name: `ingestd_${name}`, help, labelNames: [...labelNames], registers: [this.#registry] })
  }

  #histogram<T extends string>(name: string, help: string, labelNames: readonly T[], buckets: readonly number[]): Histogram<T> {
    return new Histogram({ name: `ingestd_${name}`, help, labelNames: [...labelNames], buckets: [...buckets], registers: [this.#registry] })
  }
}
