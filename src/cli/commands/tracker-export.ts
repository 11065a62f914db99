import { Command, Option } from 'commander'
import type { Ingest } from '../../app/ingest.ts'
import { FILE_COLUMNS } from '../../model/tracker-columns.ts'
import type { PublishReport } from '../../model/tracker-report.ts'
import { EXIT } from '../exit-codes.ts'
import { usageError } from '../failure.ts'
import type { Cli, Frame } from '../frame.ts'
import { tablesOption } from '../global-options.ts'
import { openIngest } from '../open.ts'
import type { Output } from '../output.ts'
import { csvLine } from '../text/csv.ts'
import { bytes, counted } from '../text/numbers.ts'
import type { TrackedFile } from '../tracked-file.ts'

const FORMATS = ['csv', 'json', 'parquet'] as const

interface ExportOptions {
  readonly format?: (typeof FORMATS)[number]
  readonly output?: string
  readonly tables?: readonly string[]
  readonly force?: true
}

/** To a file, or to stdout as text. */
export function exportCommand(frame: Frame): Command {
  return new Command('export')
    .description('write what the tracker knows of files as CSV, JSON or Parquet')
    .addOption(new Option('--format <format>', 'default: by the name of FILE, csv on stdout').choices(FORMATS))
    .option('--output <file>', 'a new file (default: stdout)')
    .addOption(tablesOption('only these tables'))
    .option('--force', 'replace a file that is there')
    .action(frame.handle(exportFiles))
}

async function exportFiles(cli: Cli, { format, output: file, tables, force }: ExportOptions) {
  if (file === undefined && format === 'parquet') throw usageError('Parquet goes to a file', 'ingest tracker export --output FILE.parquet')
  await using ingest = await openIngest(cli)
  if (file === undefined) await print(cli.output, ingest.files({ tables }), cli.output.json ? 'json' : (format ?? 'csv'))
  else await write(cli.output, ingest, { file, format, tables, force: force === true })
  return EXIT.ok
}

async function print(output: Output, files: AsyncIterable<TrackedFile>, format: string): Promise<void> {
  if (format === 'json') return output.array(files)
  await output.line(csvLine(FILE_COLUMNS.map(({ name }) => name)))
  for await (const file of files) {
    if (output.closed) return
    const values = new Map<string, unknown>(Object.entries(file))
    await output.line(csvLine(FILE_COLUMNS.map(({ name }) => textOf(values.get(name)))))
  }
}

function textOf(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value)
}

async function write(output: Output, ingest: Ingest, options: Parameters<Ingest['tracker']['export']>[0]): Promise<void> {
  const report = await ingest.tracker.export(options)
  if (output.json) await output.document(report)
  else await output.line(`${counted(report.files, 'file')} written to ${report.file} (${bytes(report.bytes)})`)
}

/** The same as Delta tables, for whoever queries them. */
export function publishCommand(frame: Frame): Command {
  return new Command('publish')
    .description('make Delta tables of what the tracker knows of files and batches; publish_tracker does it after every run')
    .action(
      frame.handleGracefully(async (cli) => {
        await using ingest = await openIngest(cli)
        const report = await ingest.tracker.publish({ signal: cli.signal })
        if (cli.output.json) await cli.output.document(report)
        else for (const line of publishLines(report)) await cli.output.line(line)
        return EXIT.ok
      }),
    )
}

function publishLines({ tables }: PublishReport): readonly string[] {
  return tables.map(({ table, target, rows, version, changed }) => {
    const what = changed ? `version ${version ?? ''}` : 'no change'
    return `${table}: ${counted(rows, 'row')}, ${what} (${target})`
  })
}
