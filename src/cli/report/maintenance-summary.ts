import type { MaintenanceTable, OptimizeReport, VacuumReport } from '../../model/report.ts'
import type { Colors } from '../output.ts'
import { bytes, count, counted, duration } from '../text/numbers.ts'
import { printable } from '../text/printable.ts'
import { optimizeText, vacuumText } from './maintenance-text.ts'
import { errorLines, type Place, tableHead } from './run-summary.ts'

export interface Shown {
  readonly place: Place
  readonly isDryRun: boolean
  readonly colors: Colors
}

export function optimizeLines(table: OptimizeReport['tables'][number], { place, isDryRun, colors }: Shown): readonly string[] {
  const { files_removed: removed, bytes_removed: size, files_added: added } = table
  const foreseen =
    removed === 0 ? optimizeText(table) : `would put ${counted(removed, 'file')} (${bytes(size)}) together into about ${count(added)}`
  return tableLines(table, isDryRun ? foreseen : optimizeText(table), place, colors)
}

/** Names of files that a dry run tells; `--json` has more. */
const NAMED = 20

export function vacuumLines(table: VacuumReport['tables'][number], { place, isDryRun, colors }: Shown): readonly string[] {
  if (!isDryRun) return tableLines(table, vacuumText(table), place, colors)
  const text = table.files === 0 ? vacuumText(table) : `would delete ${counted(table.files, 'file')} (${bytes(table.bytes)})`
  const rest = table.files - Math.min(NAMED, table.paths.length)
  return [
    ...tableLines(table, text, place, colors),
    ...table.paths.slice(0, NAMED).map((path) => `    ${printable(path)}`),
    ...(rest > 0 ? [`    and ${count(rest)} more`] : []),
  ]
}

function tableLines(
  { table, status, reason, error, seconds }: MaintenanceTable,
  text: string,
  place: Place,
  colors: Colors,
): readonly string[] {
  const head = tableHead(table, status, place, colors)
  if (status === 'pass') return [`${head} in ${duration(seconds)}: ${text}`]
  if (error === null) return [`${head}: ${printable(reason ?? '')}`]
  return [head, ...errorLines(error, colors)]
}
