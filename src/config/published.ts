import { QUARANTINE_SUFFIX } from '../model/quarantine.ts'
import type { TableConfig } from '../model/table.ts'
import type { Desk } from './checks/draft.ts'
import { TABLE_DEFAULTS } from './checks/strategy-keys.ts'
import type { PublishedTracker } from './config.ts'
import { IssueList } from './issues.ts'
import { isWithin, listsInside } from './paths.ts'
import { resolveTable, type Surroundings } from './resolve-table.ts'
import type { GlobalInput } from './schema.ts'

/** The tables that the tracker is published as: `<file_tracker_database>.<file_tracker_table>`, and that of batches beside it. */
export function publishedTracker(input: GlobalInput, around: Surroundings, desk: Desk): PublishedTracker {
  const table = (name: string, comment: string): TableConfig => {
    const draft = {
      ...TABLE_DEFAULTS,
      database_name: input.file_tracker_database,
      table_name: name,
      source_path_pattern: 'unused.csv',
      loading_strategy: 'overwrite',
      table_comment: comment,
    }
    // What is wrong with the names or the folder is told where these are written.
    const quiet = { places: desk.places, issues: new IssueList() }
    return resolveTable({ input: draft, at: ['publish_tracker'], bad: new Set() }, { ...around, unsupported: [] }, quiet).table
  }
  const name = input.file_tracker_table
  return {
    files: table(name, 'what ingestd knows of every file'),
    batches: table(`${name}_batches`, 'what ingestd committed'),
  }
}

/** What stands in the way of these tables among the configured ones. */
export function clashWith(
  { files, batches }: PublishedTracker,
  tables: readonly TableConfig[],
): { readonly problem: string; readonly fix: string } | undefined {
  for (const own of [files, batches]) {
    const other = tables.find((table) => isSame(own, table) || listsInside(table.sourcePattern)(own.targetPath))
    if (other !== undefined)
      return {
        problem: `the tracker would be published as ${own.name} in ${own.targetPath}, where ${other.name} is, or looks for files`,
        fix: `rename that table or move its files, or set file_tracker_database`,
      }
  }
  return undefined
}

function isSame(own: TableConfig, table: TableConfig): boolean {
  const names = [table.name, `${table.name}${QUARANTINE_SUFFIX}`].map((name) => name.toLowerCase())
  const folders = [table.targetPath, `${table.targetPath}${QUARANTINE_SUFFIX}`]
  return (
    names.includes(own.name.toLowerCase()) || folders.some((folder) => isWithin(own.targetPath, folder) || isWithin(folder, own.targetPath))
  )
}
