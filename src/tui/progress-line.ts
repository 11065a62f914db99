import { bytes } from '../cli/text/numbers.ts'
import { bytesDone, bytesPerSecond, filesToLoad, fractionOf, remainingMs, type TableProgress } from './progress-state.ts'

/** Widths below which parts of a line are left out, the least useful first; 80 columns are what most terminals have. */
const WIDEST = 118
const WIDE = 92
const USUAL = 78
const MIDDLE = 64
const NARROW = 40

/** Width of a bar, where there is room and where other things need it more. */
const BAR = 20
const SHORT_BAR = 10

/** One line for a running table, at most `width` columns. */
export function progressLine(table: TableProgress, nameWidth: number, width: number, nowMs: number): string {
  const name = clipped(table.table, nameWidth).padEnd(nameWidth)
  const parts = [name]
  if (width >= MIDDLE) parts.push(barOf(fractionOf(table), width >= USUAL && width < WIDEST ? SHORT_BAR : BAR))
  if (width >= NARROW) parts.push(percentOf(fractionOf(table)))
  parts.push(amountOf(table))
  if (width >= WIDE) parts.push(`${grouped(table.rowsDone)} rows`)
  if (width >= USUAL && table.bytes > 0) parts.push(bytes(bytesDone(table)))
  if (width >= WIDEST) parts.push(rateOf(bytesPerSecond(table, nowMs)))
  if (width >= USUAL) parts.push(etaOf(remainingMs(table, nowMs)))
  if (width >= MIDDLE) parts.push(table.stage)
  return clipped(parts.filter((part) => part !== '').join('  '), width)
}

/** Room for the names, so that the bars stand below each other. */
export function nameWidthOf(tables: readonly TableProgress[], width: number): number {
  const longest = Math.max(0, ...tables.map((table) => table.table.length))
  return Math.min(longest, Math.max(8, Math.floor(width / 3)))
}

/** The last line: how far the run is. */
export function totalLine(tables: readonly TableProgress[], total: number, elapsedMs: number): string {
  const ended = tables.filter((table) => table.ended !== null).length
  const sum = (value: (table: TableProgress) => number) => tables.reduce((all, table) => all + value(table), 0)
  const size = sum(bytesDone)
  return `${ended} of ${total} tables  ${grouped(sum((table) => table.filesDone))} files  ${grouped(sum((table) => table.rowsDone))} rows  ${size === 0 ? '' : `${bytes(size)}  `}${clock(elapsedMs)}`
}

function barOf(fraction: number | null, width: number): string {
  const full = Math.round((fraction ?? 0) * width)
  return `${'█'.repeat(full)}${'░'.repeat(width - full)}`
}

function rateOf(perSecond: number | null): string {
  return perSecond === null ? '' : `${bytes(perSecond)}/s`
}

function percentOf(fraction: number | null): string {
  return (fraction === null ? '' : `${Math.floor(fraction * 100)}%`).padStart(4)
}

function amountOf(table: TableProgress): string {
  const files = filesToLoad(table)
  return files === 0 ? `${grouped(table.listed)} seen` : `${grouped(table.filesDone)}/${grouped(files)} files`
}

function etaOf(ms: number | null): string {
  return ms === null ? '' : `ETA ${clock(ms)}`
}

/** `7s`, `2m05s`, `1h02m` */
function clock(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`
  return `${Math.floor(seconds / 3600)}h${two(Math.floor((seconds % 3600) / 60))}m`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

function grouped(value: number): string {
  return value.toLocaleString('en-US')
}

/** Text cut to a width, with a sign that it was. */
export function clipped(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`
}
