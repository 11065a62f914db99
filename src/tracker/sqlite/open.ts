import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import { Kysely, sql } from 'kysely'
import { BugError, UnavailableError } from '../../errors/errors.ts'
import { migrate, schemaState } from '../migrations/migrate.ts'
import { TrackerNames } from '../names.ts'
import type { Database } from '../schema.ts'
import { TrackerSqliteDialect, whenFree } from './driver.ts'
import { trackerError } from './errors.ts'
import { sqliteDialect } from './rows.ts'
import { keepSettled } from './settled.ts'
import { fixStatistics } from './statistics.ts'

export const IN_MEMORY = ':memory:'

/** Locks that last longer are waited for with the event loop free. */
const BUSY_TIMEOUT_MS = 50
const CACHE_KIB = 32_768

/** Where a tracker is, and how long another process may hold its lock. */
export interface SqlitePlace {
  readonly file: string
  /** What errors call it: the original where `file` is a private copy. */
  readonly shownAs: string
  readonly table: string
  readonly lockWaitMs: number
  /** The uuid of a tracker that is made; a random one when left out. */
  readonly newId?: string | undefined
}

/** Opens the database, makes or migrates its tables, and reads the tracker's id. */
export async function openSqlite(place: SqlitePlace): Promise<{ readonly db: Kysely<Database>; readonly id: string }> {
  const database = await openDatabase(place)
  const db = new Kysely<Database>({
    dialect: new TrackerSqliteDialect({ database, file: place.shownAs, lockWaitMs: place.lockWaitMs }),
    plugins: [new TrackerNames(place.table)],
  })
  try {
    await bringUpToDate(db, database, place)
    return { db, id: await idOf(db) }
  } catch (error) {
    database.close()
    throw trackerError(error, place.shownAs)
  }
}

async function openDatabase({ file, shownAs, lockWaitMs }: SqlitePlace): Promise<BetterSqlite.Database> {
  try {
    if (file !== IN_MEMORY) await mkdir(dirname(file), { recursive: true })
    const database = new BetterSqlite(file, { timeout: BUSY_TIMEOUT_MS })
    try {
      await whenFree(async () => configure(database, shownAs), lockWaitMs)
    } catch (error) {
      database.close()
      throw error
    }
    return database
  } catch (error) {
    throw trackerError(error, shownAs)
  }
}

function configure(database: BetterSqlite.Database, file: string): void {
  try {
    database.defaultSafeIntegers(true)
    database.pragma('journal_mode = WAL')
    // A batch that was settled stays settled through a power cut.
    database.pragma('synchronous = FULL')
    database.pragma(`cache_size = -${CACHE_KIB}`)
  } catch (error) {
    throw trackerError(error, file)
  }
}

/** A tracker that is current, which is the rule, is opened without the write lock. */
async function bringUpToDate(db: Kysely<Database>, database: BetterSqlite.Database, place: SqlitePlace): Promise<void> {
  if (await hasTables(db, place.table)) {
    const state = await schemaState(db)
    if (state === 'newer') throw newer(place.shownAs)
    if (state === 'current') return
  }
  await whenFree(async () => run(database, 'begin immediate', place.shownAs), place.lockWaitMs)
  try {
    await migrate(db, sqliteDialect)
    await db
      .insertInto('meta')
      .values({ key: 'tracker_id', value: place.newId ?? randomUUID() })
      .onConflict((conflict) => conflict.column('key').doNothing())
      .execute()
    keepSettled(database, place.table)
    fixStatistics(database, place.table)
    run(database, 'commit', place.shownAs)
  } finally {
    if (database.inTransaction) run(database, 'rollback', place.shownAs)
  }
}

async function hasTables(db: Kysely<Database>, table: string): Promise<boolean> {
  const { rows } = await sql`select 1 from sqlite_master where type = 'table' and name = ${`${table}_migrations`}`.execute(db)
  return rows.length > 0
}

function run(database: BetterSqlite.Database, statement: string, file: string): void {
  try {
    database.exec(statement)
  } catch (error) {
    throw trackerError(error, file)
  }
}

async function idOf(db: Kysely<Database>): Promise<string> {
  const row = await db.selectFrom('meta').select('value').where('key', '=', 'tracker_id').executeTakeFirst()
  if (row === undefined) throw new BugError('the tracker has no id')
  return row.value
}

function newer(file: string): UnavailableError {
  return new UnavailableError('ING-TRACKER-NEWER', `the tracker ${file} was written by a newer version of ingestd`, {
    hint: 'upgrade ingestd, or use another checkpoint_path',
    context: { file },
  })
}
