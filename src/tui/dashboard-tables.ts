import { cleanUpsText } from '../cli/text/clean-ups.ts'
import { bytes, count, counted } from '../cli/text/numbers.ts'
import type { TableColumn } from '../cli/text/table.ts'
import type { TableDetail, TableState } from '../model/status-report.ts'
import { activityLines } from './dashboard-activity.ts'
import { causesLines } from './dashboard-errors.ts'
import { filesLines } from './dashboard-files.ts'
import { aligned, cut, cutPath, type Frame, fromNow, shortSpan, sparkline, windowOf } from './dashboard-parts.ts'

const MINUTE_MS = 60_000

/** The least useful last: what does not fit goes from the end, but for the name. */
const STATE_COLUMNS: readonly TableColumn[] = [
  { head: '  TABLE' },
  { head: 'PENDING', align: 'right' },
  { head: 'FAILED', align: 'right' },
  { head: 'LOADED', align: 'right' },
  { head: 'LAG', align: 'right' },
  { head: 'LAST HOUR', spare: true },
  { head: 'ROWS', align: 'right', spare: true },
  { head: 'STATE', spare: true },
  { head: 'NEXT', spare: true },
  { head: 'LAST LOADED', spare: true },
  { head: 'SKIPPED', align: 'right', spare: true },
  { head: 'SIZE', align: 'right', spare: true },
  { head: 'LAST ERROR', spare: true },
]
const FAILED_COLUMN = 2

/** Tables with their counts; nothing is selected where no index is given. */
export function statesLines(states: readonly TableState[], selected: number, frame: Frame): readonly string[] {
  if (states.length === 0) return ['no table is configured']
  const { width, nowMs, paint } = frame
  const { from, rows } = windowOf(states, selected, frame.room - 1)
  const bars = width >= 120 ? 30 : 12
  const cells = rows.map((state, index) => {
    const mark = from + index === selected ? '›' : ' '
    const { files } = state
    return [
      `${mark} ${cutPath(state.table, Math.max(12, Math.floor(width / 3)))}`,
      files.held === 0 ? count(files.pending) : `${count(files.pending)} (${count(files.held)} held)`,
      count(files.failed),
      count(files.completed),
      state.lag_seconds === null ? '' : shortSpan(state.lag_seconds),
      sparkline(minutesOf(state, bars, nowMs)),
      count(state.rows),
      stateWord(state),
      fromNow(nextOf(state), nowMs),
      fromNow(state.last_loaded_at, nowMs),
      count(files.skipped),
      bytes(state.bytes),
      cut(state.listing_error ?? (files.failed > 0 ? (state.last_error ?? '') : ''), Math.max(20, width - 150)),
    ]
  })
  const cell = (text: string, raw: string, column: number) => (column === FAILED_COLUMN && raw !== '0' ? paint.red(text) : text)
  return aligned({ columns: STATE_COLUMNS, cell }, cells, selected - from, frame)
}

function stateWord({ paused, files, listing_error: listing }: TableState): string {
  if (paused) return 'paused'
  if (listing !== null) return 'not listed'
  return files.processing > 0 ? `loading ${count(files.processing)}` : ''
}

/** The next look at the folder, or else the next retry. */
function nextOf({ next_run_at: run, next_attempt_at: retry }: TableState): string | null {
  if (run === null || retry === null) return run ?? retry
  return run < retry ? run : retry
}

/** Rows of the last minutes. */
function minutesOf({ throughput }: TableState, minutes: number, nowMs: number): readonly number[] {
  const current = Math.floor(nowMs / MINUTE_MS)
  const byMinute = new Map(throughput.map((minute) => [Math.floor(Date.parse(minute.minute) / MINUTE_MS), minute.rows]))
  return Array.from({ length: minutes }, (_, index) => byMinute.get(current - minutes + 1 + index) ?? 0)
}

/** A table: its numbers, what is done with it, its batches and files, and what its files failed for. */
export function tableLines({ state, activity, batches, recent, causes }: TableDetail, selected: number, frame: Frame): readonly string[] {
  const { nowMs, width, paint } = frame
  const { files } = state
  const facts = [
    `${state.strategy}  ${state.target}`,
    [
      `${count(files.completed)} loaded`,
      `${count(files.pending)} pending`,
      ...(files.held > 0 ? [`${count(files.held)} held`] : []),
      `${count(files.processing)} loading`,
      `${count(files.failed)} failed`,
      `${count(files.skipped)} skipped`,
    ].join('  '),
    `${counted(state.rows, 'row')}  ${count(state.rows_rejected)} rejected  ${bytes(state.bytes)}${state.paused ? '  PAUSED' : ''}`,
    `last loaded ${fromNow(state.last_loaded_at, nowMs) || 'never'}  next ${fromNow(nextOf(state), nowMs) || 'with the next run'}${
      state.lag_seconds === null ? '' : `  lag ${shortSpan(state.lag_seconds)}`
    }`,
    `rows of the last hour  ${sparkline(minutesOf(state, Math.min(60, Math.max(10, width - 24)), nowMs))}`,
    ...[cleanUpsText(state.clean_ups)].filter((text) => text !== ''),
    ...(state.listing_error === null ? [] : [`listing failed: ${state.listing_error}`]),
  ].map((line) => cut(line, width))
  const running = activityLines(activity, frame)
  const failing = causes.length === 0 ? [] : ['', ...causesLines(causes, null, { ...frame, room: 4 })]
  const left = Math.max(0, frame.room - facts.length - running.length - failing.length - 2)
  const forBatches = Math.min(batches.length + 1, Math.max(0, Math.floor(left / 2)))
  const committed = forBatches < 2 ? [] : ['', ...batchLines(batches.slice(0, forBatches - 1), frame)]
  const forFiles = frame.room - facts.length - running.length - failing.length - committed.length - 1
  const listed = forFiles < 2 || recent.length === 0 ? [] : ['', ...filesLines(recent, selected, { ...frame, room: forFiles })]
  return [...facts.map((line, index) => (index === 0 ? paint.dim(line) : line)), ...running, ...committed, ...failing, ...listed]
}

const BATCH_COLUMNS: readonly TableColumn[] = [
  { head: '  BATCH' },
  { head: 'STATUS' },
  { head: 'VERSION', align: 'right' },
  { head: 'FILES', align: 'right' },
  { head: 'ROWS', align: 'right' },
  { head: 'TOOK', align: 'right', spare: true },
  { head: 'WHEN', spare: true },
]

function batchLines(batches: TableDetail['batches'], frame: Frame): readonly string[] {
  const rows = batches.map((batch) => [
    `  ${batch.batch}`,
    batch.status,
    batch.version === null ? '' : String(batch.version),
    count(batch.files),
    batch.rows === null ? '' : count(batch.rows),
    batch.ended_at === null ? '' : `${((Date.parse(batch.ended_at) - Date.parse(batch.started_at)) / 1000).toFixed(1)}s`,
    fromNow(batch.ended_at ?? batch.started_at, frame.nowMs),
  ])
  return aligned({ columns: BATCH_COLUMNS }, rows, null, frame)
}
