import { type RawBuilder, sql } from 'kysely'
import type { Activity, ActivityNote, DaemonNote, ScheduleNote, TableSchedule, ThroughputMinute } from '../model/activity.ts'
import { inTransaction, type Ledger, nowOf, ROWS } from './ledger.ts'
import { isoOf, isoOrNull } from './read.ts'

/** What is older was left by a process that is gone: those at work tell it every second. */
const FORGOTTEN_MS = 60_000n
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000n

/** In the place of what the owner told before, and of what processes left that are gone. */
export async function noteActivity(ledger: Ledger, owner: string, notes: readonly ActivityNote[]): Promise<void> {
  await inTransaction(ledger, ROWS, async (within) => {
    const now = nowOf(within)
    await within.db
      .deleteFrom('activity')
      .where((eb) => eb.or([eb('owner', '=', owner), eb('updated_at', '<', now - FORGOTTEN_MS)]))
      .execute()
    if (notes.length === 0) return
    await within.db
      .insertInto('activity')
      .values(
        notes.map((note) => ({
          owner,
          table_name: note.table_name,
          stage: note.stage,
          batch_id: note.batch_id,
          files: wholeOf(note.files),
          files_done: wholeOf(note.files_done),
          bytes: wholeOf(note.bytes),
          bytes_done: wholeOf(note.bytes_done),
          rows: wholeOf(note.rows),
          permille: note.fraction === null ? null : wholeOf(note.fraction * 1000),
          started_at: msOf(note.started_at),
          updated_at: now,
        })),
      )
      .execute()
  })
}

/** By table; what processes left that are gone is no part of it. */
export async function activity(ledger: Ledger): Promise<readonly Activity[]> {
  const rows = await ledger.db
    .selectFrom('activity')
    .selectAll()
    .where('updated_at', '>=', nowOf(ledger) - FORGOTTEN_MS)
    .orderBy('table_name')
    .orderBy('owner')
    .execute()
  return rows.map(({ permille, ...row }) => ({
    ...row,
    files: Number(row.files),
    files_done: Number(row.files_done),
    bytes: Number(row.bytes),
    bytes_done: Number(row.bytes_done),
    rows: Number(row.rows),
    fraction: permille === null ? null : Number(permille) / 1000,
    started_at: isoOf(row.started_at),
    updated_at: isoOf(row.updated_at),
  }))
}

export async function noteTable(ledger: Ledger, table: string, note: ScheduleNote): Promise<void> {
  const set = {
    ...(note.last_listed_at === undefined ? {} : { last_listed_at: msOrNull(note.last_listed_at) }),
    ...(note.listing_error === undefined ? {} : { listing_error: note.listing_error }),
    ...(note.next_run_at === undefined ? {} : { next_run_at: msOrNull(note.next_run_at) }),
  }
  if (Object.keys(set).length === 0) return
  await inTransaction(ledger, ROWS, ({ db }) =>
    db
      .insertInto('target')
      .values({ table_name: table, ...set })
      .onConflict((conflict) => conflict.column('table_name').doUpdateSet(set))
      .execute(),
  )
}

export async function schedules(ledger: Ledger): Promise<readonly TableSchedule[]> {
  const rows = await ledger.db
    .selectFrom('target')
    .select(['table_name', 'last_listed_at', 'listing_error', 'next_run_at'])
    .orderBy('table_name')
    .execute()
  return rows.map((row) => ({ ...row, last_listed_at: isoOrNull(row.last_listed_at), next_run_at: isoOrNull(row.next_run_at) }))
}

/** In the place of what is known of this daemon, and of such as ended long ago without a word; null when it ends. */
export async function noteDaemon(ledger: Ledger, owner: string, note: Omit<DaemonNote, 'owner' | 'heartbeat_at'> | null): Promise<void> {
  await inTransaction(ledger, ROWS, async (within) => {
    const { db } = within
    const now = nowOf(within)
    await db
      .deleteFrom('daemon')
      .where((eb) => eb.or([eb('owner', '=', owner), eb('heartbeat_at', '<', now - DAY_MS)]))
      .execute()
    if (note === null) return
    const { pid, started_at: started, version, host, http, state } = note
    const row = { owner, pid: wholeOf(pid), started_at: msOf(started), heartbeat_at: now, version, host, http, state }
    await db.insertInto('daemon').values(row).execute()
  })
}

/** The daemons that share the work, in an order that is the same for all of them. */
export async function peers(ledger: Ledger, withinMs: number): Promise<readonly string[]> {
  const rows = await ledger.db
    .selectFrom('daemon')
    .select('owner')
    .where('state', '=', 'running')
    .where('heartbeat_at', '>=', nowOf(ledger) - BigInt(Math.trunc(withinMs)))
    .execute()
  return rows.map(({ owner }) => owner).sort()
}

/** Those that run first, also such as ended without a word: their heartbeat is old. */
export async function daemons(ledger: Ledger): Promise<readonly DaemonNote[]> {
  const rows = await ledger.db.selectFrom('daemon').selectAll().orderBy('heartbeat_at', 'desc').execute()
  return rows.map((row) => ({
    ...row,
    pid: Number(row.pid),
    started_at: isoOf(row.started_at),
    heartbeat_at: isoOf(row.heartbeat_at),
  }))
}

/** What was committed in each of the last minutes, oldest first; a minute without a commit has no row. */
export async function throughput(ledger: Ledger, minutes: number, tables?: readonly string[]): Promise<readonly ThroughputMinute[]> {
  const now = nowOf(ledger)
  const since = now - (now % BigInt(MINUTE_MS)) - BigInt(MINUTE_MS) * (BigInt(minutes) - 1n)
  const among: RawBuilder<unknown> =
    tables === undefined ? sql`` : sql`and b.table_name in (${sql.join(tables.length === 0 ? [''] : [...tables])})`
  const { rows } = await sql<Record<'minute' | 'batches' | 'files' | 'rows' | 'bytes', bigint> & { table_name: string }>`
    select b.table_name, b.ended_at / ${sql.lit(MINUTE_MS)} as minute, count(*) as batches, sum(b.files) as files,
      sum(coalesce(b.rows_loaded, 0)) as "rows", sum(coalesce(b.bytes, 0)) as bytes
    from ${sql.table('batch')} as b where b.ended_at >= ${since} and b.status = 'committed' ${among}
    group by b.table_name, b.ended_at / ${sql.lit(MINUTE_MS)} order by minute, b.table_name`.execute(ledger.db)
  return rows.map((row) => ({
    table_name: row.table_name,
    minute: isoOf(row.minute * BigInt(MINUTE_MS)),
    batches: Number(row.batches),
    files: Number(row.files),
    rows: Number(row.rows),
    bytes: Number(row.bytes),
  }))
}

function wholeOf(value: number): bigint {
  return BigInt(Math.trunc(value))
}

function msOf(iso: string): bigint {
  return BigInt(Date.parse(iso))
}

function msOrNull(iso: string | null): bigint | null {
  return iso === null ? null : msOf(iso)
}
