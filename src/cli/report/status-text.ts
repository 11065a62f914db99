import type { StatusReport } from '../../model/status-report.ts'
import type { Output } from '../output.ts'
import { cleanUpsText } from '../text/clean-ups.ts'
import { bytes, count } from '../text/numbers.ts'
import { printable } from '../text/printable.ts'
import type { TableColumn } from '../text/table.ts'
import { printRows } from './blocks.ts'
import { tableStyle } from './style.ts'

const COLUMNS: readonly TableColumn[] = [
  { head: 'TABLE' },
  { head: 'STRATEGY', spare: true },
  { head: 'PENDING', align: 'right' },
  { head: 'PROCESSING', align: 'right', spare: true },
  { head: 'COMPLETED', align: 'right' },
  { head: 'FAILED', align: 'right' },
  { head: 'SKIPPED', align: 'right' },
  { head: 'ROWS', align: 'right' },
  { head: 'REJECTED', align: 'right', spare: true },
  { head: 'SIZE', align: 'right', spare: true },
  { head: 'LAST LOADED', spare: true },
]
const FAILED = COLUMNS.findIndex((column) => column.head === 'FAILED')

/** A line for each table, what is at work, and the last error of those that have failed files. */
export async function printStatus(report: StatusReport, output: Output): Promise<void> {
  const rows = report.tables.map(({ table, strategy, paused, files, ...rest }) => [
    paused ? `${table} (paused)` : table,
    strategy,
    ...[files.pending, files.processing, files.completed, files.failed, files.skipped].map(count),
    count(rest.rows),
    count(rest.rows_rejected),
    bytes(rest.bytes),
    rest.last_loaded_at ?? 'never',
  ])
  const { colors } = output
  const style = tableStyle(colors, (padded, raw, column) => (column === FAILED && raw !== '0' ? colors.red(padded) : padded))
  await printRows(output, COLUMNS, rows, style)
  const more = [...activityText(report), ...heldText(report), ...cleanUpText(report), ...errorText(report, output)]
  if (more.length > 0) await output.line(['', ...more].join('\n'))
}

function activityText({ activity }: StatusReport): readonly string[] {
  return activity.map(({ table_name: table, stage, files, files_done: done, fraction, rows }) => {
    const share = fraction === null ? '' : ` (${Math.floor(fraction * 100)}%)`
    return stage === 'loading'
      ? `${table}: loading, ${count(done)} of ${count(files)} files${share}, ${count(rows)} rows`
      : `${table}: ${stage}`
  })
}

function heldText({ tables }: StatusReport): readonly string[] {
  return tables
    .filter(({ files }) => files.held > 0)
    .map(({ table, files }) => `${table}: ${count(files.held)} held; see: ingest files --status pending, then ingest approve FILE`)
}

function cleanUpText({ tables }: StatusReport): readonly string[] {
  return tables.flatMap(({ table, clean_ups: cleanUps }) => {
    const text = cleanUpsText(cleanUps)
    return text === '' ? [] : [`${table}: ${printable(text)}`]
  })
}

function errorText({ tables }: StatusReport, { colors }: Output): readonly string[] {
  const errors = tables.flatMap(({ table, files, last_error: error }) =>
    files.failed > 0 && error !== null ? [`${colors.red(table)}: ${printable(error)}`] : [],
  )
  return errors.length === 0 ? [] : [...errors, colors.dim('see: ingest files --status failed')]
}
