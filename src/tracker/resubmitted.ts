import { sql } from 'kysely'
import type { Manifest } from '../model/manifest.ts'
import type { Resubmission } from '../model/quarantine.ts'
import { inTransaction, type Ledger } from './ledger.ts'
import { noteCompleted } from './moves.ts'

/**
 * Mended rows of completed files count as what became of them, no longer as rejected. A file that was loaded again since then has its rows
 * counted by that load.
 */
export async function countResubmitted(ledger: Ledger, { table, batchId }: Manifest, { files }: Resubmission): Promise<void> {
  const given = ledger.dialect.relation(
    { path: 'text', version: 'text', batch_id: 'text', loaded: 'integer', filtered: 'integer', deduplicated: 'integer', reason: 'text' },
    files.map(({ path, version, batchId: loadedBy, rows }) => [
      path,
      version,
      loadedBy,
      rows.loaded,
      rows.filtered,
      rows.deduplicated,
      `${rows.read - rows.rejected} of ${rows.read} rows that were resubmitted are taken out of quarantine`,
    ]),
  )
  await noteCompleted(ledger, {
    given,
    where: sql`f.table_name = ${table} and f.file_path = g.path and f.file_version = g.version and f.batch_id = g.batch_id`,
    set: [
      sql`rows_loaded = f.rows_loaded + g.loaded, rows_filtered = f.rows_filtered + g.filtered`,
      sql`rows_deduplicated = f.rows_deduplicated + g.deduplicated`,
      sql`rows_rejected = f.rows_rejected - g.loaded - g.filtered - g.deduplicated`,
    ],
    reason: sql`g.reason`,
    batchId,
  })
}

export async function noteFiles(
  ledger: Ledger,
  table: string,
  files: readonly { readonly path: string; readonly version: string; readonly reason: string }[],
): Promise<void> {
  if (files.length === 0) return
  const given = ledger.dialect.relation(
    { path: 'text', version: 'text', reason: 'text' },
    files.map(({ path, version, reason }) => [path, version, reason]),
  )
  await inTransaction(ledger, table, (within) =>
    noteCompleted(within, {
      given,
      where: sql`f.table_name = ${table} and f.file_path = g.path and f.file_version = g.version`,
      set: [],
      reason: sql`g.reason`,
    }),
  )
}
