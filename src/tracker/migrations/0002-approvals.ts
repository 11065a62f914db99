import type { Kysely } from 'kysely'
import type { Database } from '../schema.ts'

/** The version of a file that may load whatever the guard says. */
export async function addApprovals(db: Kysely<Database>): Promise<void> {
  await db.schema.alterTable('file').addColumn('approved_version', 'text').execute()
}
