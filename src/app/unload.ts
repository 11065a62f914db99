import { TableError } from '../errors/errors.ts'
import type { TableConfig } from '../model/table.ts'
import type { UnloadReport } from '../model/undo-report.ts'
import { type Unloaded, unloadFiles } from '../pipeline/unload-table.ts'
import type { TrackedFile } from '../tracker/tracker.ts'
import type { UnloadOptions } from './ingest.ts'
import { leasedAlone, type TableWork } from './table-work.ts'
import { checkTold, type NamedFiles, namedFiles, wrongState } from './undo-checks.ts'

/** Files that a message names. */
const NAMED = 5

/** Takes the rows of files out of their tables, a batch for each table; all is checked before the first one. */
export async function unload(paths: readonly string[], options: UnloadOptions, work: TableWork): Promise<readonly UnloadReport[]> {
  const named = await namedFiles(paths, options.tables, work)
  const planned: { readonly named: NamedFiles; readonly rows: ReadonlyMap<string, bigint> }[] = []
  for (const one of named) planned.push({ named: one, rows: await planOf(one, work) })
  const reports: UnloadReport[] = []
  for (const { named: one, rows } of planned) {
    if (options.dryRun) reports.push(reportOf(one, rows, null))
    else {
      const { table, files } = one
      const pass = { ...work, table }
      const unloaded = await leasedAlone(table, 'unload', work, () =>
        unloadFiles(
          pass,
          files.map((file) => file.file_path),
        ),
      )
      reports.push(reportOf(one, new Map(unloaded.takenOut.map((file) => [file.path, file.rows])), unloaded))
    }
  }
  return reports
}

/** How many rows the table has of each file. Refuses by name what cannot be undone file by file. */
async function planOf({ table, files }: NamedFiles, work: TableWork): Promise<ReadonlyMap<string, bigint>> {
  await checkStrategy(table, files, work)
  checkTold(table, 'unload')
  if (table.deduplicate !== false) await checkNothingRestsOn(files, table, work)
  const takenOut = await work.worker.planUnload({ table, paths: files.map((file) => file.file_path) })
  const rows = new Map(takenOut.map((file) => [file.path, file.rows]))
  for (const file of files) {
    if (file.status !== 'completed' && (rows.get(file.file_path) ?? 0n) === 0n)
      throw wrongState(file, 'unload', 'ingest skip FILE leaves a file out that is not loaded yet')
  }
  return rows
}

async function checkStrategy(table: TableConfig, files: readonly TrackedFile[], { worker }: TableWork): Promise<void> {
  const { name, strategy } = table
  if (strategy === 'append') return
  if (strategy === 'overwrite')
    throw new TableError('ING-TABLE-UNDO', `${name}: a snapshot replaced all rows before it, so it cannot be unloaded by itself`, {
      hint: `ingest history ${name} shows the versions, and ingest restore ${name} --version N goes back to one`,
    })
  for (const file of files) {
    const later = await worker.laterFiles({ table, path: file.file_path, version: file.table_version })
    const tell =
      later === null
        ? 'which later files changed keys of it cannot be told any more'
        : later.length === 0
          ? 'no later file changed a key of it'
          : `later files changed keys of it: ${listOf(later)}`
    throw new TableError('ING-TABLE-UNDO', `${file.file_path} cannot be unloaded from ${name}, a ${strategy} table: ${tell}`, {
      hint: `deliver a file that sets its keys right, or go back to the version before it and load the later files again: ingest restore ${name}${
        file.table_version === null || file.table_version === 0 ? '' : ` --version ${file.table_version - 1} --files pending`
      }`,
    })
  }
}

/** With `deduplicate` a row that came twice is there once, under the file that brought it first. */
async function checkNothingRestsOn(files: readonly TrackedFile[], { name }: TableConfig, { tracker }: TableWork): Promise<void> {
  const own = new Set(files.map((file) => file.file_path))
  const since = Math.min(...files.map((file) => file.table_version ?? 0))
  const resting: string[] = []
  for await (const file of tracker.files({ tables: [name], status: 'completed' })) {
    const isLater = (file.table_version ?? since) >= since
    if (isLater && !own.has(file.file_path) && (file.rows_deduplicated ?? 0) > 0) resting.push(file.file_path)
  }
  if (resting.length === 0) return
  throw new TableError('ING-TABLE-UNDO', `${name}: files that were loaded since had rows that the table had already: ${listOf(resting)}`, {
    hint: `their rows may be lost with these; unload those files, too, and load them again with: ingest retry FILE`,
  })
}

function listOf(paths: readonly string[]): string {
  const more = paths.length > NAMED ? ` and ${paths.length - NAMED} more` : ''
  return `${paths.slice(0, NAMED).join(', ')}${more}`
}

function reportOf({ table, files }: NamedFiles, rows: ReadonlyMap<string, bigint>, unloaded: Unloaded | null): UnloadReport {
  const counts = files.map((file) => ({
    file: file.file_path,
    rows: Number(rows.get(file.file_path) ?? 0n),
    rows_loaded: file.rows_loaded,
  }))
  return {
    table: table.name,
    dry_run: unloaded === null,
    version: unloaded === null || unloaded.version === null ? null : Number(unloaded.version),
    batch: unloaded === null ? null : Number(unloaded.batch.number),
    batch_id: unloaded?.batch.id ?? null,
    rows: counts.reduce((sum, file) => sum + file.rows, 0),
    files: counts,
  }
}
