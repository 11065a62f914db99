import type { Colors } from '../output.ts'
import type { TableStyle } from '../text/table.ts'

/** Heads stand back, cells are coloured by their content. */
export function tableStyle(colors: Colors, cell: TableStyle['cell'] = (padded) => padded): TableStyle {
  return { head: colors.dim, cell }
}

/** The colour of a file's state. */
export function statusColor(colors: Colors, status: string): (text: string) => string {
  switch (status) {
    case 'completed':
      return colors.green
    case 'failed':
      return colors.red
    case 'processing':
      return colors.cyan
    case 'skipped':
      return colors.dim
    default:
      return String
  }
}
