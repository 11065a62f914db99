import type { Kysely } from 'kysely'
import type { Database } from '../schema.ts'

/** What the rules of a table found: a row for each rule and batch, and one for each file that broke it. */
export async function createExpectations(db: Kysely<Database>): Promise<void> {
  await db.schema
    .createTable('expectation')
    .addColumn('table_name', 'text', (column) => column.notNull())
    .addColumn('batch_id', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('on_violation', 'text', (column) => column.notNull())
    .addColumn('file_path', 'text')
    .addColumn('checked', 'bigint')
    .addColumn('violated', 'bigint', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .execute()
  await db.schema.createIndex('expectation_by_batch').on('expectation').columns(['batch_id']).execute()
  await db.schema.createIndex('expectation_by_file').on('expectation').columns(['table_name', 'file_path']).execute()
}
