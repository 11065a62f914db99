import { clipped, nameWidthOf, progressLine, totalLine } from './progress-line.ts'
import type { RunProgress } from './progress-state.ts'

export interface FrameLine {
  readonly key: string
  readonly text: string
  readonly dim: boolean
}

export interface Screen {
  readonly columns: number
  readonly rows: number
  readonly nowMs: number
}

/** Rows of the terminal that are left to what is not a table: the total, «and N more», and the row that the cursor is in. */
const SPARE_ROWS = 3

/** What is drawn of a run. It never fills the screen: Ink would clear all of it at every frame. */
export function progressFrame(progress: RunProgress, { columns, rows, nowMs }: Screen): readonly FrameLine[] {
  // The last column stays free: many terminals break the line when it is written to.
  const width = Math.max(10, columns - 1)
  const running = progress.tables.filter((table) => table.ended === null)
  const shown = running.slice(0, Math.max(1, rows - SPARE_ROWS))
  const names = nameWidthOf(shown, width)
  const hidden = running.length - shown.length
  return [
    ...shown.map((table) => ({ key: table.table, text: progressLine(table, names, width, nowMs), dim: false })),
    ...(hidden > 0 ? [{ key: ' more', text: clipped(`and ${hidden} more`, width), dim: true }] : []),
    { key: ' total', text: clipped(totalLine(progress.tables, progress.total, nowMs - progress.startedMs), width), dim: true },
  ]
}

/**
 * Rows that a frame takes beyond one a line, once the terminal has become narrower and has broken its lines: Ink
 * erases one row for each line, and would leave the rest as litter.
 */
export function brokenRows(frame: readonly FrameLine[], columns: number): number {
  return frame.reduce((rows, { text }) => rows + Math.max(0, Math.ceil(text.length / Math.max(1, columns)) - 1), 0)
}
