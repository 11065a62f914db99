import { sql } from 'kysely'
import type { Ledger } from './ledger.ts'
import { recall, remember } from './notes.ts'
import type { KnownListing } from './tracker.ts'

/** How often files of a table were given another version, and what of its source was known at one of these counts. */
const VERSIONS = 'versions'
const LISTING = 'listing'

export async function knownListing(ledger: Ledger, table: string): Promise<KnownListing> {
  const at = (await recall(ledger, table, VERSIONS)) ?? '0'
  const [count, ...chunks] = ((await recall(ledger, table, LISTING)) ?? '').split(' ')
  return { chunks: count === at ? chunks : [], at }
}

export async function rememberListing(ledger: Ledger, table: string, { chunks, at }: KnownListing): Promise<void> {
  await remember(ledger, table, LISTING, [at, ...chunks].join(' '))
}

/** Belongs to each statement that gives a known file another version. Files never leave the tracker, and new ones change nothing of what is known. */
export async function forgetListing(ledger: Ledger, table: string): Promise<void> {
  await sql`
    insert into ${sql.table('note')} (table_name, key, value) values (${table}, ${VERSIONS}, '1')
    on conflict (table_name, key) do update set value = cast(cast(${sql.ref('note.value')} as bigint) + 1 as text)`.execute(ledger.db)
}
