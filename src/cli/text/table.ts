import { printable } from './printable.ts'
import { widthOf } from './width.ts'

export interface TableColumn {
  readonly head: string
  /** Numbers stand right. */
  readonly align?: 'left' | 'right'
  /** Left out where the terminal is too narrow for all. */
  readonly spare?: true
}

export interface TableStyle {
  readonly head: (text: string) => string
  /** Colours a padded cell; its raw text decides. */
  readonly cell: (padded: string, raw: string, column: number) => string
}

export const PLAIN: TableStyle = { head: (text) => text, cell: (padded) => padded }

/**
 * Aligned columns without borders. Rows come in blocks, so that a result of any length is shown in bounded memory;
 * columns only ever grow from block to block.
 */
export class TextTable {
  readonly #columns: readonly TableColumn[]
  readonly #style: TableStyle
  readonly #widths: number[]
  #shown: readonly number[]

  constructor(columns: readonly TableColumn[], style: TableStyle = PLAIN) {
    this.#columns = columns.map((column) => ({ ...column, head: printable(column.head) }))
    this.#style = style
    this.#widths = this.#columns.map((column) => widthOf(column.head))
    this.#shown = this.#columns.map((_, index) => index)
  }

  /** Leaves out spare columns, the last first, until the rows fit into so many columns of a terminal. False when they never do. */
  fits(rows: readonly (readonly string[])[], available: number): boolean {
    this.#measure(rows.map((row) => row.map(printable)))
    const spare = this.#shown.filter((index) => this.#columns[index]?.spare)
    while (this.#width() > available && spare.length > 0) {
      const left = spare.pop()
      this.#shown = this.#shown.filter((index) => index !== left)
    }
    return this.#width() <= available
  }

  /** The head line, fitted to what was shown or measured so far. */
  head(): string {
    return this.#shown
      .map((index) => this.#style.head(this.#padded(this.#columns[index]?.head ?? '', index)))
      .join('  ')
      .trimEnd()
  }

  /** Fits the columns to the rows and returns their lines. */
  lines(rows: readonly (readonly string[])[]): readonly string[] {
    const safe = rows.map((row) => row.map(printable))
    this.#measure(safe)
    return safe.map((row) =>
      this.#shown
        .map((index) => this.#style.cell(this.#padded(row[index] ?? '', index), row[index] ?? '', index))
        .join('  ')
        .trimEnd(),
    )
  }

  #measure(rows: readonly (readonly string[])[]): void {
    for (const row of rows) {
      for (const [index, cell] of row.entries()) this.#widths[index] = Math.max(this.#widths[index] ?? 0, widthOf(cell))
    }
  }

  #width(): number {
    return this.#shown.reduce((sum, index) => sum + (this.#widths[index] ?? 0), 2 * (this.#shown.length - 1))
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
