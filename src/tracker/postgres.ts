import type { Clock } from '../lib/clock.ts'
import type { Ledger } from './ledger.ts'
import { ServerClock } from './postgres/clock.ts'
import { openPostgres, type PostgresPlace, trackerName } from './postgres/open.ts'
import { postgresDialect } from './postgres/rows.ts'
import { transactions } from './postgres/transact.ts'
import { sqlTracker } from './sql-tracker.ts'
import type { Tracker, TrackerOptions } from './tracker.ts'

/** How long a server that restarts, or is taken over by another, is waited for; a lease is longer. */
const WAIT_MS = 30_000

export interface PostgresTrackerOptions extends Omit<PostgresPlace, 'newId'> {
  readonly trackerOptions: TrackerOptions
  /** Time of another kind than that of the server, which all that share a tracker have in common. */
  readonly clock?: Clock | undefined
  /** The uuid of a tracker that is made; a new one when left out. */
  readonly id?: string | undefined
  /** How long a call tries again while the server is away before it fails with `ING-TRACKER-UNREACHABLE`; half a minute when left out. */
  readonly waitMs?: number | undefined
}

export async function openPostgresTracker(options: PostgresTrackerOptions): Promise<Tracker> {
  const { ledger, id } = await openPostgresLedger(options)
  return sqlTracker(ledger, id, () => ledger.db.destroy())
}

/** What the parts of a tracker work with. */
export async function openPostgresLedger(options: PostgresTrackerOptions): Promise<{ readonly ledger: Ledger; readonly id: string }> {
  const { db, id, patience, nowMs } = await openPostgres({ ...options, newId: options.id }, options.waitMs ?? WAIT_MS)
  const server = options.clock === undefined ? new ServerClock() : undefined
  server?.told(nowMs)
  const transact = transactions({ patience, name: trackerName(options), clock: server })
  const clock = server ?? options.clock ?? new ServerClock()
  return { ledger: { db, dialect: postgresDialect, clock, options: options.trackerOptions, transact }, id }
}
