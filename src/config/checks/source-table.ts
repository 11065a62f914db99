import { hasGlob } from '../../lib/glob.ts'
import type { Location } from '../paths.ts'
import { complain, type Desk, type TableDraft } from './draft.ts'

/** A Delta table as a source is one folder, and another than the table's own; its commits are no full snapshots. */
export function checkSourceTable(draft: TableDraft, source: Location | undefined, target: Location | undefined, desk: Desk): void {
  if (source?.kind !== 'local') return
  const folder = source.path.replace(/\/+$/, '')
  const problem = hasGlob(folder)
    ? 'with file_format: delta the source is the folder of one table, without a glob'
    : target?.kind === 'local' && target.path === folder
      ? 'a table cannot be its own source'
      : undefined
  if (problem !== undefined)
    complain(desk, draft, ['source_path_pattern'], { problem, fix: 'name the folder of another Delta table', code: 'ING-CONFIG-VALUE' })
  const { input, kind } = draft
  if (kind === 'overwrite' || input.missing_means_deleted)
    complain(desk, draft, [kind === 'overwrite' ? 'loading_strategy' : 'missing_means_deleted'], {
      problem: 'a commit of a Delta table is no full snapshot',
      fix: 'use append, merge or scd2, with format_options: {changes: all} to follow deletes',
      code: 'ING-CONFIG-COMBINATION',
    })
  if (input.format_options['initial_snapshot'] === true && input.format_options['starting_version'] === undefined)
    complain(desk, draft, ['format_options', 'initial_snapshot'], {
      problem: 'initial_snapshot needs starting_version',
      fix: 'add the version whose rows are loaded first',
      code: 'ING-CONFIG-COMBINATION',
    })
}
