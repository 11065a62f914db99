import { randomUUID } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import type { Batch } from '../model/batch.ts'
import { type BatchFile, compareFiles, type FileSeen } from '../model/file.ts'
import { inTransaction, type Ledger, leaseEnd, nowOf, pathsOf } from './ledger.ts'
import { forgetResult, move } from './moves.ts'
import { type SeenRow, seenOf } from './read.ts'
import type { ClaimLimits, PendingLimits } from './tracker.ts'

const LARGEST_LIMIT = 2 ** 53 - 1

interface Candidate extends SeenRow {
  readonly id: bigint
  readonly approved_version: string | null
  readonly replaces: bigint | null
  readonly suspect_group: string | null
}

export async function requeueDue(ledger: Ledger, table: string): Promise<number> {
  return inTransaction(ledger, table, (within) =>
    move(within, {
      from: ['failed'],
      to: 'pending',
      where: sql`f.table_name = ${table} and f.next_attempt_at <= ${nowOf(within)}`,
      // The error stays: until the next outcome it is the last that is known of the file.
      set: [sql`retry_count = f.retry_count + 1, next_attempt_at = null`, ...forgetResult()],
      reason: sql`'automatic retry'`,
    }),
  )
}

export async function pendingCount(ledger: Ledger, table: string): Promise<number> {
  const { rows } = await sql<{ files: bigint }>`
    select count(*) as files from ${sql.table('file')} as f
    where f.status = 'pending' and f.table_name = ${table} and f.held_reason is null`.execute(ledger.db)
  return Number(rows[0]?.files ?? 0n)
}

export async function pendingFiles(ledger: Ledger, table: string, limits?: PendingLimits): Promise<readonly FileSeen[]> {
  const rows = await candidates(ledger, table, limits === undefined ? {} : { limit: limits.maxFiles })
  return (limits === undefined ? rows : fitting(rows, limits.maxBytes)).map(seenOf).sort(compareFiles)
}

export async function claim(
  ledger: Ledger,
  table: string,
  owner: string,
  limits: ClaimLimits & { readonly paths: readonly string[] | undefined },
): Promise<Batch | undefined> {
  return inTransaction(ledger, table, async (within) => {
    const found = await candidates(within, table, { limit: limits.maxFiles, paths: limits.paths, lock: ledger.dialect.skipLocked })
    const rows = fitting(limits.whole ? found : apart(found), limits.maxBytes)
    if (rows.length === 0) return undefined
    const files = rows
      .map((row) => ({
        id: row.id,
        ...seenOf(row),
        unit: limits.units?.get(row.file_path) ?? row.file_path,
        ...(row.approved_version === row.file_version ? { approved: true } : {}),
        ...(row.replaces === 1n ? { replaces: true } : {}),
      }))
      .sort(compareFiles)
      .map((file, ordinal) => ({ ...file, ordinal }))
    const batch = await openBatch(within, table, owner, { above: limits.above, files: files.length })
    await hold(within, batch.id, owner, files)
    const suspects = rows[0]?.suspect_group ?? undefined
    return { ...batch, files: files.map(({ id: _, ...file }): BatchFile => file), ...(suspects === undefined ? {} : { suspects }) }
  })
}

/** A batch without files, which a restore or mended rows commit. */
export async function claimEmpty(ledger: Ledger, table: string, owner: string, above: bigint | null): Promise<Batch> {
  return inTransaction(ledger, table, async (within) => {
    return { ...(await openBatch(within, table, owner, { above, files: 0 })), files: [] }
  })
}

interface Wanted {
  readonly limit?: number
  readonly paths?: readonly string[] | undefined
  readonly lock?: RawBuilder<unknown>
}

/** In file order; among files of one time that a limit divides, by the bytes of their paths. */
async function candidates(
  ledger: Ledger,
  table: string,
  { limit = LARGEST_LIMIT, paths, lock = sql`` }: Wanted,
): Promise<readonly Candidate[]> {
  const among = paths === undefined ? sql`` : sql`and f.file_path in (select g.path from ${pathsOf(ledger, paths)} as g)`
  const { rows } = await sql<Candidate>`
    select f.id, f.file_path, f.raw_path, f.file_version, f.file_size, f.file_modified_ns, f.approved_version, f.replaces, f.suspect_group
    from ${sql.table('file')} as f
    where f.status = 'pending' and f.table_name = ${table} and f.held_reason is null ${among}
    order by f.file_modified_ns, f.file_path limit ${BigInt(Math.min(limit, LARGEST_LIMIT))} ${lock}`.execute(ledger.db)
  return rows
}

/** Files that are tried apart from others wait for the batch after, or, when the first is one of them, all others do. */
function apart(rows: readonly Candidate[]): readonly Candidate[] {
  return rows.filter(({ suspect_group: group }) => group === rows[0]?.suspect_group)
}

/** The first file is always taken: one that is larger than the limit is a batch of its own. */
function fitting(rows: readonly Candidate[], maxBytes: bigint): readonly Candidate[] {
  let bytes = 0n
  const end = rows.findIndex((row, index) => {
    bytes += row.file_size
    return index > 0 && bytes > maxBytes
  })
  return end === -1 ? rows : rows.slice(0, end)
}

async function highestNumber(ledger: Ledger, table: string, above: bigint | null): Promise<bigint> {
  const row = await ledger.db
    .selectFrom('batch')
    .select((eb) => eb.fn.max('batch_number').as('highest'))
    .where('table_name', '=', table)
    .executeTakeFirst()
  const own = row?.highest ?? 0n
  return above !== null && above > own ? above : own
}

async function openBatch(
  ledger: Ledger,
  table: string,
  owner: string,
  { above, files }: { readonly above: bigint | null; readonly files: number },
): Promise<Omit<Batch, 'files'>> {
  const batch = { id: randomUUID(), number: (await highestNumber(ledger, table, above)) + 1n, table }
  await ledger.db
    .insertInto('batch')
    .values({
      batch_id: batch.id,
      table_name: batch.table,
      batch_number: batch.number,
      status: 'processing',
      lease_owner: owner,
      lease_expires_at: leaseEnd(ledger),
      files: BigInt(files),
      started_at: nowOf(ledger),
    })
    .execute()
  return batch
}

async function hold(
  ledger: Ledger,
  batchId: string,
  owner: string,
  files: readonly (BatchFile & { readonly id: bigint })[],
): Promise<void> {
  const given = ledger.dialect.relation(
    { id: 'integer', ordinal: 'integer', unit: 'text' },
    files.map((file) => [file.id, BigInt(file.ordinal), file.unit]),
  )
  await move(ledger, {
    from: ['pending'],
    to: 'processing',
    where: sql`f.id = g.id`,
    given,
    set: [
      sql`batch_id = ${batchId}, lease_owner = ${owner}, ordinal = g.ordinal, unit = g.unit`,
      sql`status_reason = null, processing_start_time = ${nowOf(ledger)}, processing_end_time = null`,
    ],
    reason: sql`null`,
    batchId,
  })
}
