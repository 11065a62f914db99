import { sql } from 'kysely'
import type { Batch } from '../model/batch.ts'
import type { BatchFile } from '../model/file.ts'
import { inTransaction, type Ledger, leaseEnd, nowOf, ROWS } from './ledger.ts'
import { type SeenRow, seenOf } from './read.ts'
import type { FileTable } from './schema.ts'

export async function lockTable(ledger: Ledger, table: string, owner: string, isAlive: (owner: string) => boolean): Promise<boolean> {
  return inTransaction(ledger, ROWS, async (within) => {
    const held = await within.db
      .selectFrom('target')
      .select(['lock_owner', 'lock_expires_at'])
      .where('table_name', '=', table)
      .executeTakeFirst()
    const other = held?.lock_owner ?? null
    const ended = (held?.lock_expires_at ?? 0n) <= nowOf(within)
    if (other !== null && other !== owner && !ended && isAlive(other)) return false
    const lock = { lock_owner: owner, lock_expires_at: leaseEnd(within) }
    // Guarded by whom was seen, for databases where another may write between the two statements.
    const { numInsertedOrUpdatedRows } = await within.db
      .insertInto('target')
      .values({ table_name: table, ...lock })
      .onConflict((conflict) => conflict.column('table_name').doUpdateSet(lock).where('target.lock_owner', 'is not distinct from', other))
      .executeTakeFirstOrThrow()
    return numInsertedOrUpdatedRows === 1n
  })
}

export async function unlockTable(ledger: Ledger, table: string, owner: string): Promise<void> {
  await inTransaction(ledger, ROWS, ({ db }) =>
    db
      .updateTable('target')
      .set({ lock_owner: null, lock_expires_at: null })
      .where('table_name', '=', table)
      .where('lock_owner', '=', owner)
      .execute(),
  )
}

/** Files have the lease of their batch, so a heartbeat costs a row for each table and batch. */
export async function renew(ledger: Ledger, owner: string): Promise<void> {
  await inTransaction(ledger, ROWS, async (within) => {
    const end = leaseEnd(within)
    await within.db.updateTable('target').set({ lock_expires_at: end }).where('lock_owner', '=', owner).execute()
    await within.db
      .updateTable('batch')
      .set({ lease_expires_at: end })
      .where(sql<boolean>`status = 'processing'`)
      .where('lease_owner', '=', owner)
      .execute()
  })
}

export async function abandoned(ledger: Ledger, table: string, isAlive: (owner: string) => boolean): Promise<readonly Batch[]> {
  const rows = await ledger.db
    .selectFrom('batch')
    .select(['batch_id', 'batch_number', 'lease_owner', 'lease_expires_at'])
    .where(sql<boolean>`status = 'processing'`)
    .where('table_name', '=', table)
    .orderBy('batch_number')
    .execute()
  const gone = rows.filter(
    ({ lease_owner: owner, lease_expires_at: end }) => owner === null || end === null || end <= nowOf(ledger) || !isAlive(owner),
  )
  const batches: Batch[] = []
  for (const row of gone) {
    batches.push({ id: row.batch_id, number: row.batch_number, table, ...(await held(ledger, row.batch_id)) })
  }
  return batches
}

async function held(ledger: Ledger, batchId: string): Promise<Pick<Batch, 'files' | 'suspects'>> {
  const { rows } = await sql<SeenRow & Pick<FileTable, 'ordinal' | 'unit' | 'suspect_group'>>`
    select f.file_path, f.raw_path, f.file_version, f.file_size, f.file_modified_ns, f.ordinal, f.unit, f.suspect_group
    from ${sql.table('file')} as f where f.status = 'processing' and f.batch_id = ${batchId} order by f.ordinal`.execute(ledger.db)
  const files = rows.map((row): BatchFile => ({ ...seenOf(row), ordinal: Number(row.ordinal ?? 0n), unit: row.unit ?? row.file_path }))
  const suspects = rows[0]?.suspect_group ?? undefined
  return suspects === undefined ? { files } : { files, suspects }
}

export async function takeOver(ledger: Ledger, batchId: string, owner: string): Promise<void> {
  await inTransaction(ledger, ROWS, async (within) => {
    await within.db
      .updateTable('batch')
      .set({ lease_owner: owner, lease_expires_at: leaseEnd(within) })
      .where('batch_id', '=', batchId)
      .where('status', '=', 'processing')
      .execute()
    await sql`
      update ${sql.table('file')} as f set lease_owner = ${owner}, updated_at = ${nowOf(within)}
      where f.status = 'processing' and f.batch_id = ${batchId}`.execute(within.db)
  })
}
