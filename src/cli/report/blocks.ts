import type { Output } from '../output.ts'
import { type TableColumn, type TableStyle, TextTable } from '../text/table.ts'

/** Rows that are measured together: enough to be aligned for the eye, few enough to be held. */
const BLOCK = 1000

/** Prints an aligned table of any length in bounded memory; returns the number of rows. */
export async function printRows(
  output: Output,
  columns: readonly TableColumn[],
  rows: AsyncIterable<readonly string[]>,
  style: TableStyle,
): Promise<number> {
  const table = new TextTable(columns, style)
  let printed = 0
  let block: (readonly string[])[] = []
  const flush = async () => {
    const lines = table.lines(block)
    // The head comes after its first rows are measured.
    if (printed === 0) await output.line(table.head())
    if (lines.length > 0) await output.line(lines.join('\n'))
    printed += lines.length
    block = []
  }
  for await (const row of rows) {
    if (output.closed) return printed
    block.push(row)
    if (block.length === BLOCK) await flush()
  }
  if (block.length > 0 || printed === 0) await flush()
  return printed
}
