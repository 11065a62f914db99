import type { Kysely } from 'kysely'
import type { Database } from '../schema.ts'

/** Files that were in flight together when their load process died, and are tried apart from all others. */
export async function addSuspects(db: Kysely<Database>): Promise<void> {
  await db.schema.alterTable('file').addColumn('suspect_group', 'text').execute()
}
