import { randomUUID } from 'node:crypto'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { BugError, UnavailableError } from '../../errors/errors.ts'
import { migrate, schemaState } from '../migrations/migrate.ts'
import { TrackerNames } from '../names.ts'
import type { Database } from '../schema.ts'
import { type Patience, type PostgresServer, patientPool, shownServer } from './pool.ts'
import { postgresDialect } from './rows.ts'
import { keepSettled } from './settled.ts'

/** The first with functions that tell what became of a transaction by a number that never comes round. */
const OLDEST = 130_000
/** Whoever has a wrong address wants to know it soon; a server that is just starting is waited for. */
const OPENING_MS = 5000

/** Where a tracker is. */
export interface PostgresPlace extends PostgresServer {
  readonly schema: string
  readonly table: string
  /** The uuid of a tracker that is made; a random one when left out. */
  readonly newId?: string | undefined
}

export interface OpenPostgres {
  readonly db: Kysely<Database>
  readonly id: string
  readonly patience: Patience
  /** What the server's clock said when it was asked. */
  readonly nowMs: number
}

/** Connects, makes or migrates the tables, and reads the tracker's id. `waitMs` is how long it is tried again later, when the server is away. */
export async function openPostgres(place: PostgresPlace, waitMs: number): Promise<OpenPostgres> {
  const { db, patience } = connected(place, Math.min(waitMs, OPENING_MS))
  try {
    const nowMs = await greeted(db, place)
    if (!(await isCurrent(db, place))) await bringUpToDate(db, place)
    const id = await idOf(db)
    patience.ms = waitMs
    return { db, id, patience, nowMs }
  } catch (error) {
    await db.destroy()
    throw error
  }
}

/** Whether there is a tracker; nothing is made. */
export async function isPostgresThere(place: PostgresPlace): Promise<boolean> {
  const { db } = connected(place, OPENING_MS)
  try {
    return await hasTables(db, place)
  } finally {
    await db.destroy()
  }
}

function connected(place: PostgresPlace, waitMs: number): { readonly db: Kysely<Database>; readonly patience: Patience } {
  const patience = { ms: waitMs }
  const pool = patientPool(place, patience)
  const plugins = [new TrackerNames(place.table, place.schema)]
  return { db: new Kysely<Database>({ dialect: new PostgresDialect({ pool }), plugins }), patience }
}

/** Of a server that is new enough; says what time it is there. */
async function greeted(db: Kysely<Database>, { url }: PostgresPlace): Promise<number> {
  const { rows } = await sql<{ version: string; ms: bigint }>`select current_setting('server_version_num') as version,
    cast(extract(epoch from clock_timestamp()) * 1000 as bigint) as ms`.execute(db)
  if (Number(rows[0]?.version ?? 0) >= OLDEST) return Number(rows[0]?.ms ?? 0)
  throw new UnavailableError('ING-TRACKER-UNAVAILABLE', `the tracker ${shownServer(url)} is older than Postgres 13`, {
    hint: 'upgrade the server, or name another in tracker_url',
  })
}

async function hasTables(db: Kysely<Database>, { schema, table }: PostgresPlace): Promise<boolean> {
  const { rows } = await sql`select 1 from pg_tables where schemaname = ${schema} and tablename = ${`${table}_migrations`}`.execute(db)
  return rows.length > 0
}

async function isCurrent(db: Kysely<Database>, place: PostgresPlace): Promise<boolean> {
  if (!(await hasTables(db, place))) return false
  const state = await schemaState(db)
  if (state === 'newer') throw newer(place)
  return state === 'current'
}

/** One process at a time, all or nothing; whoever comes second finds it done. */
async function bringUpToDate(db: Kysely<Database>, place: PostgresPlace): Promise<void> {
  const { schema, table } = place
  await db.transaction().execute(async (within) => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${trackerName(place)}, 0))`.execute(within)
    if (await isCurrent(within, place)) return
    const { rows } = await sql`select 1 from pg_namespace where nspname = ${schema}`.execute(within)
    // The right to make schemas is asked for even where there is nothing to make.
    if (rows.length === 0) await within.schema.createSchema(schema).execute()
    await migrate(within, postgresDialect)
    await keepSettled(within, schema, table)
    await indexNewest(within, place)
    await within
      .insertInto('meta')
      .values({ key: 'tracker_id', value: place.newId ?? randomUUID() })
      .onConflict((conflict) => conflict.column('key').doNothing())
      .execute()
  })
}

/** Files without an end come last, which is no order of the index that serves SQLite. */
async function indexNewest(db: Kysely<Database>, { table }: PostgresPlace): Promise<void> {
  await sql`create index if not exists ${sql.id(`${table}_newest`)} on ${sql.table('file')}
    (table_name, status, processing_end_time desc nulls last)`.execute(db)
}

/** Of the advisory locks of its server. */
export function trackerName({ schema, table }: Pick<PostgresPlace, 'schema' | 'table'>): string {
  return `ingestd/${schema}/${table}`
}

async function idOf(db: Kysely<Database>): Promise<string> {
  const row = await db.selectFrom('meta').select('value').where('key', '=', 'tracker_id').executeTakeFirst()
  if (row === undefined) throw new BugError('the tracker has no id')
  return row.value
}

function newer({ url }: PostgresPlace): UnavailableError {
  const server = shownServer(url)
  return new UnavailableError('ING-TRACKER-NEWER', `the tracker ${server} was written by a newer version of ingestd`, {
    hint: 'upgrade ingestd, or use another file_tracker_database',
    context: { tracker: server },
  })
}
