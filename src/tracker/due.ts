import { type RawBuilder, sql } from 'kysely'
import { type Ledger, leaseEnd, nowOf } from './ledger.ts'
import type { DueWork } from './tracker.ts'

/** Clocks that many machines keep differ by less. */
const SLACK_MS = 10_000

/** From when on a planned time is further off than any is planned: the clock was set back since. */
function beyond(ledger: Ledger): bigint {
  return nowOf(ledger) + BigInt(Math.trunc(ledger.options.retryBackoff.maxMs) + SLACK_MS)
}

/** Whether the time for another attempt has come. */
export function hasCome(ledger: Ledger, time: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql<boolean>`(${time} <= ${nowOf(ledger)} or ${time} > ${beyond(ledger)})`
}

/** Tables that were never looked at have no row here and nothing to do. Each part is one look into an index. */
export async function dueWork(ledger: Ledger): Promise<readonly DueWork[]> {
  const { rows } = await sql<{
    table_name: string
    pending: bigint
    abandoned: bigint
    next_attempt_at: bigint | null
    clean_up_at: bigint | null
  }>`
    select t.table_name,
      case when exists (select 1 from ${sql.table('file')} as f
        where f.status = 'pending' and f.table_name = t.table_name and f.held_reason is null) then 1 else 0 end as pending,
      case when exists (select 1 from ${sql.table('batch')} as b where b.status = 'processing' and b.table_name = t.table_name
        and (b.lease_expires_at <= ${nowOf(ledger)} or b.lease_expires_at > ${leaseEnd(ledger) + BigInt(SLACK_MS)})) then 1 else 0 end as abandoned,
      (select min(f.next_attempt_at) from ${sql.table('file')} as f
        where f.table_name = t.table_name and f.next_attempt_at is not null) as next_attempt_at,
      (select min(f.clean_up_next_at) from ${sql.table('file')} as f
        where f.clean_up_status in ('due', 'failed') and f.table_name = t.table_name and f.status = 'completed') as clean_up_at
    from ${sql.table('target')} as t`.execute(ledger.db)
  return rows.map((row) => ({
    table: row.table_name,
    pending: Number(row.pending) === 1,
    abandoned: Number(row.abandoned) === 1,
    nextAttemptMs: plannedMs(row.next_attempt_at, ledger),
    nextCleanUpMs: plannedMs(row.clean_up_at, ledger),
  }))
}

function plannedMs(time: bigint | null, ledger: Ledger): number | null {
  if (time === null) return null
  return Number(time > beyond(ledger) ? nowOf(ledger) : time)
}
