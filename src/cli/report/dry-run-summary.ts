import type { ReportRows, RunReport, TableReport } from '../../model/report.ts'
import type { Colors } from '../output.ts'
import { bytes, count, counted } from '../text/numbers.ts'
import { printable, printableLines } from '../text/printable.ts'
import { differenceLines } from './difference.ts'
import { errorLines, expectationLines, type Place } from './run-summary.ts'

/** What the next run would do with one table. */
export function dryRunLines(report: TableReport, { number, total }: Place, colors: Colors): readonly string[] {
  const { plan } = report
  const lines = [`[${number} of ${total}] ${colors.bold(printable(report.table))}`]
  if (plan !== null) {
    lines.push(`    source    ${printable(plan.source)}`, `    target    ${printable(plan.target)}`)
  }
  if (plan?.transform !== undefined) lines.push(`    transform ${printable(plan.transform)}`)
  lines.push(`    strategy  ${printable(report.strategy)}`)
  if (plan !== null) {
    lines.push(`    files     ${plan.files === 0 ? 'none to load' : `${count(plan.files)} to load (${bytes(plan.bytes)})`}`)
    lines.push(`    schema    ${schemaText(plan.schema_change)}`)
    if (plan.rows !== null) lines.push(`    rows      ${rowsText(plan.rows)}`)
    lines.push(...expectationLines(report))
    if (plan.difference !== null) lines.push(...differenceLines(plan.difference, colors))
  }
  if (plan === null && report.errors.length === 0) lines.push('    files     none to load')
  if (report.reason !== null) lines.push(`    note      ${printable(report.reason)}`)
  lines.push(
    ...report.warnings.map(
      ({ file, message }) => `    ${colors.yellow('warning')}   ${file === null ? '' : `${printable(file)}: `}${printableLines(message)}`,
    ),
  )
  lines.push(...report.errors.flatMap((error) => errorLines(error, colors)))
  return lines
}

function schemaText(change: readonly { readonly column: string; readonly type: string }[]): string {
  if (change.length === 0) return 'no change'
  return `adds ${change.map(({ column, type }) => `${printable(column)} ${printable(type)}`).join(', ')}`
}

function rowsText({ inserted, updated, deleted, unchanged, rejected, filtered }: ReportRows): string {
  const parts = { inserted, updated, deleted, unchanged, rejected, ...(filtered === 0 ? {} : { filtered }) }
  return Object.entries(parts)
    .map(([word, number]) => `${count(number)} ${word}`)
    .join(', ')
}

export function dryRunDoneLine({ tables }: RunReport): string {
  const plans = tables.flatMap(({ plan }) => (plan === null ? [] : [plan]))
  const sum = (value: (plan: (typeof plans)[number]) => number) => plans.reduce((total, plan) => total + value(plan), 0)
  const busy = plans.filter((plan) => plan.files > 0).length
  return `Dry run, nothing was changed: ${counted(
    sum((plan) => plan.files),
    'file',
  )} (${bytes(sum((plan) => plan.bytes))}) would load into ${counted(busy, 'table')}.`
}
