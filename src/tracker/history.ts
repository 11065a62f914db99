import { sql } from 'kysely'
import { type Ledger, nowOf } from './ledger.ts'
import { isoOf } from './read.ts'
import type { FileEvent } from './tracker.ts'

/** The first event of files that are new to the tracker; later ones are written with each move. */
export async function recordAdmitted(ledger: Ledger, ids: readonly bigint[], reason: string): Promise<void> {
  if (ids.length === 0) return
  const given = ledger.dialect.relation(
    { id: 'integer' },
    ids.map((id) => [id]),
  )
  await sql`
    insert into ${sql.table('event')} (file_id, at, from_status, to_status, file_version, batch_id, reason)
    select f.id, ${nowOf(ledger)}, null, f.status, f.file_version, f.batch_id, ${reason}
    from ${given} as g, ${sql.table('file')} as f where f.id = g.id`.execute(ledger.db)
}

/** Oldest first. */
export async function history(ledger: Ledger, table: string, path: string): Promise<readonly FileEvent[]> {
  const rows = await ledger.db
    .selectFrom('event')
    .innerJoin('file', 'file.id', 'event.file_id')
    .where('file.table_name', '=', table)
    .where('file.file_path', '=', path)
    .select(['event.at', 'event.from_status', 'event.to_status', 'event.file_version', 'event.batch_id', 'event.reason'])
    .orderBy('event.id')
    .execute()
  return rows.map((row) => ({ ...row, at: isoOf(row.at) }))
}
