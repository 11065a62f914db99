import { type RawBuilder, sql } from 'kysely'
import type { FileStatus } from '../model/file.ts'
import { type Ledger, pathsOf } from './ledger.ts'
import { pausedTables } from './pause.ts'
import { isoOf, isoOrNull, tableNames } from './read.ts'
import type { SettledTable } from './schema.ts'
import type { TableCounts } from './tracker.ts'

/** Every table that is asked for gets a row, known or not; without a question, every table that is known. No file of a settled state is read. */
export async function counts(ledger: Ledger, tables?: readonly string[]): Promise<readonly TableCounts[]> {
  const names = tables ?? (await tableNames(ledger))
  const among = sql`select g.path from ${pathsOf(ledger, names)} as g`
  const open = await openFiles(ledger, among)
  const settled = await ledger.db.selectFrom('settled').selectAll().execute()
  const held = await heldFiles(ledger)
  const paused = await pausedTables(ledger)
  const cleanUps = await openCleanUps(ledger)
  const result: TableCounts[] = []
  for (const name of names) {
    const filesIn = (status: FileStatus) => open.find((row) => row.table_name === name && row.status === status)?.files ?? 0n
    const sumsOf = (status: FileStatus) => settled.find((row) => row.table_name === name && row.status === status)
    const failed = Number(filesIn('failed'))
    result.push({
      table_name: name,
      pending: Number(filesIn('pending')),
      held: held.get(name) ?? 0,
      processing: Number(filesIn('processing')),
      ...settledCounts(sumsOf('completed'), sumsOf('skipped')),
      failed,
      last_loaded_at: await lastLoadedAt(ledger, name),
      last_error: failed === 0 ? null : await lastErrorOf(ledger, name),
      waiting_since: await waitingSince(ledger, name),
      next_attempt_at: failed === 0 ? null : await nextAttemptAt(ledger, name),
      paused: paused.has(name),
      clean_ups: cleanUps.get(name) ?? NO_CLEAN_UPS,
    })
  }
  return result
}

function settledCounts(
  completed: SettledTable | undefined,
  skipped: SettledTable | undefined,
): Pick<TableCounts, 'completed' | 'skipped' | 'rows_loaded' | 'rows_rejected' | 'bytes'> {
  return {
    completed: Number(completed?.files ?? 0n),
    skipped: Number(skipped?.files ?? 0n),
    rows_loaded: Number(completed?.rows_loaded ?? 0n),
    rows_rejected: Number(completed?.rows_rejected ?? 0n),
    bytes: Number(completed?.bytes ?? 0n),
  }
}

async function openFiles(ledger: Ledger, among: RawBuilder<unknown>) {
  const { rows } = await sql<{ table_name: string; status: FileStatus; files: bigint }>`
    select f.table_name, f.status, count(*) as files from ${sql.table('file')} as f
    where f.table_name in (${among}) and f.status in ('pending', 'processing', 'failed')
    group by f.table_name, f.status`.execute(ledger.db)
  return rows
}

/** By an index of the few files that are held. */
async function heldFiles(ledger: Ledger): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ table_name: string; files: bigint }>`
    select f.table_name, count(*) as files from ${sql.table('file')} as f
    where f.held_reason is not null and f.status = 'pending' group by f.table_name`.execute(ledger.db)
  return new Map(rows.map(({ table_name, files }) => [table_name, Number(files)]))
}

const NO_CLEAN_UPS: TableCounts['clean_ups'] = { due: 0, failed: 0, last_error: null, next_attempt_at: null }

/** By an index of the files whose source is still to be archived or deleted. */
async function openCleanUps(ledger: Ledger): Promise<ReadonlyMap<string, TableCounts['clean_ups']>> {
  const { rows } = await sql<{ table_name: string; due: bigint; failed: bigint; reason: string | null; next_at: bigint | null }>`
    select f.table_name, sum(case when f.clean_up_status = 'due' then 1 else 0 end) as due,
      sum(case when f.clean_up_status = 'failed' then 1 else 0 end) as failed, max(f.clean_up_reason) as reason,
      min(case when f.clean_up_status = 'failed' then f.clean_up_next_at end) as next_at
    from ${sql.table('file')} as f where f.clean_up_status in ('due', 'failed') and f.status = 'completed'
    group by f.table_name`.execute(ledger.db)
  return new Map(
    rows.map((row) => [
      row.table_name,
      { due: Number(row.due), failed: Number(row.failed), last_error: row.reason, next_attempt_at: isoOrNull(row.next_at) },
    ]),
  )
}

async function lastLoadedAt(ledger: Ledger, table: string): Promise<string | null> {
  const { rows } = await sql<{ ended: bigint | null }>`
    select max(f.processing_end_time) as ended from ${sql.table('file')} as f
    where f.table_name = ${table} and f.status = 'completed'`.execute(ledger.db)
  const ended = rows[0]?.ended ?? null
  return ended === null ? null : isoOf(ended)
}

/** The newest by the index of counts: to sort a million failed files for one would take a while. */
async function lastErrorOf(ledger: Ledger, table: string): Promise<string | null> {
  const { rows } = await sql<{ error_message: string | null }>`
    select f.error_message from ${sql.table('file')} as f where f.status = 'failed' and f.table_name = ${table}
    order by f.processing_end_time desc nulls last, f.file_path limit 1`.execute(ledger.db)
  return rows[0]?.error_message ?? null
}

/** Since when the file waits that is next; a file that is held waits for somebody. */
async function waitingSince(ledger: Ledger, table: string): Promise<string | null> {
  const { rows } = await sql<{ updated_at: bigint }>`
    select f.updated_at from ${sql.table('file')} as f
    where f.status = 'pending' and f.table_name = ${table} and f.held_reason is null
    order by f.file_modified_ns, f.file_path limit 1`.execute(ledger.db)
  return isoOrNull(rows[0]?.updated_at ?? null)
}

async function nextAttemptAt(ledger: Ledger, table: string): Promise<string | null> {
  const { rows } = await sql<{ at: bigint | null }>`
    select min(f.next_attempt_at) as at from ${sql.table('file')} as f
    where f.table_name = ${table} and f.next_attempt_at is not null and f.status = 'failed'`.execute(ledger.db)
  return isoOrNull(rows[0]?.at ?? null)
}
