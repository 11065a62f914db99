import { sql } from 'kysely'
import { hasCome } from './due.ts'
import { inTransaction, type Ledger, nowOf } from './ledger.ts'
import { noteCompleted } from './moves.ts'
import type { CleanUpCounts, CleanUpOutcome, DueCleanUp } from './tracker.ts'

/** How far back a settlement may lie by the clock and still count: clocks are set back. */
const MARGIN_MS = 3_600_000n

/** Loaded files of committed batches above a number, settled since about that time, are due. */
export async function markCleanUp(ledger: Ledger, table: string, above: bigint, sinceMs: number): Promise<void> {
  const since = BigInt(Math.trunc(sinceMs)) - MARGIN_MS
  await inTransaction(ledger, table, (within) =>
    sql`
      update ${sql.table('file')} as f set clean_up_status = 'due', clean_up_attempts = 0, clean_up_next_at = 0, clean_up_path = null,
        clean_up_reason = null
      where f.table_name = ${table} and f.status = 'completed' and f.processing_end_time >= ${since} and f.clean_up_status is null
        and f.batch_id in (select b.batch_id from ${sql.table('batch')} as b
          where b.table_name = ${table} and b.batch_number > ${above} and b.status = 'committed')`.execute(within.db),
  )
}

/** Files whose turn it is, those that were never tried first. */
export async function dueCleanUps(ledger: Ledger, table: string, limit: number): Promise<readonly DueCleanUp[]> {
  const { rows } = await sql<{
    file_path: string
    raw_path: string | null
    file_version: string
    rows_rejected: bigint | null
    clean_up_path: string | null
  }>`
    select f.file_path, f.raw_path, f.file_version, f.rows_rejected, f.clean_up_path from ${sql.table('file')} as f
    where f.clean_up_status in ('due', 'failed') and f.table_name = ${table} and ${hasCome(ledger, sql`f.clean_up_next_at`)}
      and f.status = 'completed'
    order by f.clean_up_next_at, f.file_path limit ${BigInt(limit)}`.execute(ledger.db)
  return rows.map((row) => ({
    path: row.file_path,
    rawPath: row.raw_path,
    version: row.file_version,
    rejected: row.rows_rejected ?? 0n,
    target: row.clean_up_path,
  }))
}

/** Remembers where files are about to be moved, before they are: so that a process that dies meanwhile is followed. */
export async function planCleanUp(
  ledger: Ledger,
  table: string,
  files: readonly { readonly path: string; readonly target: string }[],
): Promise<void> {
  if (files.length === 0) return
  const given = ledger.dialect.relation(
    { path: 'text', target: 'text' },
    files.map(({ path, target }) => [path, target]),
  )
  await inTransaction(ledger, table, (within) =>
    sql`
      update ${sql.table('file')} as f set clean_up_path = g.target from ${given} as g
      where f.table_name = ${table} and f.file_path = g.path and f.status = 'completed' and f.clean_up_status in ('due', 'failed')`.execute(
      within.db,
    ),
  )
}

/** What became of files; one that failed is tried again, later each time. Nothing of what is loaded changes. */
export async function settleCleanUp(ledger: Ledger, table: string, outcomes: readonly CleanUpOutcome[]): Promise<void> {
  const ended = outcomes.filter(({ status }) => status !== 'failed')
  const failed = outcomes.filter(({ status }) => status === 'failed')
  const given = (some: readonly CleanUpOutcome[]) =>
    ledger.dialect.relation(
      { path: 'text', version: 'text', status: 'text', target: 'text', reason: 'text', told: 'text' },
      some.map((one) => [one.path, one.version, one.status, one.target, one.reason, told(one)]),
    )
  const where = sql`f.table_name = ${table} and f.file_path = g.path and f.file_version = g.version and f.clean_up_status in ('due', 'failed')`
  await inTransaction(ledger, table, async (within) => {
    if (ended.length > 0)
      await noteCompleted(within, {
        given: given(ended),
        where,
        set: [sql`clean_up_status = g.status, clean_up_path = g.target, clean_up_reason = g.reason, clean_up_next_at = null`],
        reason: sql`g.told`,
      })
    if (failed.length === 0) return
    const { retryBackoff } = within.options
    const delay = sql`${retryBackoff.baseMs} * power(${retryBackoff.factor}, case when f.clean_up_attempts < 100 then f.clean_up_attempts else 100 end)`
    const longest = BigInt(Math.trunc(retryBackoff.maxMs))
    await sql`
      update ${sql.table('file')} as f set clean_up_status = 'failed', clean_up_path = g.target, clean_up_reason = g.reason,
        clean_up_attempts = f.clean_up_attempts + 1,
        clean_up_next_at = ${nowOf(within)} + case when ${delay} > ${longest} then ${longest} else cast(${delay} as bigint) end
      from ${given(failed)} as g where f.status = 'completed' and ${where}`.execute(within.db)
  })
}

function told({ status, target, reason }: CleanUpOutcome): string {
  if (status === 'archived') return `archived as ${target}`
  return status === 'deleted' ? 'deleted at its source' : `left at its source: ${reason}`
}

export async function cleanUpCounts(ledger: Ledger, table: string): Promise<CleanUpCounts> {
  const { rows } = await sql<{ clean_up_status: 'due' | 'failed'; files: bigint }>`
    select f.clean_up_status, count(*) as files from ${sql.table('file')} as f
    where f.clean_up_status in ('due', 'failed') and f.table_name = ${table} and f.status = 'completed' group by 1`.execute(ledger.db)
  const cleaned = await sql`select 1 from ${sql.table('file')} as f
    where f.clean_up_status in ('archived', 'deleted') and f.table_name = ${table} limit 1`.execute(ledger.db)
  const of = (status: string) => Number(rows.find((row) => row.clean_up_status === status)?.files ?? 0n)
  return { due: of('due'), failed: of('failed'), hasCleaned: cleaned.rows.length > 0 }
}
