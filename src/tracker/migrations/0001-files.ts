import { type Kysely, sql } from 'kysely'
import type { TrackerDialect } from '../ledger.ts'
import type { Database } from '../schema.ts'

export async function createFiles(db: Kysely<Database>, dialect: TrackerDialect): Promise<void> {
  await createFileTable(db, dialect)
  await createFileIndexes(db)
  await db.schema
    .createTable('event')
    .addColumn('id', dialect.keyType, (column) => column.primaryKey())
    .addColumn('file_id', 'bigint', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('from_status', 'text')
    .addColumn('to_status', 'text', (column) => column.notNull())
    .addColumn('file_version', 'text', (column) => column.notNull())
    .addColumn('batch_id', 'text')
    .addColumn('reason', 'text')
    .execute()
  await db.schema.createIndex('history_by_file').on('event').columns(['file_id']).execute()
  await createBatchTable(db)
  await createSmallTables(db)
}

async function createFileTable(db: Kysely<Database>, dialect: TrackerDialect): Promise<void> {
  await db.schema
    .createTable('file')
    .addColumn('id', dialect.keyType, (column) => column.primaryKey())
    .addColumn('table_name', 'text', (column) => column.notNull())
    .addColumn('file_path', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) =>
      column.notNull().check(sql`status in ('pending', 'processing', 'completed', 'failed', 'skipped')`),
    )
    .addColumn('file_version', 'text', (column) => column.notNull())
    .addColumn('file_size', 'bigint', (column) => column.notNull())
    .addColumn('file_modified_ns', 'bigint', (column) => column.notNull())
    .addColumn('raw_path', 'text')
    .addColumn('unit', 'text')
    .addColumn('retry_count', 'bigint', (column) => column.notNull())
    .addColumn('next_attempt_at', 'bigint')
    .addColumn('lease_owner', 'text')
    .addColumn('batch_id', 'text')
    .addColumn('ordinal', 'bigint')
    .addColumn('table_version', 'bigint')
    .addColumn('held_reason', 'text')
    .addColumn('status_reason', 'text')
    .addColumn('error_code', 'text')
    .addColumn('error_class', 'text')
    .addColumn('error_message', 'text')
    .addColumn('rows_read', 'bigint')
    .addColumn('rows_loaded', 'bigint')
    .addColumn('rows_rejected', 'bigint')
    .addColumn('rows_filtered', 'bigint')
    .addColumn('rows_deduplicated', 'bigint')
    .addColumn('bytes', 'bigint')
    .addColumn('processing_start_time', 'bigint')
    .addColumn('processing_end_time', 'bigint')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .execute()
}

/** Indexes of one state stay small however many files are completed; `counts` answers the dashboard by itself. */
async function createFileIndexes(db: Kysely<Database>): Promise<void> {
  await db.schema.createIndex('by_path').unique().on('file').columns(['table_name', 'file_path']).execute()
  await db.schema
    .createIndex('pending')
    .on('file')
    .columns(['table_name', 'file_modified_ns', 'file_path'])
    .where(sql<boolean>`status = 'pending'`)
    .execute()
  await db.schema.createIndex('processing').on('file').columns(['batch_id']).where(sql<boolean>`status = 'processing'`).execute()
  await db.schema.createIndex('failed').on('file').columns(['table_name', 'file_path']).where(sql<boolean>`status = 'failed'`).execute()
  await db.schema
    .createIndex('counts')
    .on('file')
    .columns(['table_name', 'status', 'processing_end_time', 'rows_loaded', 'bytes'])
    .execute()
}

/** Not unique by number: a restored tracker may have given a number that the table's log holds under another id. */
async function createBatchTable(db: Kysely<Database>): Promise<void> {
  await db.schema
    .createTable('batch')
    .addColumn('batch_id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('table_name', 'text', (column) => column.notNull())
    .addColumn('batch_number', 'bigint', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('lease_owner', 'text')
    .addColumn('lease_expires_at', 'bigint')
    .addColumn('table_version', 'bigint')
    .addColumn('files', 'bigint', (column) => column.notNull())
    .addColumn('rows_loaded', 'bigint')
    .addColumn('started_at', 'bigint', (column) => column.notNull())
    .addColumn('ended_at', 'bigint')
    .execute()
  await db.schema.createIndex('batch_by_number').on('batch').columns(['table_name', 'batch_number']).execute()
  await db.schema.createIndex('batch_processing').on('batch').columns(['table_name']).where(sql<boolean>`status = 'processing'`).execute()
}

async function createSmallTables(db: Kysely<Database>): Promise<void> {
  await db.schema
    .createTable('target')
    .addColumn('table_name', 'text', (column) => column.primaryKey().notNull())
    .addColumn('lock_owner', 'text')
    .addColumn('lock_expires_at', 'bigint')
    .addColumn('paused', 'bigint', (column) => column.notNull().defaultTo(0))
    .execute()
  await db.schema
    .createTable('note')
    .addColumn('table_name', 'text', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('note_key', ['table_name', 'key'])
    .execute()
  await db.schema
    .createTable('meta')
    .addColumn('key', 'text', (column) => column.primaryKey().notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .execute()
}
