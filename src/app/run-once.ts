import pLimit from 'p-limit'
import { contentHash } from '../blobs/local-content.ts'
import type { ResolvedConfig } from '../config/config.ts'
import { UnavailableError } from '../errors/errors.ts'
import type { Clock } from '../lib/clock.ts'
import type { RunReport, RunTotals, TableReport } from '../model/report.ts'
import type { TableConfig } from '../model/table.ts'
import type { Owner } from '../pipeline/recover.ts'
import { runTable, type TablePass } from '../pipeline/run-table.ts'
import { TableTally } from '../pipeline/tally.ts'
import type { Tracker } from '../tracker/tracker.ts'
import { localLister } from '../watcher/local.ts'
import { waitForSettled } from '../watcher/settle.ts'
import { maintainAfterLoads } from './after-loads.ts'
import type { RunOptions } from './ingest.ts'
import { childLimits } from './limits.ts'
import { type LoadProcess, loadProcess } from './load-process.ts'
import { spoolOf } from './places.ts'
import { leased, withHeartbeat } from './table-work.ts'

/** Load processes start up while the tracker is opened. */
export interface Pass {
  readonly config: ResolvedConfig
  readonly tracker: () => Promise<Tracker>
  readonly owner: Owner
  readonly clock: Clock
  /** Puts something between the pass and the load processes (a dry run). */
  readonly wrap?: (worker: LoadProcess) => LoadProcess
}

interface OpenPass extends Omit<Pass, 'tracker'> {
  readonly tracker: Tracker
}

/** One pass over the tables: discover, load, report. Tables run side by side, each in a load process of its own. */
export async function runOnce(tables: readonly TableConfig[], options: RunOptions, given: Pass): Promise<RunReport> {
  const startedMs = given.clock.now()
  const runnable = tables.filter((table) => table.unsupported.length === 0).length
  const children = Math.max(1, Math.min(options.concurrency ?? given.config.maxParallelJobs, runnable))
  const signal = options.signal ?? new AbortController().signal
  await using pool = processPool(children, given.config, signal)
  if (runnable > 0) pool.start()
  const pass: OpenPass = { ...given, tracker: await given.tracker() }
  const limit = pLimit(children)
  const reports = await withHeartbeat(pass, () =>
    Promise.all(
      tables.map((table, index) =>
        limit(async () => {
          options.onEvent?.({ kind: 'tableStarted', table: table.name, index, total: tables.length })
          const report = await pool.use((worker) => passOver(table, pass.wrap?.(worker) ?? worker, options, pass))
          options.onEvent?.({ kind: 'tableEnded', table: table.name, index, total: tables.length, report })
          return report
        }),
      ),
    ),
  )
  return { tables: reports, totals: totalsOf(reports, (pass.clock.now() - startedMs) / 1000) }
}

async function passOver(table: TableConfig, worker: LoadProcess, options: RunOptions, pass: OpenPass): Promise<TableReport> {
  const { clock } = pass
  const tally = new TableTally(table, clock.now())
  if (table.unsupported.length > 0) {
    // A key that is known but not built fails its table alone.
    for (const { message, hint } of table.unsupported) tally.unsupported(message, hint)
  } else if (options.signal?.aborted) tally.skipTable('interrupted')
  else if (await isPaused(table, options, pass.tracker)) tally.skipTable(`paused (ingest resume --tables ${table.name})`)
  else {
    await leased(
      table,
      pass,
      () => passUnderLease(tablePass(table, worker, tally, { options, pass }), options),
      () => tally.skipTable('another process is loading this table'),
    )
  }
  return tally.report(clock.now())
}

/** A table that is named is loaded, paused or not: whoever names it knows of it. */
async function isPaused(table: TableConfig, { tables }: RunOptions, tracker: Tracker): Promise<boolean> {
  return (tables === undefined || tables.length === 0) && (await tracker.paused()).has(table.name)
}

/** What stops one table is its own result; a tracker that cannot be reached stops them all. */
async function passUnderLease(pass: TablePass, options: RunOptions): Promise<void> {
  const { tally, signal } = pass
  try {
    await runTable(pass)
    if (options.dryRun !== true) await maintainAfterLoads(pass, options)
  } catch (error) {
    if (error instanceof UnavailableError && error.code.startsWith('ING-TRACKER')) throw error
    if (signal.aborted) tally.skipTable('interrupted')
    else tally.error(error)
  }
}

function tablePass(
  table: TableConfig,
  worker: LoadProcess,
  tally: TableTally,
  { options, pass }: { readonly options: RunOptions; readonly pass: OpenPass },
): TablePass {
  const { tracker, owner, clock } = pass
  const lister = localLister(table, clock)
  const runType = options.runType ?? table.runType
  const signal = options.signal ?? new AbortController().signal
  return {
    table,
    tracker,
    lister,
    worker,
    owner,
    clock,
    contentHash,
    tally,
    replaceAll: runType === 'full_drop',
    signal,
    onEvent: options.onEvent ?? (() => {}),
    settle: async (waiting) => {
      const ms = Math.max(0, ...waiting.map((one) => one.readyInMs ?? 0))
      options.onEvent?.({ kind: 'waiting', table: table.name, files: waiting.length, ms })
      return waitForSettled(lister, waiting, ms, signal)
    },
  }
}

/** Load processes, each used by one table at a time. */
function processPool(size: number, config: ResolvedConfig, signal: AbortSignal) {
  const limits = childLimits(config, size)
  const free: LoadProcess[] = []
  const all: LoadProcess[] = []
  const made = () => {
    const worker = loadProcess({ limits, spool: spoolOf(config), timeoutMs: config.timeoutMs, signal })
    all.push(worker)
    return worker
  }
  return {
    start() {
      while (all.length < size) {
        const worker = made()
        worker.start()
        free.push(worker)
      }
    },
    async use<T>(work: (worker: LoadProcess) => Promise<T>): Promise<T> {
      const worker = free.pop() ?? made()
      try {
        return await work(worker)
      } finally {
        free.push(worker)
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((worker) => worker[Symbol.asyncDispose]()))
    },
  }
}

function totalsOf(reports: readonly TableReport[], seconds: number): RunTotals {
  const count = (status: TableReport['status']) => reports.filter((report) => report.status === status).length
  const sum = (value: (report: TableReport) => number) => reports.reduce((total, report) => total + value(report), 0)
  return {
    pass: count('pass'),
    warn: count('warn'),
    error: count('error'),
    skip: count('skip'),
    total: reports.length,
    files: sum((report) => report.files.loaded),
    rows: sum((report) => report.rows.loaded),
    bytes: sum((report) => report.bytes),
    seconds: Math.round(seconds * 1000) / 1000,
  }
}
