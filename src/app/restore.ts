import type { ResolvedConfig } from '../config/config.ts'
import { ConfigError, UnavailableError } from '../errors/errors.ts'
import type { Clock } from '../lib/clock.ts'
import type { RestoreReport } from '../model/report.ts'
import type { TableConfig } from '../model/table.ts'
import type { Owner } from '../pipeline/recover.ts'
import { previewRestore, type Restored, type RestorePass, restoreTable, type WantedRestore } from '../pipeline/restore-table.ts'
import type { Tracker } from '../tracker/tracker.ts'
import type { RestoreOptions } from './ingest.ts'
import type { LoadProcess } from './load-process.ts'
import { oneTable } from './select-tables.ts'
import { versionAt } from './table-point.ts'

export interface RestoreWork {
  readonly config: ResolvedConfig
  readonly owner: Owner
  readonly clock: Clock
  readonly leaseMs: number
  readonly worker: LoadProcess
  readonly tracker: Tracker
}

/** Makes a table what it was at an older version, under the lease that loads hold. */
export async function restore(name: string, options: RestoreOptions, work: RestoreWork): Promise<RestoreReport> {
  const { table, wanted } = wantedOf(name, options, work.config)
  const { tracker, owner } = work
  if (!(await tracker.lockTable(table.name, owner.id, owner.isAlive))) {
    throw new UnavailableError('ING-TABLE-BUSY', `another process is working on ${table.name}`, { hint: 'wait for it, and restore again' })
  }
  const heartbeat = setInterval(() => void tracker.renew(owner.id).catch(() => undefined), work.leaseMs / 3)
  try {
    return reportOf(table, wanted, await restoreTable(passOf(table, work, work.worker), wanted), false)
  } finally {
    clearInterval(heartbeat)
    await tracker.unlockTable(table.name, owner.id)
  }
}

/** What a restore would do. `tracker` is a private copy, and nothing is changed. */
export async function dryRestore(name: string, options: RestoreOptions, work: RestoreWork): Promise<RestoreReport> {
  const { table, wanted } = wantedOf(name, options, work.config)
  // Clean-up is a change, too.
  const looking = { ...work.worker, recover: work.worker.inspect }
  return reportOf(table, wanted, await previewRestore(passOf(table, work, looking), wanted), true)
}

function wantedOf(name: string, options: RestoreOptions, config: ResolvedConfig) {
  const table = oneTable(config.tables, name)
  const { at, files, fromVersion } = options
  const wanted: WantedRestore = { at: versionAt(at), files, from: fromVersion === undefined ? undefined : BigInt(fromVersion) }
  const [unsupported] = table.unsupported
  if (unsupported) throw new ConfigError('ING-CONFIG-UNSUPPORTED', unsupported.message, [], { hint: unsupported.hint })
  return { table, wanted }
}

function passOf(table: TableConfig, { tracker, owner, clock }: RestoreWork, worker: RestorePass['worker']): RestorePass {
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
