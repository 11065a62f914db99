import { type RawBuilder, sql } from 'kysely'
import type { Manifest } from '../model/manifest.ts'
import { recordExpectations } from './expectations.ts'
import { recordAdmitted } from './history.ts'
import { inTransaction, type Ledger, nowOf } from './ledger.ts'
import { loadsOf, takeLoad } from './loaded.ts'
import { completeByLog } from './moves.ts'
import { countResubmitted } from './resubmitted.ts'
import { unloadFiles } from './unloaded.ts'

const REASON = "found in the table's log"

/** The log outranks the tracker: what a committed batch holds is completed, and its content is never loaded again. */
export async function adoptManifest(ledger: Ledger, manifest: Manifest, version: bigint | null): Promise<boolean> {
  return inTransaction(ledger, manifest.table, async (within) => {
    if (!(await adoptBatch(within, manifest, version))) return false
    await recordExpectations(within, manifest, manifest.expectations)
    if (manifest.resubmit !== undefined) await countResubmitted(within, manifest, manifest.resubmit)
    await unloadFiles(within, manifest)
    if (manifest.files.length === 0) return true
    const { batchId, files } = manifest
    const given = loadsOf(
      within,
      files.map((file) => ({ ...file, batchId })),
    )
    await adoptKnown(within, manifest, version, given)
    await adoptUnknown(within, manifest, version, given)
    return true
  })
}

/** «Already committed» means the same batch id: a restored tracker may know the number under another one. */
export async function adoptBatch(ledger: Ledger, manifest: Manifest, version: bigint | null): Promise<boolean> {
  const committed = {
    status: 'committed',
    table_version: version,
    lease_owner: null,
    lease_expires_at: null,
    bytes: manifest.files.reduce((sum, file) => sum + file.size, 0n),
    rows_loaded: [...manifest.files, ...(manifest.resubmit?.files ?? [])].reduce((sum, file) => sum + file.rows.loaded, 0n),
    ended_at: nowOf(ledger),
  } as const
  const created = Date.parse(manifest.createdAt)
  const { numInsertedOrUpdatedRows } = await ledger.db
    .insertInto('batch')
    .values({
      batch_id: manifest.batchId,
      table_name: manifest.table,
      batch_number: manifest.batch,
      files: BigInt(manifest.files.length),
      started_at: Number.isNaN(created) ? nowOf(ledger) : BigInt(created),
      ...committed,
    })
    .onConflict((conflict) => conflict.column('batch_id').doUpdateSet(committed).where('batch.status', '<>', 'committed'))
    .executeTakeFirstOrThrow()
  return numInsertedOrUpdatedRows === 1n
}

/** A later batch's load of the same path stays: manifests may come in any order. */
async function adoptKnown(ledger: Ledger, manifest: Manifest, version: bigint | null, given: RawBuilder<unknown>): Promise<void> {
  await completeByLog(ledger, {
    given,
    where: sql`f.table_name = ${manifest.table} and f.file_path = g.path and not (f.status = 'completed' and (
      f.file_version = g.version or exists (
        select 1 from ${sql.table('batch')} as b where b.batch_id = f.batch_id and b.batch_number > ${manifest.batch})))`,
    set: takeLoad(ledger, sql`${version}`),
    reason: sql`${REASON}`,
    version: sql`g.version`,
    batchId: manifest.batchId,
  })
}

async function adoptUnknown(ledger: Ledger, manifest: Manifest, version: bigint | null, given: RawBuilder<unknown>): Promise<void> {
  const now = nowOf(ledger)
  const { rows } = await sql<{ id: bigint }>`
    insert into ${sql.table('file')} (
      table_name, file_path, raw_path, file_version, file_size, file_modified_ns, unit, status, retry_count, created_at, updated_at,
      rows_read, rows_loaded, rows_rejected, rows_filtered, rows_deduplicated, bytes, table_version, batch_id, processing_end_time)
    select ${manifest.table}, g.path, g.raw_path, g.version, g.size, g.modified_ns, g.unit, 'completed', 0, ${now}, ${now},
      g.read, g.loaded, g.rejected, g.filtered, g.deduplicated, g.size, ${version}, g.batch_id, ${now}
    from ${given} as g where true
    on conflict (table_name, file_path) do nothing returning id`.execute(ledger.db)
  await recordAdmitted(
    ledger,
    rows.map(({ id }) => id),
    REASON,
  )
}
