import type { ResolvedConfig } from '../config/config.ts'
import { ConfigError, TableError } from '../errors/errors.ts'
import { AUDIT_COLUMNS } from '../model/schema.ts'
import type { TableConfig } from '../model/table.ts'
import type { TrackedFile, Tracker } from '../tracker/tracker.ts'
import { runnableTable, selectTables } from './select-tables.ts'
import { knownFiles } from './tracked-files.ts'

/** Files of one table that a person named. */
export interface NamedFiles {
  readonly table: TableConfig
  readonly files: readonly TrackedFile[]
}

/** The tables that know the files, and the files of each. ConfigError for a path that the tracker does not know. */
export async function namedFiles(
  paths: readonly string[],
  names: readonly string[] | undefined,
  { config, tracker }: { readonly config: ResolvedConfig; readonly tracker: Tracker },
): Promise<readonly NamedFiles[]> {
  const known = await knownFiles(config, tracker, { tables: names, paths })
  const found: NamedFiles[] = []
  for (const { name } of selectTables(config.tables, names)) {
    const rows = await Promise.all([...new Set(known.paths ?? [])].map((path) => tracker.file(name, path)))
    const files = rows.flatMap((row) => row ?? [])
    if (files.length > 0) found.push({ table: runnableTable(config.tables, name), files })
  }
  return found
}

/** Rows of an append table are told by the file that they came from, where the audit columns say it. */
export function checkTold({ name, auditColumns, mask }: TableConfig, verb: string): void {
  const isMasked = Object.keys(mask).some((column) => AUDIT_COLUMNS.some((audit) => audit.name === column.toLowerCase()))
  if (auditColumns && !isMasked) return
  throw new TableError(
    'ING-TABLE-SOURCE-UNKNOWN',
    `${name}: ${verb} needs the column _source_file, by which the rows of a file are told${isMasked ? ', unmasked' : ' (audit_columns is false)'}`,
    { hint: `ingest restore ${name} goes back to an older version` },
  )
}

/** ConfigError for a file that is in no state for what was asked. */
export function wrongState({ file_path: path, table_name: table, status }: TrackedFile, verb: string, hint: string): ConfigError {
  return new ConfigError('ING-FILE-STATE', `${path} is ${status} in ${table}, and has no rows there to ${verb}`, [], { hint })
}
