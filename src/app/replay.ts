import { dirname } from 'node:path'
import { ConfigError, TableError, UnavailableError } from '../errors/errors.ts'
import type { FileSeen } from '../model/file.ts'
import type { RunReport, TableReport } from '../model/report.ts'
import { isSnapshots, type TableConfig } from '../model/table.ts'
import type { TrackedFile } from '../tracker/tracker.ts'
import type { ReplayOptions } from './ingest.ts'
import { listerOf } from './listers.ts'
import { totalsOf } from './run-once.ts'
import { passOver } from './table-pass.ts'
import { type TableWork, withHeartbeat } from './table-work.ts'
import { checkTold, type NamedFiles, namedFiles, wrongState } from './undo-checks.ts'

/** Loads files again, as they are now, table by table; all is checked before the first one. */
export async function replay(paths: readonly string[], options: ReplayOptions, work: TableWork): Promise<RunReport> {
  const startedMs = work.clock.now()
  const named = await namedFiles(paths, options.tables, work)
  const planned: { readonly table: TableConfig; readonly files: readonly FileSeen[] }[] = []
  for (const one of named) planned.push({ table: one.table, files: await filesOf(one, work) })
  const reports: TableReport[] = []
  for (const { table, files } of planned) {
    const asked = { tables: [table.name], replay: files, signal: options.signal }
    const { report } = await withHeartbeat(work, () => passOver(table, work.worker, asked, work))
    if (report.status === 'skip' && options.signal?.aborted !== true)
      throw new UnavailableError('ING-TABLE-BUSY', `another process is working on ${table.name}`, { hint: 'wait for it, and replay again' })
    reports.push(report)
  }
  return { tables: reports, totals: totalsOf(reports, (work.clock.now() - startedMs) / 1000) }
}

/** The files as they lie there now. Refuses by name what cannot be loaded a second time. */
async function filesOf({ table, files }: NamedFiles, work: TableWork): Promise<readonly FileSeen[]> {
  if (table.strategy === 'append') checkTold(table, 'replay')
  const lister = listerOf(table, work.clock)
  const seen: FileSeen[] = []
  for (const file of files) {
    if (file.status !== 'completed') throw wrongState(file, 'replay', hintOf(file))
    const sighting = await lister.look(file.file_path)
    if (sighting.file === undefined || sighting.waiting !== undefined) throw notThere(file, sighting.steps.at(-1)?.detail)
    await checkNewest(table, file, work)
    if (table.deduplicate !== false && sighting.file.version !== file.file_version)
      throw new TableError('ING-TABLE-UNDO', `${file.file_path} has new content, and ${table.name} is deduplicated`, {
        hint: 'rows of later files may rest on its old ones: load all files again with ingest run --full-drop',
      })
    seen.push(sighting.file)
  }
  return seen
}

function hintOf({ status }: TrackedFile): string {
  return status === 'pending' || status === 'processing' ? 'the next run loads it' : 'ingest retry FILE lets the next run load it'
}

function notThere(file: TrackedFile, detail: string | undefined): ConfigError {
  const place = file.clean_up_path === null ? '' : `; it was archived as ${file.clean_up_path}`
  return new ConfigError('ING-FILE-STATE', `${file.file_path} cannot be loaded again: ${detail ?? 'it is not there'}${place}`, [], {
    hint: file.clean_up_path === null ? 'deliver it again under its name' : 'move it back, and replay it again',
  })
}

/** Where a file stands for all that the table holds, an older one would replace what is newer. */
async function checkNewest(table: TableConfig, { file_path: path }: TrackedFile, { tracker }: TableWork): Promise<void> {
  if (!isSnapshots(table) || table.overwriteScope === 'partition') return
  const newest = await tracker.newestLoaded(table.name)
  const unit = table.snapshotUnit === 'folder' ? dirname(path) : path
  if (table.snapshotUnit !== 'batch' && newest?.unit === unit) return
  const reason = table.snapshotUnit === 'batch' ? 'a snapshot is all files of a batch' : `a newer one was loaded since (${newest?.path})`
  throw new TableError('ING-TABLE-UNDO', `${path} is a snapshot of ${table.name} that cannot be loaded again: ${reason}`, {
    hint: `ingest restore ${table.name} goes back to an older version`,
  })
}
