import { reportOf } from '../errors/errors.ts'
import type { MaintenanceTable, OptimizeReport, VacuumReport } from '../model/report.ts'
import type { TableConfig } from '../model/table.ts'
import { ActivityNotes } from './activity.ts'
import type { OptimizeOptions, VacuumOptions } from './ingest.ts'
import { optimizeCounts, vacuumCounts } from './maintenance-counts.ts'
import { selectTables } from './select-tables.ts'
import { leased, type TableWork, withHeartbeat } from './table-work.ts'

/** Table after table: each is given all memory, and what stops one does not stop the next. */
export async function optimizeTables(options: OptimizeOptions, work: TableWork): Promise<OptimizeReport> {
  const request = {
    trackerId: work.tracker.id,
    targetFileSize: options.targetFileSize === undefined ? null : BigInt(options.targetFileSize),
    zOrder: options.zOrder ?? [],
    dryRun: options.dryRun === true,
    auto: false,
  }
  const tables = await eachTable('optimize', options, work, async (table) => optimizeCounts(await work.worker.optimize(table, request)))
  return { dry_run: request.dryRun, tables: tables.map(({ end, done }) => ({ ...end, ...NOT_OPTIMIZED, ...done })) }
}

export async function vacuumTables(options: VacuumOptions, work: TableWork): Promise<VacuumReport> {
  const request = {
    trackerId: work.tracker.id,
    retentionMs: options.retentionMs ?? null,
    dryRun: options.dryRun === true,
    force: options.force === true,
  }
  const tables = await eachTable('vacuum', options, work, async (table) => {
    const result = await work.worker.vacuum(table, request)
    return { ...vacuumCounts(result), paths: result.paths, retention_hours: result.retentionMs / 3_600_000 }
  })
  return { dry_run: request.dryRun, tables: tables.map(({ end, done }) => ({ ...end, ...NOT_VACUUMED, ...done })) }
}

const NOT_OPTIMIZED = {
  version: null,
  files_removed: 0,
  bytes_removed: 0,
  files_added: 0,
  bytes_added: 0,
  deletion_vectors_removed: 0,
  rows: 0,
}
const NOT_VACUUMED = { version: null, files: 0, bytes: 0, paths: [], retention_hours: null }

interface EachOptions {
  readonly tables?: readonly string[] | undefined
  readonly dryRun?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

type Act<T> = (table: TableConfig) => Promise<T>

/** How it ended for a table, and what was done where it was. */
interface Ended<T> {
  readonly end: MaintenanceTable
  readonly done?: T
}

type Outcome<T> = { readonly end: Pick<MaintenanceTable, 'status' | 'error' | 'reason'>; readonly done?: T }

/** What it does is told while it lasts, as the loads of a run are. */
async function eachTable<T extends { readonly reason: string | null }>(
  kind: 'optimize' | 'vacuum',
  { tables, dryRun, signal }: EachOptions,
  work: TableWork,
  act: Act<T>,
): Promise<readonly Ended<T>[]> {
  const { clock } = work
  await using notes = new ActivityNotes(work.tracker, work.owner.id)
  const busy = () => skipped('another process is working on the table')
  return await withHeartbeat(work, async () => {
    const all: Ended<T>[] = []
    for (const table of selectTables(work.config.tables, tables)) {
      const startedMs = clock.now()
      const attempt = async () => {
        if (dryRun !== true) notes.event({ kind: 'maintaining', table: table.name, work: kind })
        return attempted(table, act, signal)
      }
      // A dry run changes nothing, and may look while others load.
      const { end, ...done } = await (dryRun ? attempt() : leased(table, work, attempt, busy))
      notes.ended(table.name)
      all.push({ ...done, end: { table: table.name, ...end, seconds: Math.round(clock.now() - startedMs) / 1000 } })
    }
    return all
  })
}

async function attempted<T extends { readonly reason: string | null }>(
  table: TableConfig,
  act: Act<T>,
  signal: AbortSignal | undefined,
): Promise<Outcome<T>> {
  if (signal?.aborted) return skipped('interrupted')
  const [unsupported] = table.unsupported
  if (unsupported) return failed({ code: 'ING-CONFIG-UNSUPPORTED', ...unsupported })
  try {
    const done = await act(table)
    return { done, end: { status: done.reason === null ? 'pass' : 'skip', error: null, reason: done.reason } }
  } catch (error) {
    return signal?.aborted ? skipped('interrupted') : failed(reportOf(error))
  }
}

function skipped(reason: string): Outcome<never> {
  return { end: { status: 'skip', error: null, reason } }
}

function failed({
  code,
  message,
  hint,
}: {
  readonly code: string
  readonly message: string
  readonly hint: string | null
}): Outcome<never> {
  return { end: { status: 'error', error: { file: null, code, message, hint }, reason: null } }
}
