import { printable } from '../cli/text/printable.ts'
import { type TableColumn, TextTable } from '../cli/text/table.ts'
import { widthOf } from '../cli/text/width.ts'

/** Colours of the terminal; each gives its text back unchanged where there are none. */
export type Paint = Readonly<
  Record<'bold' | 'dim' | 'inverse' | 'red' | 'green' | 'yellow' | 'cyan', (text: string | number | null | undefined) => string>
>

/** Where a frame is drawn. */
export interface Frame {
  /** Columns that may be written to. */
  readonly width: number
  /** Lines that a view may fill. */
  readonly room: number
  readonly nowMs: number
  readonly paint: Paint
}

const BARS = '▁▂▃▄▅▆▇█'

/** Amounts as bars, the highest for the greatest; nothing where all of them are nothing. */
export function sparkline(amounts: readonly number[]): string {
  const greatest = Math.max(0, ...amounts)
  if (greatest === 0) return ' '.repeat(amounts.length)
  return amounts.map((amount) => (amount === 0 ? ' ' : (BARS[Math.ceil((amount / greatest) * BARS.length) - 1] ?? '█'))).join('')
}

export function progressBar(fraction: number | null, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, fraction ?? 0)) * width)
  return `${'█'.repeat(full)}${'░'.repeat(width - full)}`
}

/** `12s`, `3m`, `2h`, `5d` */
export function shortSpan(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`
}

/** A time as it is from now: `3m ago`, `in 5s`. */
export function fromNow(at: string | null, nowMs: number): string {
  if (at === null) return ''
  const seconds = (Date.parse(at) - nowMs) / 1000
  return seconds > 0 ? `in ${shortSpan(seconds)}` : `${shortSpan(-seconds)} ago`
}

/** One line of text from outside, at most so many columns wide. */
export function cut(text: string, width: number): string {
  const safe = printable(text)
  return widthOf(safe) <= width ? safe : `${within([...safe], width - 1)}…`
}

/** A path, or the name of a table, of which the end is seen: what stands before it is often common to all of a list. */
export function cutPath(path: string, width: number): string {
  const safe = printable(path)
  if (widthOf(safe) <= width) return safe
  return `…${[...within([...safe].toReversed(), width - 1)].toReversed().join('')}`
}

/** As many characters as fit. */
function within(characters: readonly string[], width: number): string {
  let text = ''
  for (const character of characters) {
    if (widthOf(text + character) > width) break
    text += character
  }
  return text
}

/** The part of a list that is on the screen: so many of it, with the selected one among them. */
export function windowOf<T>(rows: readonly T[], selected: number, room: number): { readonly from: number; readonly rows: readonly T[] } {
  const from = Math.max(0, Math.min(rows.length - room, selected - Math.floor(room / 2)))
  return { from, rows: rows.slice(from, from + Math.max(0, room)) }
}

/** Text on lines of at most so many columns, broken between words. */
export function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of printable(text).split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (widthOf(longer) <= width) {
      line = longer
      continue
    }
    if (line !== '') lines.push(line)
    line = word
    while (widthOf(line) > width) {
      // At least one character, also where a wide one has no room.
      const part = within([...line], width) || ([...line][0] ?? '')
      lines.push(part)
      line = line.slice(part.length)
    }
  }
  return [...lines, line]
}

interface Columns {
  readonly columns: readonly TableColumn[]
  /** Colours a padded cell; its raw text decides. */
  readonly cell?: (text: string, raw: string, column: number) => string
}

/** Aligned columns without those that do not fit; the selected row stands out. */
export function aligned(
  { columns, cell = (text) => text }: Columns,
  rows: readonly (readonly string[])[],
  selected: number | null,
  { width, paint }: Frame,
): readonly string[] {
  const table = new TextTable(columns, { head: paint.dim, cell })
  table.fits(rows, width)
  const plain = new TextTable(columns)
  plain.fits(rows, width)
  const lines = table.lines(rows)
  const marked = plain.lines(rows)
  return [table.head(), ...lines.map((line, index) => (index === selected ? paint.inverse(marked[index]) : line))]
}
