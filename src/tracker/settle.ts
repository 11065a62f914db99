import { type RawBuilder, sql } from 'kysely'
import type { BatchOutcome, FileOutcome } from '../model/batch.ts'
import { recordExpectations } from './expectations.ts'
import { inTransaction, type Ledger, nowOf } from './ledger.ts'
import { forgetCleanUp, forgetError, forgetResult, type Move, move } from './moves.ts'
import type { BatchRow } from './tracker.ts'

type Of<K extends FileOutcome['kind']> = Extract<FileOutcome, { kind: K }>

/** A batch of one owner; every statement of a settlement is guarded by both. */
interface Held {
  readonly table: string
  readonly owner: string
  readonly batchId: string
  readonly version: bigint | null
}

export async function settle(ledger: Ledger, table: string, owner: string, outcome: BatchOutcome): Promise<boolean> {
  const held = { table, owner, batchId: outcome.batchId, version: outcome.version }
  return inTransaction(ledger, table, async (within) => {
    if (!(await endBatch(within, held, outcome))) return false
    await complete(within, held, outcome.files.filter(isKind('completed')))
    await fail(within, held, outcome.files.filter(isKind('failed')))
    await leaveByReason(within, held, outcome.files.filter(isKind('skipped')), {
      to: 'skipped',
      set: [sql`status_reason = g.reason, processing_end_time = ${nowOf(within)}`, ...forgetError()],
    })
    await leaveByReason(within, held, outcome.files.filter(isKind('released')), {
      to: 'pending',
      set: [sql`status_reason = g.reason`, ...forgetResult()],
    })
    // Passed over by claims until it is approved or has new content.
    await leaveByReason(within, held, outcome.files.filter(isKind('held')), {
      to: 'pending',
      set: [sql`held_reason = g.reason, status_reason = null`, ...forgetResult()],
    })
    await setApart(within, held, outcome.files.filter(isKind('suspect')))
    await releaseRest(within, held)
    await recordExpectations(within, held, outcome.expectations)
    return true
  })
}

function isKind<K extends FileOutcome['kind']>(kind: K) {
  return (outcome: FileOutcome): outcome is Of<K> => outcome.kind === kind
}

/** False when the batch is not this owner's any more; nothing else may change then. */
async function endBatch(ledger: Ledger, held: Held, outcome: BatchOutcome): Promise<boolean> {
  const loaded = outcome.files.reduce((sum, file) => (file.kind === 'completed' ? sum + file.rows.loaded : sum), 0n)
  const { numUpdatedRows } = await ledger.db
    .updateTable('batch')
    .set({
      status: endOf(outcome),
      table_version: outcome.version,
      rows_loaded: loaded,
      bytes: outcome.bytes,
      ended_at: nowOf(ledger),
      lease_owner: null,
      lease_expires_at: null,
    })
    .where('batch_id', '=', held.batchId)
    .where('table_name', '=', held.table)
    .where('status', '=', 'processing')
    .where('lease_owner', '=', held.owner)
    .executeTakeFirstOrThrow()
  return numUpdatedRows === 1n
}

function endOf(outcome: BatchOutcome): BatchRow['status'] {
  if (outcome.version !== null) return 'committed'
  return outcome.files.some(({ kind }) => kind !== 'released' && kind !== 'suspect') ? 'empty' : 'released'
}

/** Moves files that the batch still holds: those that `given` has by their path, or all that are left. */
async function leave(
  ledger: Ledger,
  held: Held,
  change: Pick<Move, 'to' | 'given' | 'set' | 'reason'> & { readonly where?: RawBuilder<unknown> },
): Promise<void> {
  const which = change.where === undefined ? sql`` : sql`and ${change.where}`
  const holds = sql`f.lease_owner = ${held.owner} and f.batch_id = ${held.batchId} and f.table_name = ${held.table} ${which}`
  await move(ledger, {
    ...change,
    from: ['processing'],
    where: change.given === undefined ? holds : sql`${holds} and f.file_path = g.path`,
    set: [sql`lease_owner = null`, ...change.set],
    batchId: held.batchId,
  })
}

async function complete(ledger: Ledger, held: Held, files: readonly Of<'completed'>[]): Promise<void> {
  if (files.length === 0) return
  const given = ledger.dialect.relation(
    { path: 'text', read: 'integer', loaded: 'integer', rejected: 'integer', filtered: 'integer', deduplicated: 'integer' },
    files.map(({ path, rows }) => [path, rows.read, rows.loaded, rows.rejected, rows.filtered, rows.deduplicated]),
  )
  await leave(ledger, held, {
    to: 'completed',
    given,
    set: [
      sql`rows_read = g.read, rows_loaded = g.loaded, rows_rejected = g.rejected, rows_filtered = g.filtered`,
      sql`rows_deduplicated = g.deduplicated, bytes = f.file_size, table_version = ${held.version}`,
      sql`processing_end_time = ${nowOf(ledger)}, status_reason = null, replaces = null`,
      ...forgetError(),
      forgetCleanUp(),
    ],
    reason: sql`null`,
  })
}

async function fail(ledger: Ledger, held: Held, files: readonly Of<'failed'>[]): Promise<void> {
  if (files.length === 0) return
  const given = ledger.dialect.relation(
    { path: 'text', code: 'text', class: 'text', message: 'text', later: 'integer', in_group: 'text' },
    files.map(({ path, error, group }) => [
      path,
      error.code,
      error.errorClass,
      error.message,
      error.retry === 'later' ? 1n : 0n,
      group ?? null,
    ]),
  )
  await leave(ledger, held, {
    to: 'failed',
    given,
    set: [
      sql`error_code = g.code, error_class = g.class, error_message = g.message, next_attempt_at = ${nextAttempt(ledger)}`,
      sql`processing_end_time = ${nowOf(ledger)}, suspect_group = coalesce(g.in_group, f.suspect_group)`,
      sql`status_reason = case when f.replaces = 1 then ${'the table still has the rows of its earlier content'} end`,
    ],
    reason: sql`g.message`,
  })
}

/** Waits longer each time; null when no automatic retry is left, or when the content itself is wrong. */
function nextAttempt(ledger: Ledger): RawBuilder<unknown> {
  const { retryAttempts, retryBackoff } = ledger.options
  const delay = sql`${retryBackoff.baseMs} * power(${retryBackoff.factor}, case when f.retry_count < 100 then f.retry_count else 100 end)`
  const longest = BigInt(Math.trunc(retryBackoff.maxMs))
  return sql`case when g.later = 1 and f.retry_count < ${retryAttempts}
    then ${nowOf(ledger)} + case when ${delay} > ${longest} then ${longest} else cast(${delay} as bigint) end end`
}

async function leaveByReason(
  ledger: Ledger,
  held: Held,
  files: readonly { readonly path: string; readonly reason: string }[],
  change: Pick<Move, 'to' | 'set'>,
): Promise<void> {
  if (files.length === 0) return
  const given = ledger.dialect.relation(
    { path: 'text', reason: 'text' },
    files.map(({ path, reason }) => [path, reason]),
  )
  await leave(ledger, held, { ...change, given, reason: sql`g.reason` })
}

/** Attempts of a file that was alone are counted; the first one is of no account, since its process may have ended for any reason. */
async function setApart(ledger: Ledger, held: Held, files: readonly Of<'suspect'>[]): Promise<void> {
  if (files.length === 0) return
  const given = ledger.dialect.relation(
    { path: 'text', in_group: 'text', reason: 'text', attempt: 'integer', code: 'text', class: 'text', message: 'text' },
    files.map(({ path, group, reason, alone }) => [
      path,
      group,
      reason,
      alone === null ? 0n : 1n,
      ...(alone === null ? [null, null, null] : [alone.code, alone.errorClass, alone.message]),
    ]),
  )
  await leave(ledger, held, {
    to: 'failed',
    given,
    where: sql`g.attempt = 1 and f.suspect_group is not null and f.retry_count >= ${ledger.options.retryAttempts}`,
    set: [
      sql`error_code = g.code, error_class = g.class, error_message = g.message, next_attempt_at = null`,
      sql`processing_end_time = ${nowOf(ledger)}, status_reason = null`,
    ],
    reason: sql`g.message`,
  })
  await leave(ledger, held, {
    to: 'pending',
    given,
    set: [sql`suspect_group = g.in_group, retry_count = f.retry_count + g.attempt, status_reason = g.reason`, ...forgetResult()],
    reason: sql`g.reason`,
  })
}

/** What the outcome does not name was not loaded: it waits for the next batch. */
async function releaseRest(ledger: Ledger, held: Held): Promise<void> {
  const reason = 'its batch ended without it'
  const set = [sql`status_reason = ${reason}`, ...forgetResult()]
  await leave(ledger, held, { to: 'pending', set, reason: sql`${reason}` })
}
