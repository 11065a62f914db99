import { bytes, counted } from '../cli/text/numbers.ts'
import { widthOf } from '../cli/text/width.ts'
import type { StatusFile, StatusReport } from '../model/status-report.ts'
import { activityLines } from './dashboard-activity.ts'
import { causeLines, causesLines } from './dashboard-errors.ts'
import { fileLines, filesLines } from './dashboard-files.ts'
import { cut, cutPath, type Frame, type Paint } from './dashboard-parts.ts'
import { actionText, type DashboardState, filesIn, type View, viewOf } from './dashboard-state.ts'
import { statesLines, tableLines } from './dashboard-tables.ts'

export interface DashboardScreen {
  readonly columns: number
  readonly rows: number
  readonly nowMs: number
  readonly paint: Paint
}

/** Title and the line of keys, each with a gap. */
const AROUND = 4
/** The keys in a line, the longest that fits. */
const KEYS = [
  '↑↓ move  enter open  esc back  / search  e errors  f files  ? help  q quit',
  '↑↓ enter esc  / search  e errors  f files  ? help  q quit',
  '↑↓ enter esc  / e f  ? help  q quit',
] as const

const HELP: readonly (readonly [string, string])[] = [
  ['↑ ↓ j k', 'move; page up and page down by ten'],
  ['enter', 'open what is selected'],
  ['esc', 'back'],
  ['t', 'tables'],
  ['f', 'files that were settled last'],
  ['e', 'failed files by their cause'],
  ['/', 'search files by a part of their path'],
  ['r', 'retry the failed files of the table, or the file'],
  ['s', 'skip the pending and failed files of the table, or the file'],
  ['a', 'approve the held files of the table, or the file'],
  ['p u', 'pause the table, resume it'],
  ['o', 'optimize the table'],
  ['q', 'quit'],
]

/** All that is on the screen, a line each: fewer than it has rows and columns, since a full last row or column would move it. */
export function dashboardFrame(state: DashboardState, { columns, rows, nowMs, paint }: DashboardScreen): readonly string[] {
  const frame: Frame = { width: Math.max(20, columns - 1), room: Math.max(1, rows - 1 - AROUND), nowMs, paint }
  const { status } = state.data
  const body = state.help ? helpLines(frame) : status === null ? ['reading the tracker …'] : bodyOf(state, status, frame)
  const shown = body.slice(0, frame.room)
  const gap = Array.from({ length: frame.room - shown.length }, () => '')
  return [titleLine(state, frame), '', ...shown, ...gap, '', bottomLine(state, frame)]
}

function helpLines({ paint, width, room }: Frame): readonly string[] {
  const lines = (columns: number) => HELP.map(([keys, does]) => `  ${paint.bold(keys.padEnd(9))} ${cut(does, columns).padEnd(columns)}`)
  const all = [
    paint.bold('Keys'),
    '',
    ...lines(width - 12).map((line) => line.trimEnd()),
    '',
    paint.dim('  each change is asked for: y or n'),
  ]
  if (all.length <= room) return all
  // A low terminal has them beside each other.
  const half = Math.ceil(HELP.length / 2)
  const short = lines(Math.max(1, Math.floor(width / 2) - 12))
  return short.slice(0, half).map((line, index) => line + (short[half + index] ?? ''))
}

function titleLine(state: DashboardState, { width, nowMs, paint }: Frame): string {
  const clock = `${new Date(nowMs).toISOString().slice(11, 19)} UTC`
  const parts = [titleOf(viewOf(state)), daemonText(state.data.status)]
  const text = `ingestd  ${parts.filter((part) => part !== '').join('  ')}`
  const room = width - clock.length - 2
  const left = cut(text, room)
  return `${paint.bold(left + ' '.repeat(room - widthOf(left)))}  ${paint.dim(clock)}`
}

function titleOf({ kind, subject }: View): string {
  switch (kind) {
    case 'tables':
      return 'tables'
    case 'table':
      return subject
    case 'files':
      return subject === '' ? 'recent files' : `files with ${JSON.stringify(subject)}`
    case 'file':
      return 'file'
    case 'errors':
      return 'errors by cause'
    case 'error':
      return 'error'
  }
}

function daemonText(status: StatusReport | null): string {
  if (status === null) return ''
  const running = status.daemons.find(({ state }) => state !== 'standby') ?? status.daemons[0]
  return running === undefined ? '(no daemon)' : `(daemon ${running.state}, pid ${running.pid} on ${running.host})`
}

function bottomLine(state: DashboardState, { width, paint }: Frame): string {
  if (state.asking !== null) return paint.yellow(`${cut(actionText(state.asking), width - 6)} [y/n]`)
  if (state.typing !== null) return `search: ${cutPath(state.typing, width - 9)}▏`
  if (state.message !== '') return paint.cyan(cut(state.message, width))
  return paint.dim(cut(KEYS.find((keys) => keys.length <= width) ?? '? help  q quit', width))
}

function bodyOf(state: DashboardState, status: StatusReport, frame: Frame): readonly string[] {
  const view = viewOf(state)
  switch (view.kind) {
    case 'tables':
      return overview(status, view, frame)
    case 'table':
      return state.data.detail === null ? ['reading the tracker …'] : tableLines(state.data.detail, view.selected, frame)
    case 'files':
      return filesBody(state, filesIn(state, view), view, frame)
    case 'file':
      return fileLines(state.data.explained, view, frame)
    case 'errors':
      return causesLines(status.causes, view.selected, frame)
    case 'error':
      return causeLines(status.causes, view.subject, frame)
  }
}

function filesBody(state: DashboardState, files: readonly StatusFile[], view: View, frame: Frame): readonly string[] {
  if (view.subject !== '' && state.data.found === null) return ['searching …']
  if (files.length === 0) return [view.subject === '' ? 'no file was settled yet' : 'no file has this in its path']
  return filesLines(files, view.selected, frame)
}

/** Tables first, what is at work, and what was settled last as far as there is room. */
function overview(status: StatusReport, view: View, frame: Frame): readonly string[] {
  const activity = activityLines(status.activity, frame)
  const forTables = Math.max(3, Math.min(status.tables.length + 1, frame.room - activity.length - 4))
  const tables = statesLines(status.tables, view.selected, { ...frame, room: forTables })
  // What is settled has a gap above, the totals have one, too.
  const rest = frame.room - tables.length - activity.length - 3
  const recent = rest < 3 || status.recent.length === 0 ? [] : ['', ...filesLines(status.recent, null, { ...frame, room: rest })]
  return [...tables, ...activity, ...recent, '', totalsLine(status, frame)]
}

function totalsLine({ tables, causes }: StatusReport, { paint, width }: Frame): string {
  const sum = (of: (table: StatusReport['tables'][number]) => number) => tables.reduce((all, table) => all + of(table), 0)
  const files = sum((table) => table.files.completed)
  const text = `${counted(tables.length, 'table')}  ${counted(files, 'file')} loaded  ${counted(
    sum((table) => table.rows),
    'row',
  )}  ${bytes(sum((table) => table.bytes))}  ${counted(causes.length, 'cause')} of errors`
  return paint.dim(cut(text, width))
}
