import { type RawBuilder, sql } from 'kysely'
import type { LoadedFile } from '../model/restore.ts'
import { int64, type Ledger, nowOf } from './ledger.ts'
import { forgetCleanUp, forgetError } from './moves.ts'

const COLUMNS = {
  path: 'text',
  raw_path: 'text',
  version: 'text',
  size: 'integer',
  modified_ns: 'integer',
  unit: 'text',
  batch_id: 'text',
  read: 'integer',
  loaded: 'integer',
  rejected: 'integer',
  filtered: 'integer',
  deduplicated: 'integer',
} as const

/** Loads that the table's log tells of, as a relation. */
export function loadsOf(ledger: Ledger, files: readonly LoadedFile[]): RawBuilder<unknown> {
  return ledger.dialect.relation(
    COLUMNS,
    files.map((file) => [
      file.path,
      file.rawPath,
      file.version,
      int64(file.size),
      int64(file.modifiedNs),
      file.unit,
      file.batchId,
      file.rows.read,
      file.rows.loaded,
      file.rows.rejected,
      file.rows.filtered,
      file.rows.deduplicated,
    ]),
  )
}

/** Assignments that make a file what its load `g` says. */
export function takeLoad(ledger: Ledger, tableVersion: RawBuilder<unknown>): readonly RawBuilder<unknown>[] {
  return [
    sql`file_version = g.version, file_size = g.size, file_modified_ns = g.modified_ns, raw_path = g.raw_path, unit = g.unit`,
    sql`rows_read = g.read, rows_loaded = g.loaded, rows_rejected = g.rejected, rows_filtered = g.filtered`,
    sql`rows_deduplicated = g.deduplicated, bytes = g.size, batch_id = g.batch_id, table_version = ${tableVersion}`,
    sql`ordinal = null, replaces = null, lease_owner = null, held_reason = null, status_reason = null, processing_end_time = ${nowOf(ledger)}`,
    ...forgetError(),
    forgetCleanUp(),
  ]
}
