import { type Kysely, sql } from 'kysely'
import type { Database } from '../schema.ts'

/** Whether a load replaces rows, and what becomes of a loaded file at its source. */
export async function addCleanUp(db: Kysely<Database>): Promise<void> {
  await db.schema.alterTable('file').addColumn('replaces', 'bigint').execute()
  await db.schema.alterTable('file').addColumn('clean_up_status', 'text').execute()
  await db.schema.alterTable('file').addColumn('clean_up_path', 'text').execute()
  await db.schema.alterTable('file').addColumn('clean_up_reason', 'text').execute()
  await db.schema.alterTable('file').addColumn('clean_up_attempts', 'bigint').execute()
  await db.schema.alterTable('file').addColumn('clean_up_next_at', 'bigint').execute()
  await db.schema
    .createIndex('clean_up')
    .on('file')
    .columns(['table_name', 'clean_up_next_at'])
    .where(sql<boolean>`clean_up_status in ('due', 'failed')`)
    .execute()
  await db.schema
    .createIndex('cleaned_up')
    .on('file')
    .columns(['table_name'])
    .where(sql<boolean>`clean_up_status in ('archived', 'deleted')`)
    .execute()
}
