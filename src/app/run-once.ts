import pLimit from 'p-limit'
import type { ResolvedConfig } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { RunEvent, RunReport, RunTotals, TableReport } from '../model/report.ts'
import type { TableConfig } from '../model/table.ts'
import type { Owner } from '../pipeline/recover.ts'
import type { Tracker } from '../tracker/tracker.ts'
import { ActivityNotes } from './activity.ts'
import type { RunOptions } from './ingest.ts'
import type { LoadProcess } from './load-process.ts'
import { loadPool } from './pool.ts'
import { passOver } from './table-pass.ts'
import { withHeartbeat } from './table-work.ts'

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
  await using pool = loadPool(children, given.config, signal)
  if (runnable > 0) pool.start()
  const pass: OpenPass = { ...given, tracker: await given.tracker() }
  await using notes = new ActivityNotes(pass.tracker, pass.owner.id)
  const onEvent = (event: RunEvent) => {
    notes.event(event)
    options.onEvent?.(event)
  }
  const limit = pLimit(children)
  const reports = await withHeartbeat(pass, () =>
    Promise.all(
      tables.map((table, index) =>
        limit(async () => {
          onEvent({ kind: 'tableStarted', table: table.name, index, total: tables.length })
          const { report } = await pool.use((worker) => passOver(table, pass.wrap?.(worker) ?? worker, { ...options, onEvent }, pass))
          onEvent({ kind: 'tableEnded', table: table.name, index, total: tables.length, report })
          return report
        }),
      ),
    ),
  )
  return { tables: reports, totals: totalsOf(reports, (pass.clock.now() - startedMs) / 1000) }
}

export function totalsOf(reports: readonly TableReport[], seconds: number): RunTotals {
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
