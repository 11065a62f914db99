import { sql } from 'kysely'
import type { LoadedFile, RestoreMoves } from '../model/restore.ts'
import { adoptBatch } from './adopt.ts'
import { inTransaction, type Ledger } from './ledger.ts'
import { loadsOf, takeLoad } from './loaded.ts'
import { completeByLog, forgetError, forgetResult, move } from './moves.ts'
import { type AdoptedRestore, type ChangedFilePolicy, loadsChanged } from './tracker.ts'

/**
 * Brings the files to where they stood at the restored version, as far as their rows are concerned. The tracker knows
 * them all: batches before this one were adopted first.
 */
export async function adoptRestore(ledger: Ledger, restore: AdoptedRestore, policy: ChangedFilePolicy): Promise<RestoreMoves | undefined> {
  return inTransaction(ledger, restore.manifest.table, async (within) => {
    if (!(await adoptBatch(within, restore.manifest, restore.version))) return undefined
    return { undone: await reopen(within, restore, policy), completed: await complete(within, restore, policy) }
  })
}

/** Completed files whose rows left the table. */
async function reopen(ledger: Ledger, restore: AdoptedRestore, policy: ChangedFilePolicy): Promise<number> {
  const { table, batchId, restore: point } = restore.manifest
  const gone = restore.files.filter(({ undone, loaded }) => isGone(undone, loaded, policy))
  if (gone.length === 0) return 0
  const reason = reasonOf(restore)
  return move(ledger, {
    from: ['completed'],
    to: point.files,
    given: ledger.dialect.relation(
      { path: 'text', version: 'text', replaces: 'integer' },
      // The rows of its older content are in the table again.
      gone.map(({ path, undone, loaded }) => [path, undone, policy === 'replace' && loaded !== null ? 1n : null]),
    ),
    where: sql`f.table_name = ${table} and f.file_path = g.path and f.file_version = g.version`,
    set: [sql`retry_count = 0, status_reason = ${reason}, replaces = g.replaces`, ...forgetResult(), ...forgetError()],
    reason: sql`${reason}`,
    batchId,
  })
}

/** Where the rows of an older content are in force again, the newer one waits only if new content is loaded at all. */
function isGone(undone: string | null, loaded: LoadedFile | null, policy: ChangedFilePolicy): boolean {
  return undone !== null && (loaded === null || (loadsChanged(policy) && loaded.version !== undone))
}

/** Files whose rows are in the table: those of a batch that is in force again, or of an earlier load than the one that was undone. */
async function complete(ledger: Ledger, restore: AdoptedRestore, policy: ChangedFilePolicy): Promise<number> {
  const { table } = restore.manifest
  const loaded = restore.files.flatMap((file) => file.loaded ?? [])
  if (loaded.length === 0) return 0
  // New content that is to be loaded stays what it is; else the path stands for what the table holds of it.
  const isSame = loadsChanged(policy) ? sql`f.file_version = g.version` : sql`true`
  return completeByLog(ledger, {
    given: loadsOf(ledger, loaded),
    where: sql`f.table_name = ${table} and f.file_path = g.path and ${isSame}
      and not (f.status = 'completed' and f.file_version = g.version and f.batch_id = g.batch_id and f.rows_loaded = g.loaded
        and f.rows_rejected = g.rejected)`,
    set: takeLoad(ledger, sql`(select b.table_version from ${sql.table('batch')} as b where b.batch_id = g.batch_id)`),
    reason: sql`${reasonOf(restore)}`,
    version: sql`g.version`,
    batchId: restore.manifest.batchId,
  })
}

function reasonOf({ manifest }: AdoptedRestore): string {
  return `the table was restored to version ${manifest.restore.version}`
}
