import { count } from '../cli/text/numbers.ts'
import type { TableColumn } from '../cli/text/table.ts'
import type { ErrorCause } from '../model/error-cause.ts'
import { aligned, cut, type Frame, fromNow, windowOf, wrapped } from './dashboard-parts.ts'
import { causeKey } from './dashboard-state.ts'

const CAUSE_COLUMNS: readonly TableColumn[] = [
  { head: '  FILES' },
  { head: 'CODE' },
  { head: 'LAST', spare: true },
  { head: 'TABLES', spare: true },
  { head: 'MESSAGE' },
]

/** Failed files by their cause; nothing is selected where the list is only looked at. */
export function causesLines(causes: readonly ErrorCause[], selected: number | null, frame: Frame): readonly string[] {
  if (causes.length === 0) return ['no file is failed']
  const { width, nowMs, paint } = frame
  const { from, rows } = windowOf(causes, selected ?? 0, frame.room - 1)
  const cells = rows.map((cause, index) => [
    `${from + index === selected ? '›' : ' '} ${count(cause.files)}`,
    cause.code ?? '',
    fromNow(cause.last_at, nowMs),
    cut(cause.tables.join(' '), 30),
    cut(cause.message, Math.max(16, width - (width >= 110 ? 76 : 40))),
  ])
  const cell = (text: string, _: string, column: number) => (column === 1 ? paint.red(text) : text)
  return aligned({ columns: CAUSE_COLUMNS, cell }, cells, selected === null ? null : selected - from, frame)
}

/** One cause: what its code means, the newest file, and what to do. */
export function causeLines(causes: readonly ErrorCause[], key: string, { width, nowMs, paint }: Frame): readonly string[] {
  const cause = causes.find((one) => causeKey(one) === key)
  if (cause === undefined) return ['no file is failed for this any more']
  const paragraph = (text: string) => wrapped(text, width)
  return [
    paint.red(paint.bold(cause.code ?? 'no code')),
    ...(cause.meaning === null ? [] : paragraph(cause.meaning)),
    '',
    ...paragraph(
      `${count(cause.files)} of the newest failed files, in ${cause.tables.join(', ')}, the last ${fromNow(cause.last_at, nowMs)}`,
    ),
    '',
    paint.dim('NEWEST'),
    ...paragraph(cause.example.file),
    ...paragraph(cause.example.message),
    ...(cause.remedy === null ? [] : ['', paint.dim('WHAT TO DO'), ...paragraph(cause.remedy)]),
    '',
    paint.dim('enter: explain this file'),
  ]
}
