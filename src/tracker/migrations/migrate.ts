import { type Kysely, type Migration, Migrator } from 'kysely'
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

/** Brings the tracker up to date; the caller holds the write lock, so that all of it happens or nothing. */
export async function migrate(db: Kysely<Database>, dialect: TrackerDialect): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => listed(dialect) },
    migrationTableName: 'tracker_migration',
    migrationLockTableName: 'tracker_migration_lock',
  })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) throw error
}

function listed(dialect: TrackerDialect): Record<string, Migration> {
  return Object.fromEntries(Object.entries(MIGRATIONS).map(([name, up]) => [name, { up: (db: Kysely<Database>) => up(db, dialect) }]))
}
