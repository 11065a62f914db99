import { type RawBuilder, sql } from 'kysely'
import type { FileSeen } from '../model/file.ts'
import { type Ledger, pathsOf } from './ledger.ts'
import { statusIn } from './moves.ts'
import type { FileTable } from './schema.ts'
import type { BatchRow, FileFilter, LoadedUnit, TrackedFile } from './tracker.ts'

const PAGE = 1000

export type SeenRow = Pick<FileTable, 'file_path' | 'raw_path' | 'file_version' | 'file_size' | 'file_modified_ns'>

type FileRow = FileTable & { readonly lease_expires_at: bigint | null }

export function seenOf(row: SeenRow): FileSeen {
  return { path: row.file_path, rawPath: row.raw_path, size: row.file_size, modifiedNs: row.file_modified_ns, version: row.file_version }
}

export function isoOf(ms: bigint): string {
  return new Date(Number(ms)).toISOString()
}

/** In pages by table and path, so that neither memory nor a long read depends on the number of files. */
export async function* files(ledger: Ledger, filter: FileFilter): AsyncGenerator<TrackedFile, void, undefined> {
  let left = filter.limit ?? Number.POSITIVE_INFINITY
  for (const table of filter.tables === undefined ? await tableNames(ledger) : [...new Set(filter.tables)].sort()) {
    for await (const page of pagesOf(ledger, table, filter)) {
      for (const file of page) {
        if (left <= 0) return
        left -= 1
        yield file
      }
    }
  }
}

export async function file(ledger: Ledger, table: string, path: string): Promise<TrackedFile | undefined> {
  const rows = await select(ledger, sql`f.table_name = ${table} and f.file_path = ${path}`)
  return rows[0]
}

/** One seek for each table instead of a look at each file. */
export async function tableNames(ledger: Ledger): Promise<readonly string[]> {
  const names: string[] = []
  for (;;) {
    const after = names.length === 0 ? sql`` : sql`where table_name > ${names.at(-1)}`
    const query = sql<{ name: string | null }>`select min(table_name) as name from ${sql.table('file')} ${after}`
    const name = (await query.execute(ledger.db)).rows[0]?.name ?? null
    if (name === null) return names
    names.push(name)
  }
}

async function* pagesOf(ledger: Ledger, table: string, filter: FileFilter): AsyncGenerator<readonly TrackedFile[], void, undefined> {
  const parts = [sql`f.table_name = ${table}`]
  if (filter.status !== undefined) parts.push(statusIn([filter.status]))
  if (filter.paths !== undefined) parts.push(sql`f.file_path in (select g.path from ${pathsOf(ledger, filter.paths)} as g)`)
  let after: readonly RawBuilder<unknown>[] = []
  for (;;) {
    const page = await select(ledger, sql.join([...parts, ...after], sql` and `))
    yield page
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return
    after = [sql`f.file_path > ${last.file_path}`]
  }
}

/** At most a page of files, by table and path. */
export async function select(ledger: Ledger, where: RawBuilder<unknown>): Promise<readonly TrackedFile[]> {
  const { rows } = await sql<FileRow>`
    select f.*, case when f.status = 'processing' then b.lease_expires_at end as lease_expires_at
    from ${sql.table('file')} as f left join ${sql.table('batch')} as b on b.batch_id = f.batch_id
    where ${where} order by f.table_name, f.file_path limit ${PAGE}`.execute(ledger.db)
  return rows.map(trackedOf)
}

function trackedOf(row: FileRow): TrackedFile {
  return {
    file_path: row.file_path,
    file_size: Number(row.file_size),
    file_modified_time: isoOf(row.file_modified_ns / 1_000_000n),
    table_name: row.table_name,
    status: row.status,
    processing_start_time: isoOrNull(row.processing_start_time),
    processing_end_time: isoOrNull(row.processing_end_time),
    error_message: row.error_message,
    retry_count: Number(row.retry_count),
    created_at: isoOf(row.created_at),
    updated_at: isoOf(row.updated_at),
    file_version: row.file_version,
    batch_id: row.batch_id,
    table_version: numberOrNull(row.table_version),
    next_attempt_at: isoOrNull(row.next_attempt_at),
    lease_owner: row.lease_owner,
    lease_expires_at: isoOrNull(row.lease_expires_at),
    held_reason: row.held_reason,
    status_reason: row.status_reason,
    rows_read: numberOrNull(row.rows_read),
    rows_loaded: numberOrNull(row.rows_loaded),
    rows_rejected: numberOrNull(row.rows_rejected),
    rows_filtered: numberOrNull(row.rows_filtered),
    rows_deduplicated: numberOrNull(row.rows_deduplicated),
    bytes: numberOrNull(row.bytes),
    error_code: row.error_code,
    error_class: row.error_class,
    replaces: row.replaces === 1n,
    clean_up_status: row.clean_up_status,
    clean_up_path: row.clean_up_path,
    clean_up_reason: row.clean_up_reason,
    clean_up_attempts: numberOrNull(row.clean_up_attempts),
    clean_up_next_at: isoOrNull(row.clean_up_next_at),
  }
}

export function isoOrNull(ms: bigint | null): string | null {
  return ms === null ? null : isoOf(ms)
}

function numberOrNull(value: bigint | null): number | null {
  return value === null ? null : Number(value)
}

/** Newest first. */
export async function batches(ledger: Ledger, table: string, limit: number, below?: number): Promise<readonly BatchRow[]> {
  const rows = await ledger.db
    .selectFrom('batch')
    .selectAll()
    .where('table_name', '=', table)
    .$if(below !== undefined, (query) => query.where('batch_number', '<', BigInt(below ?? 0)))
    .orderBy('batch_number', 'desc')
    .limit(BigInt(limit))
    .execute()
  return rows.map((row) => ({
    batch_id: row.batch_id,
    batch_number: Number(row.batch_number),
    table_name: row.table_name,
    status: row.status,
    lease_owner: row.lease_owner,
    table_version: numberOrNull(row.table_version),
    files: Number(row.files),
    rows_loaded: numberOrNull(row.rows_loaded),
    started_at: isoOf(row.started_at),
    ended_at: isoOrNull(row.ended_at),
  }))
}

export async function lastCommittedBatch(ledger: Ledger, table: string): Promise<bigint | null> {
  const row = await ledger.db
    .selectFrom('batch')
    .select('batch_number')
    .where('table_name', '=', table)
    .where('status', '=', 'committed')
    .orderBy('batch_number', 'desc')
    .limit(1n)
    .executeTakeFirst()
  return row?.batch_number ?? null
}

export async function newestLoaded(ledger: Ledger, table: string): Promise<LoadedUnit | undefined> {
  const { rows } = await sql<Pick<FileTable, 'file_path' | 'file_modified_ns' | 'unit'>>`
    select f.file_path, f.file_modified_ns, f.unit from ${sql.table('file')} as f
    where f.table_name = ${table} and f.status = 'completed'
    order by f.file_modified_ns desc, f.file_path desc limit 1`.execute(ledger.db)
  const row = rows[0]
  return row === undefined ? undefined : { unit: row.unit ?? row.file_path, modifiedNs: row.file_modified_ns, path: row.file_path }
}
