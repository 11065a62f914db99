import { printable } from './printable.ts'
import { PLAIN, type TableColumn, type TableStyle } from './table.ts'
import { widthOf } from './width.ts'

/** A row as one line for each of its cells, for rows that no terminal line holds. Empty cells are left out. */
export function recordLines(columns: readonly TableColumn[], row: readonly string[], style: TableStyle = PLAIN): readonly string[] {
  const heads = columns.map((column) => printable(column.head))
  const width = Math.max(...heads.map(widthOf))
  return heads.flatMap((head, index) => {
    const cell = printable(row[index] ?? '')
    const label = style.head(head + ' '.repeat(width - widthOf(head)))
    return cell === '' ? [] : [`${label}  ${style.cell(cell, cell, index)}`]
  })
}
