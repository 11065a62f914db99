import { sql } from 'kysely'
import type { Manifest } from '../model/manifest.ts'
import type { Ledger } from './ledger.ts'
import { forgetError, forgetResult, move } from './moves.ts'

/**
 * completed → skipped for files whose rows a batch took out without loading them again. A later load of such a file stays, and new content
 * that waits goes on waiting.
 */
export async function unloadFiles(ledger: Ledger, { table, batch, batchId, files, takenOut = [] }: Manifest): Promise<void> {
  const loaded = new Set(files.map(({ path }) => path))
  const unloaded = takenOut.filter(({ path }) => !loaded.has(path))
  if (unloaded.length === 0) return
  await move(ledger, {
    from: ['completed'],
    to: 'skipped',
    given: ledger.dialect.relation(
      { path: 'text', reason: 'text' },
      unloaded.map(({ path, rows }) => [path, `it was unloaded: ${rows} ${rows === 1n ? 'row' : 'rows'} left the table`]),
    ),
    where: sql`f.table_name = ${table} and f.file_path = g.path and not exists (
      select 1 from ${sql.table('batch')} as b where b.batch_id = f.batch_id and b.batch_number > ${batch})`,
    set: [sql`retry_count = 0, status_reason = g.reason, replaces = null`, ...forgetResult(), ...forgetError()],
    reason: sql`g.reason`,
    batchId,
  })
}
