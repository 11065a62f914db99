/** What is known of one table's listing; times are milliseconds since the epoch. */
export interface ListingState {
  /** `database.table` */
  readonly table: string
  /** How often it is listed; null where a time of the day decides (cron). */
  readonly periodMs: number | null
  readonly lastListedMs: number | null
  readonly listingError: string | null
  readonly nextRunMs: number | null
  /** Something is done with the table right now: its listing waits for that. */
  readonly busy: boolean
  readonly paused: boolean
}

/** What `/readyz` prints. */
export interface Readiness {
  readonly ready: boolean
  readonly reasons: readonly string[]
}

/** A listing may be late by so many periods, and at least by so long. */
const PERIODS = 3
const GRACE_MS = 60_000

/** A scheduler that has not turned for so long hangs. */
const TURN_MS = 60_000

/** Whether every table that is watched was listed not too long ago. */
export function readiness(tables: readonly ListingState[], nowMs: number): Readiness {
  const reasons = tables.filter(({ paused }) => !paused).flatMap((table) => lateness(table, nowMs) ?? [])
  return { ready: reasons.length === 0, reasons }
}

function lateness({ table, periodMs, lastListedMs, listingError, nextRunMs, busy }: ListingState, nowMs: number): string | undefined {
  if (listingError !== null) return `${table} cannot be listed: ${listingError}`
  if (busy) return undefined
  // Between its times a table of a cron has nothing to be late with.
  if (lastListedMs === null && periodMs !== null) return `${table} has not been listed yet`
  const allowedMs = Math.max(PERIODS * (periodMs ?? 0), GRACE_MS)
  // A large source is listed less often than its period says; then its next listing is known.
  const dueMs = nextRunMs ?? lastListedMs
  if (dueMs === null || nowMs - dueMs <= allowedMs) return undefined
  if (nextRunMs !== null) return `${table} should have been listed at ${new Date(nextRunMs).toISOString()}`
  return `${table} was listed ${Math.round((nowMs - dueMs) / 1000)} s ago, and should be every ${Math.round((periodMs ?? 0) / 1000)} s`
}

/** What `/healthz` prints: that it is answered shows the event loop, `turned_seconds_ago` the scheduler. */
export interface Liveness {
  readonly alive: boolean
  /** Seconds since the scheduler turned. */
  readonly turned_seconds_ago: number
}

export function liveness(turnedAgoMs: number): Liveness {
  return { alive: turnedAgoMs <= TURN_MS, turned_seconds_ago: Math.round(turnedAgoMs / 1000) }
}
