import { type Kysely, sql } from 'kysely'
import type { Database } from '../schema.ts'

/** What processes do at the moment, when tables are looked at, and what a dashboard asks for without a walk over all files. */
export async function createActivity(db: Kysely<Database>): Promise<void> {
  await createActivityTable(db)
  await createSettled(db)
  await db.schema
    .createTable('daemon')
    .addColumn('owner', 'text', (column) => column.primaryKey().notNull())
    .addColumn('pid', 'bigint', (column) => column.notNull())
    .addColumn('host', 'text', (column) => column.notNull())
    .addColumn('version', 'text', (column) => column.notNull())
    .addColumn('started_at', 'bigint', (column) => column.notNull())
    .addColumn('heartbeat_at', 'bigint', (column) => column.notNull())
    .addColumn('http', 'text')
    .addColumn('state', 'text', (column) => column.notNull())
    .execute()
  await db.schema.alterTable('target').addColumn('last_listed_at', 'bigint').execute()
  await db.schema.alterTable('target').addColumn('listing_error', 'text').execute()
  await db.schema.alterTable('target').addColumn('next_run_at', 'bigint').execute()
  await db.schema.alterTable('batch').addColumn('bytes', 'bigint').execute()
  await db.schema.createIndex('batch_by_end').on('batch').columns(['ended_at']).execute()
  await db.schema.createIndex('held').on('file').columns(['table_name']).where(sql<boolean>`held_reason is not null`).execute()
  await db.schema
    .createIndex('due')
    .on('file')
    .columns(['table_name', 'next_attempt_at'])
    .where(sql<boolean>`next_attempt_at is not null`)
    .execute()
}

async function createActivityTable(db: Kysely<Database>): Promise<void> {
  await db.schema
    .createTable('activity')
    .addColumn('owner', 'text', (column) => column.notNull())
    .addColumn('table_name', 'text', (column) => column.notNull())
    .addColumn('stage', 'text', (column) => column.notNull())
    .addColumn('batch_id', 'text')
    .addColumn('files', 'bigint', (column) => column.notNull())
    .addColumn('files_done', 'bigint', (column) => column.notNull())
    .addColumn('bytes', 'bigint', (column) => column.notNull())
    .addColumn('bytes_done', 'bigint', (column) => column.notNull())
    .addColumn('rows', 'bigint', (column) => column.notNull())
    .addColumn('permille', 'bigint')
    .addColumn('started_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('activity_key', ['owner', 'table_name'])
    .execute()
}

/** Filled with what is there; from then on the database keeps it. */
async function createSettled(db: Kysely<Database>): Promise<void> {
  await db.schema
    .createTable('settled')
    .addColumn('table_name', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('files', 'bigint', (column) => column.notNull())
    .addColumn('rows_loaded', 'bigint', (column) => column.notNull())
    .addColumn('rows_rejected', 'bigint', (column) => column.notNull())
    .addColumn('bytes', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('settled_key', ['table_name', 'status'])
    .execute()
  await sql`
    insert into ${sql.table('settled')} (table_name, status, files, rows_loaded, rows_rejected, bytes)
    select f.table_name, f.status, count(*), coalesce(sum(f.rows_loaded), 0), coalesce(sum(f.rows_rejected), 0), coalesce(sum(f.bytes), 0)
    from ${sql.table('file')} as f where f.status in ('completed', 'skipped') group by f.table_name, f.status`.execute(db)
}
