import { type RawBuilder, sql } from 'kysely'
import { BugError } from '../errors/errors.ts'
import type { FileStatus } from '../model/file.ts'
import { type Ledger, nowOf } from './ledger.ts'

/** The only ways in which the state of a file changes. */
export const MOVES: Readonly<Record<FileStatus, readonly FileStatus[]>> = {
  pending: ['processing', 'skipped'],
  // Back to pending: the process that held it is gone, or gave it up.
  processing: ['completed', 'failed', 'skipped', 'pending'],
  // By replay, or by a new version that is to be loaded; skipped by unload, or by a restore that leaves it out.
  completed: ['pending', 'skipped'],
  // By an automatic retry that is due, by hand, or by a new version.
  failed: ['pending', 'skipped'],
  skipped: ['pending'],
}

const STATES: readonly FileStatus[] = ['pending', 'processing', 'completed', 'failed', 'skipped']

export interface Move {
  readonly from: readonly FileStatus[]
  readonly to: FileStatus
  /** Which files: a condition on `f` (the file) and `g` (the row of `given` that belongs to it). */
  readonly where: RawBuilder<unknown>
  /** A relation that brings a row for each file; `where` joins it. */
  readonly given?: RawBuilder<unknown>
  /** Further assignments. */
  readonly set: readonly RawBuilder<unknown>[]
  /** Expressions for the history; the version is the file's own unless it is new. */
  readonly reason: RawBuilder<unknown>
  readonly version?: RawBuilder<unknown>
  readonly batchId?: string
}

/**
 * Moves files in one guarded statement and records each move before it, in the transaction of the caller.
 * Returns how many moved.
 */
export async function move(ledger: Ledger, change: Move): Promise<number> {
  for (const from of change.from) {
    if (!MOVES[from].includes(change.to)) throw new BugError(`a file cannot go from ${from} to ${change.to}`)
  }
  return apply(ledger, change)
}

/** The table's log outranks the tracker: what it holds is completed, whatever the tracker thought. */
export async function completeByLog(ledger: Ledger, change: Omit<Move, 'from' | 'to'>): Promise<number> {
  return apply(ledger, { ...change, from: STATES, to: 'completed' })
}

/** New content at a path that is still pending: no move, but the history has the version that was never loaded. */
export async function replacePending(ledger: Ledger, change: Omit<Move, 'from' | 'to'>): Promise<number> {
  return apply(ledger, { ...change, from: ['pending'], to: 'pending' })
}

/** Of completed files that stay so: no move, but the history has what became of their rows. */
export async function noteCompleted(ledger: Ledger, change: Omit<Move, 'from' | 'to'>): Promise<number> {
  return apply(ledger, { ...change, from: ['completed'], to: 'completed' })
}

async function apply(ledger: Ledger, change: Move): Promise<number> {
  if (change.from.length === 0) return 0
  const given = change.given
  const guard = sql`${statusIn(change.from)} and ${change.where}`
  const now = nowOf(ledger)
  await sql`
    insert into ${sql.table('event')} (file_id, at, from_status, to_status, file_version, batch_id, reason)
    select f.id, ${now}, f.status, ${change.to}, ${change.version ?? sql`f.file_version`}, ${change.batchId ?? null}, ${change.reason}
    from ${given === undefined ? sql`` : sql`${given} as g, `}${sql.table('file')} as f
    where ${guard}`.execute(ledger.db)
  const set = sql.join([sql`status = ${change.to}`, sql`updated_at = ${now}`, ...change.set])
  const from = given === undefined ? sql`` : sql`from ${given} as g`
  const result = await sql`update ${sql.table('file')} as f set ${set} ${from} where ${guard}`.execute(ledger.db)
  return Number(result.numAffectedRows ?? 0n)
}

/** Literals, not bound values: an index of one state alone is used only where the state is seen. */
export function statusIn(states: readonly FileStatus[]): RawBuilder<unknown> {
  const [only, ...others] = states
  if (only !== undefined && others.length === 0) return sql`f.status = ${sql.lit(only)}`
  return sql`f.status in (${sql.join(states.map((state) => sql.lit(state)))})`
}

/** Assignments that forget what an earlier version or load of the file left behind. */
export function forgetResult(): readonly RawBuilder<unknown>[] {
  return [
    sql`batch_id = null, ordinal = null, table_version = null, processing_start_time = null, processing_end_time = null`,
    sql`rows_read = null, rows_loaded = null, rows_rejected = null, rows_filtered = null, rows_deduplicated = null, bytes = null`,
  ]
}

/** The same of what became of its source: it stays until there is a new one, or another load. */
export function forgetCleanUp(): RawBuilder<unknown> {
  return sql`clean_up_status = null, clean_up_path = null, clean_up_reason = null, clean_up_attempts = null, clean_up_next_at = null`
}

export function forgetError(): readonly RawBuilder<unknown>[] {
  return [sql`error_code = null, error_class = null, error_message = null, next_attempt_at = null, suspect_group = null`]
}
