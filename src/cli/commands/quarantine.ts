import { Command, Option } from 'commander'
import type { QuarantineDiscardOptions } from '../../app/quarantine.ts'
import type { DiscardReport, QuarantinedRow, ResubmitReport } from '../../model/quarantine-report.ts'
import { confirmed } from '../confirm.ts'
import { EXIT } from '../exit-codes.ts'
import { usageError } from '../failure.ts'
import type { Frame } from '../frame.ts'
import { namesOf, positive, tablesOption } from '../global-options.ts'
import { openIngest } from '../open.ts'
import { printRows } from '../report/blocks.ts'
import { tableStyle } from '../report/style.ts'
import { count, counted } from '../text/numbers.ts'
import type { TableColumn } from '../text/table.ts'

export function quarantineCommand(frame: Frame): Command {
  return new Command('quarantine')
    .description('rows that could not be loaded: look at them, mend them, give them up')
    .addCommand(listCommand(frame))
    .addCommand(exportCommand(frame))
    .addCommand(resubmitCommand(frame))
    .addCommand(discardCommand(frame))
}

interface FilterOptions {
  readonly tables?: readonly string[]
  readonly file?: readonly string[]
}

function fileOption(): Option {
  return new Option('--file <path>', 'only rows of this landing file; repeatable').argParser(collected)
}

function collected(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

function listCommand(frame: Frame): Command {
  return new Command('list')
    .description('the rows that are in quarantine, with what is wrong with each')
    .addOption(tablesOption('only these tables'))
    .addOption(fileOption())
    .addOption(new Option('--limit <n>', 'at most so many').argParser(positive))
    .action(
      frame.handle(async (cli, { tables, file, limit }: FilterOptions & { readonly limit?: number }) => {
        await using ingest = await openIngest(cli)
        const rows = ingest.quarantined({ tables, files: file, limit })
        if (cli.output.json) await cli.output.array(rows)
        else await printRows(cli.output, COLUMNS, cellsOf(rows), tableStyle(cli.output.colors))
        return EXIT.ok
      }),
    )
}

const COLUMNS: readonly TableColumn[] = [
  { head: 'ID' },
  { head: 'LINE', align: 'right' },
  { head: 'RULE' },
  { head: 'REASON' },
  { head: 'RAW' },
  { head: 'FILE' },
]

async function* cellsOf(rows: AsyncIterable<QuarantinedRow>): AsyncIterable<readonly string[]> {
  for await (const { id, line, row_number: row, rule, reason, raw, file } of rows) {
    const place = line === null ? (row === null ? '' : `row ${row}`) : String(line)
    yield [id, place, rule, reason, raw ?? '', file]
  }
}

function exportCommand(frame: Frame): Command {
  return new Command('export')
    .description('write the rows to a file, to be mended and resubmitted')
    .requiredOption('--output <file>', 'a new file, .csv or .ndjson')
    .addOption(tablesOption('only these tables'))
    .addOption(fileOption())
    .action(
      frame.handle(async (cli, { output, tables, file }: FilterOptions & { readonly output: string }) => {
        await using ingest = await openIngest(cli)
        const rows = await ingest.exportQuarantine(output, { tables, files: file })
        if (cli.output.json) await cli.output.document({ file: output, rows })
        else
          await cli.output.line(
            `${counted(rows, 'row')} written to ${output}: mend the column raw, then: ingest quarantine resubmit ${output}`,
          )
        return EXIT.ok
      }),
    )
}

function resubmitCommand(frame: Frame): Command {
  return new Command('resubmit')
    .description('load mended rows under the files that they came from')
    .argument('<file>', 'what `export` wrote, with mended records in raw; rows that are not in it stay as they are')
    .addOption(tablesOption('only the rows of these tables'))
    .action(
      frame.handle(async (cli, file: string, { tables }: FilterOptions) => {
        await using ingest = await openIngest(cli)
        const reports = await ingest.resubmit(file, { tables })
        if (cli.output.json) await cli.output.document(reports)
        else if (reports.length === 0) await cli.output.line('The file has no row to resubmit.')
        for (const report of cli.output.json ? [] : reports) await cli.output.line(resubmitText(report))
        return EXIT.ok
      }),
    )
}

function resubmitText({ table, version, rows }: ResubmitReport): string {
  const rest = [
    [rows.filtered, 'filtered'],
    [rows.deduplicated, 'deduplicated'],
    [rows.rejected, 'still in quarantine'],
  ] as const
  const more = rest.filter(([number]) => number > 0).map(([number, word]) => `, ${count(number)} ${word}`)
  return `${table}: ${count(rows.loaded)} of ${counted(rows.resubmitted, 'row')} loaded${more.join('')} (version ${version ?? '?'}).`
}

interface DiscardOptions extends FilterOptions {
  readonly id?: readonly string[]
  readonly all?: true
  readonly yes?: true
}

function discardCommand(frame: Frame): Command {
  return new Command('discard')
    .description('give rows up: they leave the quarantine, and stay counted as rejected')
    .addOption(new Option('--id <ids>', 'these rows; with commas, or repeated').argParser(namesOf('row')))
    .addOption(fileOption())
    .option('--all', 'all rows')
    .addOption(tablesOption('only these tables'))
    .option('--yes', 'do not ask')
    .action(
      frame.handle(async (cli, options: DiscardOptions) => {
        const wanted = discarded(options)
        if (options.yes !== true && !(await confirmed('Discard the rows for good?', cli, 'discarded rows are gone for good')))
          return EXIT.ok
        await using ingest = await openIngest(cli)
        const reports = await ingest.discard(wanted)
        if (cli.output.json) await cli.output.document(reports)
        else if (reports.length === 0) await cli.output.line('No row to discard.')
        for (const report of cli.output.json ? [] : reports) await cli.output.line(discardText(report))
        return EXIT.ok
      }),
    )
}

function discarded({ id, file, all, tables }: DiscardOptions): QuarantineDiscardOptions {
  const chosen = [id, file, all].filter((one) => one !== undefined)
  if (chosen.length !== 1)
    throw usageError('which rows shall be discarded?', 'give one of --id ID, --file FILE and --all; ingest quarantine list shows them')
  return { tables, ids: id, files: file }
}

function discardText({ table, rows, files }: DiscardReport): string {
  return `${table}: ${counted(rows, 'row')} of ${counted(files, 'file')} discarded.`
}
