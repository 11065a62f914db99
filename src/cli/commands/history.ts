import { Command, Option } from 'commander'
import type { HistoryReport, SchemaHistoryReport } from '../../model/report.ts'
import { EXIT } from '../exit-codes.ts'
import type { Frame } from '../frame.ts'
import { positive } from '../global-options.ts'
import { openIngest } from '../open.ts'
import type { Output } from '../output.ts'
import { printRows } from '../report/blocks.ts'
import { tableStyle } from '../report/style.ts'
import { count } from '../text/numbers.ts'
import type { TableColumn } from '../text/table.ts'

export function historyCommand(frame: Frame): Command {
  return new Command('history')
    .description('the commits of a table, newest first')
    .argument('<table>', 'database.table, or the table alone')
    .addOption(new Option('--limit <n>', 'at most so many').argParser(positive).default(20))
    .option('--schema', 'the versions that changed the columns: what changed, and by which file')
    .action(
      frame.handle(async (cli, table: string, options: { readonly limit: number; readonly schema?: boolean }) => {
        await using ingest = await openIngest(cli)
        if (options.schema === true) {
          const changes = await ingest.schemaHistory(table, { limit: options.limit })
          if (cli.output.json) await cli.output.document(changes)
          else if (changes.length === 0) await cli.output.line('The table has no version yet.')
          else await printRows(cli.output, SCHEMA_COLUMNS, changes.flatMap(schemaCells), tableStyle(cli.output.colors))
          return EXIT.ok
        }
        const versions = await ingest.history(table, { limit: options.limit })
        if (cli.output.json) await cli.output.document(versions)
        else if (versions.length === 0) await cli.output.line('The table has no version yet.')
        else await printVersions(cli.output, versions)
        return EXIT.ok
      }),
    )
}

/** Rules that were broken have a column where there are any. */
async function printVersions(output: Output, versions: readonly HistoryReport[]): Promise<void> {
  const style = tableStyle(output.colors)
  if (versions.every((version) => brokenRules(version) === '')) return printRows(output, COLUMNS, versions.map(cellsOf), style)
  const cells = versions.map((version) => [...cellsOf(version), brokenRules(version)])
  return printRows(output, [...COLUMNS, { head: 'BROKEN RULES' }], cells, style)
}

/** FILES landed; data files were ADDED and REMOVED. */
const COLUMNS: readonly TableColumn[] = [
  { head: 'VERSION', align: 'right' },
  { head: 'TIME' },
  { head: 'OPERATION' },
  { head: 'BATCH', align: 'right', spare: true },
  { head: 'FILES', align: 'right' },
  { head: 'ADDED', align: 'right' },
  { head: 'REMOVED', align: 'right' },
  { head: 'ROWS', align: 'right' },
  { head: 'WRITTEN BY', spare: true },
]

const SCHEMA_COLUMNS: readonly TableColumn[] = [
  { head: 'VERSION', align: 'right' },
  { head: 'TIME' },
  { head: 'BATCH', align: 'right', spare: true },
  { head: 'CHANGE' },
  { head: 'COLUMN' },
  { head: 'TYPE' },
  { head: 'FILE', spare: true },
]

/** A row for each change of a version. */
function schemaCells({ version, timestamp, batch, changes }: SchemaHistoryReport): readonly (readonly string[])[] {
  return changes.map(({ change, column, from, to, file }) => {
    const types = [from, to].filter((type) => type !== null).join(' → ')
    return [String(version), timestamp ?? '', batch === null ? '' : String(batch), change, column, types, file ?? '']
  })
}

function cellsOf(version: HistoryReport): readonly string[] {
  return [
    String(version.version),
    version.timestamp ?? '',
    version.only_in_checkpoint ? '(only in a checkpoint)' : operationText(version),
    version.batch === null ? '' : String(version.batch),
    countOrNothing(version.files),
    countOrNothing(version.files_added),
    countOrNothing(version.files_removed),
    countOrNothing(version.rows),
    version.engine ?? '',
  ]
}

/** `positive: 3, unique_id: 2` */
function brokenRules({ expectations = [] }: HistoryReport): string {
  return expectations
    .filter(({ violated }) => violated > 0)
    .map(({ name, violated }) => `${name}: ${count(violated)}`)
    .join(', ')
}

function operationText({ operation, operation_parameters: parameters }: HistoryReport): string {
  if (operation === null) return 'unknown'
  return operation === 'RESTORE' ? `RESTORE to ${parameters['version'] ?? parameters['timestamp'] ?? '?'}` : operation
}

function countOrNothing(value: number | null): string {
  return value === null ? '' : count(value)
}
