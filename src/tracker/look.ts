import { type RawBuilder, sql } from 'kysely'
import type { Failure } from '../model/error-cause.ts'
import type { FileStatus } from '../model/file.ts'
import type { Ledger } from './ledger.ts'
import { isoOrNull, select, tableNames } from './read.ts'
import type { TrackedFile } from './tracker.ts'

const ENDED: readonly FileStatus[] = ['completed', 'failed', 'skipped']

/** A seek for each table and state, by the index that has them in the order of their ends. */
export async function recent(ledger: Ledger, limit: number, tables?: readonly string[]): Promise<readonly TrackedFile[]> {
  const seen: { readonly id: bigint; readonly ended: bigint | null }[] = []
  for (const table of tables ?? (await tableNames(ledger))) {
    for (const status of ENDED) {
      const { rows } = await sql<{ id: bigint; ended: bigint | null }>`
        select f.id, f.processing_end_time as ended from ${sql.table('file')} as f
        where f.table_name = ${table} and f.status = ${status}
        order by f.processing_end_time desc nulls last limit ${BigInt(limit)}`.execute(ledger.db)
      seen.push(...rows)
    }
  }
  const newest = seen.sort((a, b) => Number((b.ended ?? 0n) - (a.ended ?? 0n))).slice(0, limit)
  if (newest.length === 0) return []
  const files = await select(ledger, sql`f.id in (${sql.join(newest.map(({ id }) => id))})`)
  return [...files].sort((a, b) => endOf(b).localeCompare(endOf(a)))
}

function endOf(file: TrackedFile): string {
  return file.processing_end_time ?? ''
}

export async function search(ledger: Ledger, text: string, limit: number, tables?: readonly string[]): Promise<readonly TrackedFile[]> {
  const found: bigint[] = []
  for (const table of tables ?? (await tableNames(ledger))) {
    if (found.length >= limit) break
    // A walk along the index of paths; no file is read before it is found.
    const { rows } = await sql<{ id: bigint }>`
      select f.id from ${sql.table('file')} as f
      where f.table_name = ${table} and ${contains(text)}
      order by f.file_path limit ${BigInt(limit - found.length)}`.execute(ledger.db)
    found.push(...rows.map(({ id }) => id))
  }
  return found.length === 0 ? [] : select(ledger, sql`f.id in (${sql.join(found)})`)
}

/** The text itself: none of its characters stands for others. */
function contains(text: string): RawBuilder<unknown> {
  const escaped = text.replaceAll(/[\\%_]/g, (character) => `\\${character}`)
  return sql`lower(f.file_path) like ${`%${escaped.toLowerCase()}%`} escape ${'\\'}`
}

export async function failures(ledger: Ledger, limit: number, tables?: readonly string[]): Promise<readonly Failure[]> {
  const found: Failure[] = []
  for (const table of tables ?? (await tableNames(ledger))) {
    const { rows } = await sql<Omit<Failure, 'failed_at'> & { ended: bigint | null }>`
      select f.table_name, f.file_path, f.error_code, f.error_message, f.processing_end_time as ended
      from ${sql.table('file')} as f where f.table_name = ${table} and f.status = 'failed'
      order by f.processing_end_time desc nulls last limit ${BigInt(limit)}`.execute(ledger.db)
    found.push(...rows.map(({ ended, ...row }) => ({ ...row, failed_at: isoOrNull(ended) })))
  }
  return found
}
