import { Command } from 'commander'
import type { StatusReport } from '../../model/status-report.ts'
import { EXIT } from '../exit-codes.ts'
import type { Frame } from '../frame.ts'
import { tablesOption } from '../global-options.ts'
import { openIngest } from '../open.ts'
import type { Output } from '../output.ts'
import { printRows } from '../report/blocks.ts'
import { tableStyle } from '../report/style.ts'
import { bytes, count } from '../text/numbers.ts'
import { printable } from '../text/printable.ts'
import type { TableColumn } from '../text/table.ts'

export function statusCommand(frame: Frame): Command {
  return new Command('status')
    .description('files by state, rows and the last load of each table')
    .addOption(tablesOption('only these tables'))
    .action(
      frame.handle(async (cli, options: { readonly tables?: readonly string[] }) => {
        await using ingest = await openIngest(cli)
        const report = await ingest.status({ tables: options.tables })
        if (cli.output.json) await cli.output.document(report)
        else await printStatus(report, cli.output)
        return EXIT.ok
      }),
    )
}

const COLUMNS: readonly TableColumn[] = [
  { head: 'TABLE' },
  { head: 'STRATEGY', spare: true },
  { head: 'PENDING', align: 'right' },
  { head: 'PROCESSING', align: 'right', spare: true },
  { head: 'COMPLETED', align: 'right' },
  { head: 'FAILED', align: 'right' },
  { head: 'SKIPPED', align: 'right' },
  { head: 'ROWS', align: 'right' },
  { head: 'REJECTED', align: 'right', spare: true },
  { head: 'SIZE', align: 'right', spare: true },
  { head: 'LAST LOADED', spare: true },
]
const FAILED = COLUMNS.findIndex((column) => column.head === 'FAILED')

/** A line for each table, and the last error of those that have failed files. */
async function printStatus(report: StatusReport, output: Output): Promise<void> {
  const rows = report.tables.map(({ table, strategy, paused, files, ...rest }) => [
    paused ? `${table} (paused)` : table,
    strategy,
    ...[files.pending, files.processing, files.completed, files.failed, files.skipped].map(count),
    count(rest.rows),
    count(rest.rows_rejected),
    bytes(rest.bytes),
    rest.last_loaded_at ?? 'never',
  ])
  const { colors } = output
  const style = tableStyle(colors, (padded, raw, column) => (column === FAILED && raw !== '0' ? colors.red(padded) : padded))
  const errors = report.tables.flatMap(({ table, files, last_error: error }) =>
    files.failed > 0 && error !== null ? [`${colors.red(table)}: ${printable(error)}`] : [],
  )
  const more = errors.length === 0 ? [] : ['', ...errors, colors.dim('see: ingest files --status failed')]
  await printRows(output, COLUMNS, rows, style)
  if (more.length > 0) await output.line(more.join('\n'))
}
