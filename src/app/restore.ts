import type { ResolvedConfig } from '../config/config.ts'
import type { RestoreReport } from '../model/report.ts'
import type { TableConfig } from '../model/table.ts'
import { previewRestore, type Restored, type RestorePass, restoreTable, type WantedRestore } from '../pipeline/restore-table.ts'
import type { RestoreOptions } from './ingest.ts'
import { runnableTable } from './select-tables.ts'
import { versionAt } from './table-point.ts'
import { leasedAlone, type TableWork } from './table-work.ts'

/** Makes a table what it was at an older version, under the lease that loads hold. */
export async function restore(name: string, options: RestoreOptions, work: TableWork): Promise<RestoreReport> {
  const { table, wanted } = wantedOf(name, options, work.config)
  const restored = await leasedAlone(table, 'restore', work, () => restoreTable(passOf(table, work, work.worker), wanted))
  return reportOf(table, wanted, restored, false)
}

/** What a restore would do. `tracker` is a private copy, and nothing is changed. */
export async function dryRestore(name: string, options: RestoreOptions, work: TableWork): Promise<RestoreReport> {
  const { table, wanted } = wantedOf(name, options, work.config)
  // Clean-up is a change, too.
  const looking = { ...work.worker, recover: work.worker.inspect }
  return reportOf(table, wanted, await previewRestore(passOf(table, work, looking), wanted), true)
}

function wantedOf(name: string, options: RestoreOptions, config: ResolvedConfig) {
  const table = runnableTable(config.tables, name)
  const { at, files, fromVersion } = options
  const wanted: WantedRestore = { at: versionAt(at), files, from: fromVersion === undefined ? undefined : BigInt(fromVersion) }
  return { table, wanted }
}

function passOf(table: TableConfig, { tracker, owner, clock }: TableWork, worker: RestorePass['worker']): RestorePass {
  return { table, tracker, owner, clock, worker }
}

function reportOf(table: TableConfig, wanted: WantedRestore, { plan, moves, committed }: Restored, isDryRun: boolean): RestoreReport {
  return {
    table: table.name,
    dry_run: isDryRun,
    from_version: Number(plan.from),
    to_version: Number(plan.to),
    version: committed === null ? null : Number(committed.version),
    batch: committed === null ? null : Number(committed.batch.number),
    batch_id: committed?.batch.id ?? null,
    files_added: Number(plan.added.files),
    bytes_added: Number(plan.added.bytes),
    files_removed: Number(plan.removed.files),
    bytes_removed: Number(plan.removed.bytes),
    files: {
      pending: wanted.files === 'pending' ? moves.undone : 0,
      skipped: wanted.files === 'skipped' ? moves.undone : 0,
      completed: moves.completed,
    },
  }
}
