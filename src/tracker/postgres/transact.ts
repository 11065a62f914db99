import { type Kysely, sql } from 'kysely'
import { ALL_TABLES, type Ledger, ROWS, type Scope } from '../ledger.ts'
import type { Database } from '../schema.ts'
import type { ServerClock } from './clock.ts'
import { isForAWhile } from './errors.ts'
import { type Patience, retrying } from './pool.ts'

/** A transaction whose process stands still gives its locks up after so long. */
const IDLE_MS = 60_000

export interface TransactParts {
  readonly patience: Patience
  /** Names the tracker among those of its server. */
  readonly name: string
  /** Told what the server's clock says; left out where time comes from elsewhere. */
  readonly clock: ServerClock | undefined
}

interface Begun {
  readonly xid: string
  readonly ms: bigint
}

/**
 * Transactions that the connection broke in are begun anew. Where it broke in the commit the server is asked what became of it, so that nothing is
 * done twice.
 */
export function transactions({ patience, name, clock }: TransactParts): NonNullable<Ledger['transact']> {
  return (ledger, scope, work) =>
    retrying(patience, async () => {
      let done: { readonly xid: string; readonly result: Awaited<ReturnType<typeof work>> } | undefined
      try {
        return await ledger.db.transaction().execute(async (db) => {
          const { xid, ms } = await begin(db, name, scope)
          clock?.told(Number(ms))
          const result = await work({ ...ledger, db })
          done = { xid, result }
          return result
        })
      } catch (error) {
        if (done !== undefined && isForAWhile(error) && (await isCommitted(ledger.db, done.xid, patience))) return done.result
        throw error
      }
    })
}

/** Locks come first: what the statements behind them see is what was committed until then. */
async function begin(db: Kysely<Database>, name: string, scope: Scope): Promise<Begun> {
  const locks =
    scope === ROWS
      ? sql``
      : scope === ALL_TABLES
        ? sql`pg_advisory_xact_lock(hashtextextended(${name}, 0)),`
        : sql`pg_advisory_xact_lock_shared(hashtextextended(${name}, 0)), pg_advisory_xact_lock(hashtextextended(${`${name}/${scope}`}, 1)),`
  const { rows } = await sql<Begun>`
    select ${locks} set_config('idle_in_transaction_session_timeout', ${String(IDLE_MS)}, true),
      pg_current_xact_id()::text as xid, cast(extract(epoch from clock_timestamp()) * 1000 as bigint) as ms`.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('the server did not say what time it is')
  return row
}

/** A commit that is still going on is waited for. Of a server that took over and never heard of it there is no such transaction. */
async function isCommitted(db: Kysely<Database>, xid: string, patience: Patience): Promise<boolean> {
  const end = performance.now() + patience.ms
  for (;;) {
    const { rows } = await sql<{ status: string | null }>`
      select case when ${xid}::xid8 < pg_snapshot_xmax(pg_current_snapshot()) then pg_xact_status(${xid}::xid8) end as status`.execute(db)
    const status = rows[0]?.status
    if (status !== 'in progress' || performance.now() > end) return status === 'committed'
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
