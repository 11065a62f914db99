import type { MaintenanceTable, OptimizeCounts, OptimizeReport, VacuumReport } from '../../model/report.ts'
import type { Colors } from '../output.ts'
import { bytes, count, counted, duration } from '../text/numbers.ts'
import { printable } from '../text/printable.ts'
import { optimizeText, vacuumText } from './maintenance-text.ts'
import { errorLines } from './run-summary.ts'

export function optimizeLines({ tables, dry_run: isDryRun }: OptimizeReport, colors: Colors): readonly string[] {
  const foreseen = (counts: OptimizeCounts) =>
    counts.files_removed === 0
      ? optimizeText(counts)
      : `would put ${counted(counts.files_removed, 'file')} (${bytes(counts.bytes_removed)}) together into about ${count(counts.files_added)}`
  return tables.flatMap((table, index) =>
    tableLines(table, { number: index + 1, total: tables.length, text: isDryRun ? foreseen(table) : optimizeText(table) }, colors),
  )
}

/** Names of files that a dry run tells; `--json` has more. */
const NAMED = 20

export function vacuumLines({ tables, dry_run: isDryRun }: VacuumReport, colors: Colors): readonly string[] {
  return tables.flatMap((table, index) => {
    const foreseen = table.files === 0 ? vacuumText(table) : `would delete ${counted(table.files, 'file')} (${bytes(table.bytes)})`
    const lines = tableLines(table, { number: index + 1, total: tables.length, text: isDryRun ? foreseen : vacuumText(table) }, colors)
    if (!isDryRun) return lines
    const rest = table.files - Math.min(NAMED, table.paths.length)
    return [
      ...lines,
      ...table.paths.slice(0, NAMED).map((path) => `    ${printable(path)}`),
      ...(rest > 0 ? [`    and ${count(rest)} more`] : []),
    ]
  })
}

const WORDS = { pass: 'FINISHED', error: 'ERROR', skip: 'SKIP' } as const

function tableLines(
  { table, status, reason, error, seconds }: MaintenanceTable,
  { number, total, text }: { readonly number: number; readonly total: number; readonly text: string },
  colors: Colors,
): readonly string[] {
  const paint = { pass: colors.green, error: colors.red, skip: colors.dim }[status]
  const head = `[${number} of ${total}] ${paint(WORDS[status])} ${printable(table)}`
  if (status === 'pass') return [`${head} in ${duration(seconds)}: ${text}`]
  if (error === null) return [`${head}: ${printable(reason ?? '')}`]
  return [head, ...errorLines(error, colors)]
}
