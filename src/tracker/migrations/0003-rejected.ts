import { type Kysely, sql } from 'kysely'
import type { Database } from '../schema.ts'

/** Counts rejected rows without a look at the files that have none. */
export async function indexRejected(db: Kysely<Database>): Promise<void> {
  await db.schema
    .createIndex('rejected')
    .on('file')
    .columns(['table_name', 'status', 'rows_rejected'])
    .where(sql<boolean>`rows_rejected > 0`)
    .execute()
}
