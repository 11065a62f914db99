import type { Ingest } from '../app/ingest.ts'
import { selectTables } from '../app/select-tables.ts'
import type { MaintenanceTable } from '../model/report.ts'
import { type ExitCode, exitCodeOfTables } from './exit-codes.ts'
import type { Cli } from './frame.ts'
import type { Shown } from './report/maintenance-summary.ts'

interface Work<T extends MaintenanceTable> {
  /** As the command line names them. */
  readonly tables: readonly string[] | undefined
  readonly isDryRun: boolean
  /** What is done, as `optimizing`. */
  readonly doing: string
  readonly run: (tables: readonly string[] | undefined) => Promise<{ readonly tables: readonly T[] }>
  readonly lines: (table: T, shown: Shown) => readonly string[]
}

/** Works on one table after another and tells each when it has ended, since a large one takes long; `--json` tells them at the end. */
export async function tableByTable<T extends MaintenanceTable>(ingest: Ingest, { output }: Cli, work: Work<T>): Promise<ExitCode> {
  if (output.json) {
    const report = await work.run(work.tables)
    await output.document(report)
    return exitCodeOfTables(report.tables)
  }
  const names = selectTables(ingest.config.tables, work.tables).map((table) => table.name)
  const ended: T[] = []
  for (const [index, name] of names.entries()) {
    const place = { number: index + 1, total: names.length }
    output.progress(`[${place.number} of ${place.total}] ${work.doing} ${name} …`)
    const report = await work.run([name]).finally(() => output.progress(''))
    for (const table of report.tables) {
      await output.line(work.lines(table, { place, isDryRun: work.isDryRun, colors: output.colors }).join('\n'))
    }
    ended.push(...report.tables)
  }
  if (names.length === 0) await output.line('The config has no tables.')
  return exitCodeOfTables(ended)
}
