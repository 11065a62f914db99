import type { MaintenanceTable, OptimizeReport, VacuumReport } from '../../model/report.ts'
import type { Colors } from '../output.ts'
import { bytes, count, counted, duration } from '../text/numbers.ts'
import { printable } from '../text/printable.ts'
import { optimizeText, vacuumText } from './maintenance-text.ts'
import { errorLines } from './run-summary.ts'

/** Where a table stands among those of the command. */
export interface Place {
  readonly number: number
  readonly total: number
}

export interface Shown {
  readonly place: Place
  readonly isDryRun: boolean
  readonly colors: Colors
}

export function optimizeLines(table: OptimizeReport['tables'][number], { place, isDryRun, colors }: Shown): readonly string[] {
  const { files_removed: removed, bytes_removed: size, files_added: added } = table
  const foreseen =
    removed === 0 ? optimizeText(table) : `would put ${counted(removed, 'file')} (${bytes(size)}) together into about ${count(added)}`
  return tableLines(table, { ...place, text: isDryRun ? foreseen : optimizeText(table) }, colors)
}

/** Names of files that a dry run tells; `--json` has more. */
const NAMED = 20

export function vacuumLines(table: VacuumReport['tables'][number], { place, isDryRun, colors }: Shown): readonly string[] {
  if (!isDryRun) return tableLines(table, { ...place, text: vacuumText(table) }, colors)
  const text = table.files === 0 ? vacuumText(table) : `would delete ${counted(table.files, 'file')} (${bytes(table.bytes)})`
  const rest = table.files - Math.min(NAMED, table.paths.length)
  return [
    ...tableLines(table, { ...place, text }, colors),
    ...table.paths.slice(0, NAMED).map((path) => `    ${printable(path)}`),
    ...(rest > 0 ? [`    and ${count(rest)} more`] : []),
  ]
}

const WORDS = { pass: 'FINISHED', error: 'ERROR', skip: 'SKIP' } as const

function tableLines(
  { table, status, reason, error, seconds }: MaintenanceTable,
  { number, total, text }: Place & { readonly text: string },
  colors: Colors,
): readonly string[] {
  const paint = { pass: colors.green, error: colors.red, skip: colors.dim }[status]
  const head = `[${number} of ${total}] ${paint(WORDS[status])} ${printable(table)}`
  if (status === 'pass') return [`${head} in ${duration(seconds)}: ${text}`]
  if (error === null) return [`${head}: ${printable(reason ?? '')}`]
  return [head, ...errorLines(error, colors)]
}
