import { sql } from 'kysely'
import type { FileStatus } from '../model/file.ts'
import { type Ledger, pathsOf } from './ledger.ts'
import { pausedTables } from './pause.ts'
import { isoOf } from './read.ts'
import type { TableCounts } from './tracker.ts'

interface Group {
  readonly table_name: string
  readonly status: FileStatus
  readonly files: bigint
  readonly rows_loaded: bigint | null
  readonly bytes: bigint | null
  readonly ended: bigint | null
}

/** Every table that is asked for gets a row, known or not; without a question, every table that is known. */
export async function counts(ledger: Ledger, tables?: readonly string[]): Promise<readonly TableCounts[]> {
  const among = tables === undefined ? sql`` : sql`where f.table_name in (select g.path from ${pathsOf(ledger, tables)} as g)`
  // One walk along an index that holds all five columns; the files themselves are not read.
  const { rows } = await sql<Group>`
    select f.table_name, f.status, count(*) as files, sum(f.rows_loaded) as rows_loaded, sum(f.bytes) as bytes,
      max(f.processing_end_time) as ended
    from ${sql.table('file')} as f ${among} group by f.table_name, f.status`.execute(ledger.db)
  const rejected = await rejectedRows(ledger)
  const paused = await pausedTables(ledger)
  const names = tables ?? [...new Set(rows.map((row) => row.table_name))].sort()
  const result: TableCounts[] = []
  for (const name of names) {
    const groups = new Map(rows.filter((row) => row.table_name === name).map((row) => [row.status, row]))
    const lastError = groups.has('failed') ? await lastErrorOf(ledger, name) : null
    result.push(countsOf(name, groups, { lastError, paused: paused.has(name), rejected: rejected.get(name) ?? 0 }))
  }
  return result
}

function countsOf(
  table: string,
  groups: ReadonlyMap<FileStatus, Group>,
  more: { readonly lastError: string | null; readonly paused: boolean; readonly rejected: number },
): TableCounts {
  const of = (status: FileStatus) => Number(groups.get(status)?.files ?? 0n)
  const completed = groups.get('completed')
  const ended = completed?.ended ?? null
  return {
    table_name: table,
    pending: of('pending'),
    processing: of('processing'),
    completed: of('completed'),
    failed: of('failed'),
    skipped: of('skipped'),
    rows_loaded: Number(completed?.rows_loaded ?? 0n),
    rows_rejected: more.rejected,
    bytes: Number(completed?.bytes ?? 0n),
    last_loaded_at: ended === null ? null : isoOf(ended),
    last_error: more.lastError,
    paused: more.paused,
  }
}

/** By an index of the few files that have some. */
async function rejectedRows(ledger: Ledger): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ table_name: string; rejected: bigint }>`
    select f.table_name, sum(f.rows_rejected) as rejected from ${sql.table('file')} as f
    where f.rows_rejected > 0 and f.status = 'completed' group by f.table_name`.execute(ledger.db)
  return new Map(rows.map(({ table_name, rejected }) => [table_name, Number(rejected)]))
}

async function lastErrorOf(ledger: Ledger, table: string): Promise<string | null> {
  const { rows } = await sql<{ error_message: string | null }>`
    select f.error_message from ${sql.table('file')} as f where f.status = 'failed' and f.table_name = ${table}
    order by f.processing_end_time desc, f.file_path limit 1`.execute(ledger.db)
  return rows[0]?.error_message ?? null
}
