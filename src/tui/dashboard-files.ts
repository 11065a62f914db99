import { bytes, count } from '../cli/text/numbers.ts'
import type { TableColumn } from '../cli/text/table.ts'
import type { ExplainReport } from '../model/report.ts'
import type { StatusFile } from '../model/status-report.ts'
import { aligned, cut, cutPath, type Frame, fromNow, type Paint, windowOf, wrapped } from './dashboard-parts.ts'
import type { View } from './dashboard-state.ts'

const FILE_COLUMNS: readonly TableColumn[] = [
  { head: '  STATUS' },
  { head: 'FILE' },
  { head: 'ROWS', align: 'right', spare: true },
  { head: 'WHEN', align: 'right', spare: true },
  { head: 'TABLE', spare: true },
  { head: 'SIZE', align: 'right', spare: true },
  { head: 'WHY', spare: true },
]

/** Files, the selected one marked; none where the list is only looked at. */
export function filesLines(files: readonly StatusFile[], selected: number | null, frame: Frame): readonly string[] {
  const { width, nowMs, paint } = frame
  const { from, rows } = windowOf(files, selected ?? 0, frame.room - 1)
  const cells = rows.map((file, index) => [
    `${from + index === selected ? '›' : ' '} ${file.status}`,
    cutPath(file.file, Math.max(20, width - (width >= 100 ? 72 : 34))),
    file.rows === null ? '' : count(file.rows),
    fromNow(file.at, nowMs),
    cutPath(file.table, width >= 160 ? 40 : 24),
    bytes(file.bytes),
    cut(file.why ?? '', Math.max(16, width - 140)),
  ])
  const cell = (text: string, raw: string, column: number) => (column === 0 ? statusPaint(paint, raw)(text) : text)
  return aligned({ columns: FILE_COLUMNS, cell }, cells, selected === null ? null : selected - from, frame)
}

function statusPaint(paint: Paint, cell: string): (text: string) => string {
  if (cell.endsWith('failed')) return paint.red
  if (cell.endsWith('completed')) return paint.green
  return cell.endsWith('processing') ? paint.cyan : (text) => text
}

/** What `ingest explain` tells of a file, scrolled to the selected line. */
export function fileLines(reports: readonly ExplainReport[], { subject, selected }: View, frame: Frame): readonly string[] {
  const { width, paint } = frame
  if (reports.length === 0) return [cutPath(subject, width), '', 'looking at it …']
  const lines = reports.flatMap((report) => [
    ...wrapped(report.file, width).map((line) => paint.bold(line)),
    cut(`${report.table ?? 'no table'}  ${report.status ?? 'unknown to the tracker'}  ${report.verdict.replaceAll('_', ' ')}`, width),
    '',
    ...report.steps.flatMap((step) => {
      const [first = '', ...more] = hung(`${step.check}: ${step.detail}`, width - 1)
      return [`${step.passed ? paint.green('✓') : paint.red('✗')}  ${first}`, ...more]
    }),
    ...(report.history.length === 0 ? [] : ['', paint.dim('HISTORY')]),
    ...report.history.flatMap((event) => hung(`${event.at}  ${event.from ?? 'new'} → ${event.to}  ${event.reason ?? ''}`.trimEnd(), width)),
    ...(report.expectations === undefined ? [] : ['', paint.dim('EXPECTATIONS')]),
    ...(report.expectations ?? []).flatMap(({ at, name, on_violation: action, violated }) =>
      hung(`${at}  broke ${name} (${action}): ${count(violated)}`, width),
    ),
    '',
  ])
  return lines.slice(Math.max(0, Math.min(selected, lines.length - frame.room)))
}

/** A text whose further lines are set in. */
function hung(text: string, width: number): readonly string[] {
  const [first = '', ...more] = wrapped(text, width - 3)
  return [first, ...more.map((line) => `   ${line}`)]
}
