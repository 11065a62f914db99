import { setImmediate } from 'node:timers/promises'
import { sql } from 'kysely'
import type { FileSeen, FileStatus } from '../model/file.ts'
import { recordAdmitted } from './history.ts'
import { type Given, inTransaction, int64, type Ledger, nowOf } from './ledger.ts'
import { forgetListing } from './listing.ts'
import { forgetCleanUp, forgetError, forgetResult, move, replacePending } from './moves.ts'
import { type AdmitResult, type Announce, type ChangedFilePolicy, loadsChanged } from './tracker.ts'

const IGNORED_SHOWN = 100

/** Files that one statement compares, or one transaction writes. SQLite works within this process: whoever asks for its health waits as long. */
const SLICE = 2500

const COLUMNS = { path: 'text', raw_path: 'text', version: 'text', size: 'integer', modified_ns: 'integer' } as const

/** A file of the page that is new, or known with another version. */
interface Differing {
  readonly seen: FileSeen
  /** Null when the tracker does not know the path. */
  readonly status: FileStatus | null
}

interface Admission {
  readonly fresh: readonly FileSeen[]
  readonly other: readonly FileSeen[]
  /** Besides pending. */
  readonly movable: readonly FileStatus[]
  readonly policy: ChangedFilePolicy
}

const NOTHING = { admitted: 0, changed: 0 }

/**
 * A page that is known costs a comparison and no write. What differs is written under the same guards again, so that
 * whatever happened since the comparison is respected.
 */
export async function admit(
  ledger: Ledger,
  table: string,
  page: readonly FileSeen[],
  { policy, announce }: { readonly policy: ChangedFilePolicy; readonly announce: Announce | undefined },
): Promise<AdmitResult> {
  const differing = await differingFiles(ledger, table, page)
  const ignored = loadsChanged(policy) ? [] : differing.filter(({ status }) => status === 'completed').map(({ seen }) => seen.path)
  const movable: readonly FileStatus[] = loadsChanged(policy) ? ['failed', 'skipped', 'completed'] : ['failed', 'skipped']
  const fresh = differing.filter(({ status }) => status === null).map(({ seen }) => seen)
  const other = differing
    .filter(({ status }) => status === 'pending' || (status !== null && movable.includes(status)))
    .map(({ seen }) => seen)
  if (announce && fresh.length + other.length > 0) await announce([...fresh, ...other])
  const written = fresh.length + other.length === 0 ? NOTHING : await write(ledger, table, { fresh, other, movable, policy })
  return {
    ...written,
    known: page.length - written.admitted - written.changed - ignored.length,
    ignored: ignored.slice(0, IGNORED_SHOWN),
    ignoredCount: ignored.length,
    allKnown: differing.length === fresh.length && written.admitted === fresh.length,
  }
}

/** How many of these files a turn would have something to do with. */
export async function unknownCount(ledger: Ledger, table: string, files: readonly FileSeen[]): Promise<number> {
  return (await differingFiles(ledger, table, files)).length
}

async function differingFiles(ledger: Ledger, table: string, page: readonly FileSeen[]): Promise<readonly Differing[]> {
  const differing: Differing[] = []
  for await (const slice of slicesOf(page)) differing.push(...(await differingIn(ledger, table, slice)))
  return differing
}

async function differingIn(ledger: Ledger, table: string, slice: readonly FileSeen[]): Promise<readonly Differing[]> {
  const given = ledger.dialect.relation(
    { position: 'integer', path: 'text', version: 'text' },
    slice.map((seen, index) => [BigInt(index), seen.path, seen.version]),
  )
  const { rows } = await sql<{ position: bigint; status: FileStatus | null }>`
    select g.position, f.status
    from ${given} as g left join ${sql.table('file')} as f on f.table_name = ${table} and f.file_path = g.path
    where f.id is null or f.file_version <> g.version`.execute(ledger.db)
  return rows.flatMap(({ position, status }) => {
    const seen = slice[Number(position)]
    return seen === undefined ? [] : [{ seen, status }]
  })
}

/** New versions first, so that what the next listing passes over is forgotten before anything else changes. */
async function write(ledger: Ledger, table: string, { fresh, other, movable, policy }: Admission): Promise<typeof NOTHING> {
  const written = { admitted: 0, changed: 0 }
  for await (const slice of slicesOf(other)) {
    written.changed += await inTransaction(ledger, table, async (within) => {
      await forgetListing(within, table)
      return admitVersions(within, table, slice, { movable, policy })
    })
  }
  for await (const slice of slicesOf(fresh))
    written.admitted += await inTransaction(ledger, table, (within) => admitFiles(within, table, slice))
  return written
}

async function* slicesOf(files: readonly FileSeen[]): AsyncGenerator<readonly FileSeen[], void, undefined> {
  for (let from = 0; from < files.length; from += SLICE) {
    if (from > 0) await setImmediate()
    yield files.slice(from, from + SLICE)
  }
}

/** A file that is processing stays as it is: its batch compares versions before and after reading. */
async function admitVersions(
  ledger: Ledger,
  table: string,
  files: readonly FileSeen[],
  { movable, policy }: Pick<Admission, 'movable' | 'policy'>,
): Promise<number> {
  const change = {
    given: ledger.dialect.relation(COLUMNS, files.map(givenOf)),
    where: sql`f.table_name = ${table} and f.file_path = g.path and f.file_version <> g.version`,
    set: [
      sql`file_version = g.version, file_size = g.size, file_modified_ns = g.modified_ns, raw_path = g.raw_path`,
      sql`retry_count = 0, held_reason = null, status_reason = null, unit = null`,
      // Only a completed file has rows in the table; what an earlier new content was to replace, the next one does.
      ...(policy === 'replace' ? [sql`replaces = case when f.status = 'completed' then 1 else f.replaces end`] : []),
      ...forgetResult(),
      ...forgetError(),
      forgetCleanUp(),
    ],
    reason: sql`'new content'`,
    version: sql`g.version`,
  }
  const moved = await move(ledger, { ...change, from: movable, to: 'pending' })
  return moved + (await replacePending(ledger, change))
}

async function admitFiles(ledger: Ledger, table: string, files: readonly FileSeen[]): Promise<number> {
  const now = nowOf(ledger)
  const given = ledger.dialect.relation(COLUMNS, files.map(givenOf))
  // «where true» keeps «on conflict» apart from a join condition.
  const { rows } = await sql<{ id: bigint }>`
    insert into ${sql.table('file')}
      (table_name, file_path, raw_path, file_version, file_size, file_modified_ns, status, retry_count, created_at, updated_at)
    select ${table}, g.path, g.raw_path, g.version, g.size, g.modified_ns, 'pending', 0, ${now}, ${now} from ${given} as g where true
    on conflict (table_name, file_path) do nothing returning id`.execute(ledger.db)
  await recordAdmitted(
    ledger,
    rows.map(({ id }) => id),
    'seen',
  )
  return rows.length
}

function givenOf(seen: FileSeen): readonly Given[] {
  return [seen.path, seen.rawPath, seen.version, int64(seen.size), int64(seen.modifiedNs)]
}
