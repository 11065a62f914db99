import { type RawBuilder, sql } from 'kysely'
import type { Pruned } from '../model/tracker-report.ts'
import { inTransaction, type Ledger, ROWS } from './ledger.ts'

/** Rows that one transaction takes out, so that nobody waits long. */
const PART = 20_000n

/**
 * Forgets how things came about before a time: moves of files but the last of each, batches that no file names but the newest of
 * each table, and what rules found. Never a file: what is known of a path stays.
 */
export async function prune(ledger: Ledger, beforeMs: number, isDryRun: boolean): Promise<Pruned> {
  const before = BigInt(Math.trunc(beforeMs))
  const events = sql`select e.id as id from ${sql.table('event')} as e where e.at < ${before}
    and exists (select 1 from ${sql.table('event')} as l where l.file_id = e.file_id and l.id > e.id)`
  const found = {
    events: await counted(ledger, events),
    batches: await counted(ledger, namedByNone(before)),
    expectations: await counted(ledger, sql`select 1 as id from ${sql.table('expectation')} as x where x.at < ${before}`),
  }
  if (isDryRun) return found
  while ((await remove(ledger, sql`delete from ${sql.table('event')} where id in (${events} limit ${PART})`)) > 0);
  await remove(ledger, sql`delete from ${sql.table('batch')} where batch_id in (select q.id from (${namedByNone(before)}) as q)`)
  await remove(ledger, sql`delete from ${sql.table('expectation')} where at < ${before}`)
  return found
}

/** One look at the files for all batches: they have no index by batch. */
function namedByNone(before: bigint) {
  return sql`select b.batch_id as id from ${sql.table('batch')} as b
    left join (select distinct f.batch_id from ${sql.table('file')} as f where f.batch_id is not null) as n on n.batch_id = b.batch_id
    where n.batch_id is null and b.status <> 'processing' and coalesce(b.ended_at, b.started_at) < ${before}
    and b.batch_number < (select max(h.batch_number) from ${sql.table('batch')} as h where h.table_name = b.table_name and h.status = b.status)`
}

async function counted({ db }: Ledger, query: RawBuilder<unknown>): Promise<number> {
  const { rows } = await sql<{ rows: bigint }>`select count(*) as rows from (${query}) as q`.execute(db)
  return Number(rows[0]?.rows ?? 0n)
}

async function remove(ledger: Ledger, statement: RawBuilder<unknown>): Promise<number> {
  return inTransaction(ledger, ROWS, async ({ db }) => Number((await statement.execute(db)).numAffectedRows ?? 0n))
}
