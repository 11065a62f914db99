import type { Output } from '../output.ts'
import { recordLines } from '../text/records.ts'
import { type TableColumn, type TableStyle, TextTable } from '../text/table.ts'

/** Rows that are measured together: enough to be aligned for the eye, few enough to be held. */
const BLOCK = 1000

type Rows = AsyncIterable<readonly string[]> | Iterable<readonly string[]>

/**
 * Prints rows of any number in bounded memory: as an aligned table or, on a terminal that is too narrow for their first
 * block, cell below cell.
 */
export async function printRows(output: Output, columns: readonly TableColumn[], rows: Rows, style: TableStyle): Promise<void> {
  let lines: ((block: Block) => readonly string[]) | undefined
  for await (const block of blocks(rows)) {
    if (output.closed) return
    lines ??= linesFor(output, columns, block, style)
    const text = lines(block)
    if (text.length > 0) await output.line(text.join('\n'))
  }
}

type Block = readonly (readonly string[])[]

/** At least one block, which is empty when there is no row. */
async function* blocks(rows: Rows): AsyncIterable<Block> {
  let block: (readonly string[])[] = []
  let given = 0
  for await (const row of rows) {
    block.push(row)
    if (block.length < BLOCK) continue
    yield block
    given += 1
    block = []
  }
  if (block.length > 0 || given === 0) yield block
}

function linesFor(output: Output, columns: readonly TableColumn[], first: Block, style: TableStyle): (block: Block) => readonly string[] {
  const table = new TextTable(columns, style)
  let printed = 0
  if (first.length > 0 && output.columns !== undefined && !table.fits(first, output.columns))
    return (block) => block.flatMap((row) => [...(printed++ > 0 ? [''] : []), ...recordLines(columns, row, style)])
  return (block) => {
    const lines = table.lines(block)
    // The head comes after its first rows are measured.
    return printed++ > 0 ? lines : [table.head(), ...lines]
  }
}
