import type { RowDifference, SampleChange, SampleRow, Samples } from '../../model/report.ts'
import type { Colors } from '../output.ts'
import { counted } from '../text/numbers.ts'
import { printable } from '../text/printable.ts'

/** Rows that a dry run would change, some of each kind. */
export function differenceLines({ inserted, updated, closed, opened, deleted }: RowDifference, colors: Colors): readonly string[] {
  return [
    ...kind(inserted, 'inserted', (row) => [colors.green(`+ ${rowText(row)}`)]),
    ...kind(opened, 'opened', (row) => [colors.green(`+ ${rowText(row)}`)]),
    ...kind(updated, 'updated', (change) => changeLines(change, colors)),
    ...kind(closed, 'closed', (change) => changeLines(change, colors)),
    ...kind(deleted, 'deleted', (row) => [colors.red(`- ${rowText(row)}`)]),
  ]
}

function kind<T>(of: Samples<T> | null, word: string, lines: (sample: T) => readonly string[]): readonly string[] {
  if (of === null || of.rows === 0) return []
  const rest = of.rows - of.samples.length
  return [
    `    ${word.padEnd(9)} ${counted(of.rows, 'row')}`,
    ...of.samples.flatMap(lines).map((line) => `      ${line}`),
    ...(rest > 0 ? [`      … and ${rest} more`] : []),
  ]
}

function changeLines({ key, changes }: SampleChange, colors: Colors): readonly string[] {
  const changed = Object.entries(changes).map(
    ([column, { before, after }]) => `${printable(column)}: ${valueText(before)} → ${valueText(after)}`,
  )
  return [colors.yellow(`~ ${rowText(key)}${changed.length === 0 ? '' : `  ${changed.join(', ')}`}`)]
}

function rowText(row: SampleRow): string {
  return Object.entries(row)
    .map(([column, value]) => `${printable(column)}=${valueText(value)}`)
    .join(' ')
}

/** A long value is cut: the document of --json has it whole. */
function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'null')
  return printable(text.length > 60 ? `${text.slice(0, 59)}…` : text)
}
