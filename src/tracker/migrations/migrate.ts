import type { Kysely } from 'kysely'
import type { TrackerDialect } from '../ledger.ts'
import type { Database } from '../schema.ts'
import { createFiles } from './0001-files.ts'
import { addApprovals } from './0002-approvals.ts'
import { indexRejected } from './0003-rejected.ts'
import { createExpectations } from './0004-expectations.ts'
import { createActivity } from './0005-activity.ts'
import { addCleanUp } from './0007-clean-up.ts'
import { addSuspects } from './0008-suspects.ts'

const MIGRATIONS: Readonly<Record<string, (db: Kysely<Database>, dialect: TrackerDialect) => Promise<void>>> = {
  '0001-files': createFiles,
  '0002-approvals': addApprovals,
  '0003-rejected': indexRejected,
  '0004-expectations': createExpectations,
  '0005-activity': createActivity,
  '0007-clean-up': addCleanUp,
  '0008-suspects': addSuspects,
}

export type SchemaState = 'current' | 'older' | 'newer'

/** Compares what was applied with what this version knows; `older` also stands for a database that is still empty. */
export async function schemaState(db: Kysely<Database>): Promise<SchemaState> {
  const applied = await db.selectFrom('tracker_migration').select('name').execute()
  if (applied.some(({ name }) => MIGRATIONS[name] === undefined)) return 'newer'
  return applied.length === Object.keys(MIGRATIONS).length ? 'current' : 'older'
}

/** Brings the tracker up to date; the caller has a transaction with the write lock, so that all of it happens or nothing, and once. */
export async function migrate(db: Kysely<Database>, dialect: TrackerDialect): Promise<void> {
  await db.schema
    .createTable('tracker_migration')
    .ifNotExists()
    .addColumn('name', 'varchar(255)', (column) => column.notNull().primaryKey())
    .addColumn('timestamp', 'varchar(255)', (column) => column.notNull())
    .execute()
  const applied = new Set((await db.selectFrom('tracker_migration').select('name').execute()).map(({ name }) => name))
  for (const [name, up] of Object.entries(MIGRATIONS)) {
    if (applied.has(name)) continue
    await up(db, dialect)
    await db.insertInto('tracker_migration').values({ name, timestamp: new Date().toISOString() }).execute()
  }
}
