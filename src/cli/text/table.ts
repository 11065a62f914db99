import { printable } from './printable.ts'
import { widthOf } from './width.ts'

export interface TableColumn {
  readonly head: string
  /** Numbers stand right. */
  readonly align?: 'left' | 'right'
}

export interface TableStyle {
  readonly head: (text: string) => string
  /** Colours a padded cell; its raw text decides. */
  readonly cell: (padded: string, raw: string, column: number) => string
}

const PLAIN: TableStyle = { head: (text) => text, cell: (padded) => padded }

/**
 * Aligned columns without borders. Rows come in blocks, so that a result of any length is shown in bounded memory;
 * columns only ever grow from block to block.
 */
export class TextTable {
  readonly #columns: readonly TableColumn[]
  readonly #style: TableStyle
  readonly #widths: number[]

  constructor(columns: readonly TableColumn[], style: TableStyle = PLAIN) {
    this.#columns = columns.map((column) => ({ ...column, head: printable(column.head) }))
    this.#style = style
    this.#widths = this.#columns.map((column) => widthOf(column.head))
  }

  /** The head line, fitted to what was shown or measured so far. */
  head(): string {
    return this.#columns
      .map((column, index) => this.#style.head(this.#padded(column.head, index)))
      .join('  ')
      .trimEnd()
  }

  /** Fits the columns to the rows and returns their lines. */
  lines(rows: readonly (readonly string[])[]): readonly string[] {
    const safe = rows.map((row) => row.map(printable))
    for (const row of safe) {
      for (const [index, cell] of row.entries()) this.#widths[index] = Math.max(this.#widths[index] ?? 0, widthOf(cell))
    }
    return safe.map((row) =>
      row
        .map((cell, index) => this.#style.cell(this.#padded(cell, index), cell, index))
        .join('  ')
        .trimEnd(),
    )
  }

  #padded(text: string, index: number): string {
    const fill = ' '.repeat(Math.max(0, (this.#widths[index] ?? 0) - widthOf(text)))
    return this.#columns[index]?.align === 'right' ? fill + text : text + fill
  }
}

/** A whole small table: its head and its rows. */
export function textTable(columns: readonly TableColumn[], rows: readonly (readonly string[])[], style: TableStyle = PLAIN): string {
  const table = new TextTable(columns, style)
  const lines = table.lines(rows)
  return [table.head(), ...lines].join('\n')
}
