import { Command, InvalidArgumentError, Option } from 'commander'
import type { QueryResult } from '../../app/ingest.ts'
import { EXIT } from '../exit-codes.ts'
import { usageError } from '../failure.ts'
import type { Frame } from '../frame.ts'
import { openIngest } from '../open.ts'
import type { Output } from '../output.ts'
import { printRows } from '../report/blocks.ts'
import { tableStyle } from '../report/style.ts'
import { csvLine } from '../text/csv.ts'
import { jsonText } from '../text/json.ts'
import { printable } from '../text/printable.ts'

interface QueryCommandOptions {
  readonly at?: Readonly<Record<string, string>>
  readonly format?: QueryFormat
}

type QueryFormat = 'table' | 'csv' | 'json'

export function queryCommand(frame: Frame): Command {
  return new Command('query')
    .description('SQL over the tables, each under its name database.table, at its current version or that of --at')
    .argument('<sql>', 'a SELECT')
    .addOption(
      new Option(
        '--at <table=version>',
        'a table at an older version or time, as orders=12 or orders=2024-05-31T14:30:00Z; repeatable',
      ).argParser(versions),
    )
    .addOption(new Option('--format <format>', 'how rows are printed').choices(['table', 'csv', 'json']))
    .action(
      frame.handle(async (cli, sql: string, options: QueryCommandOptions) => {
        const { output } = cli
        if (output.json && options.format !== undefined && options.format !== 'json') {
          throw usageError(`--json and --format ${options.format} cannot be used together`, 'give one of them')
        }
        const format = output.json ? 'json' : (options.format ?? 'table')
        await using ingest = await openIngest(cli)
        await ingest.query(sql, (result) => printResult(result, format, output), { at: options.at })
        return EXIT.ok
      }),
    )
}

/** `--at analytics.orders=12 --at customers=2024-05-31T14:30:00Z` */
function versions(value: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const [, table, point] = /^([^=]+)=(.+)$/.exec(value) ?? []
  if (table === undefined || point === undefined)
    throw new InvalidArgumentError('It must be table=version or table=timestamp, as analytics.orders=12.')
  if (Object.hasOwn(before, table)) throw new InvalidArgumentError(`${table} was given before.`)
  return { ...before, [table]: point }
}

async function printResult(result: QueryResult, format: QueryFormat, output: Output): Promise<void> {
  switch (format) {
    case 'json':
      return output.array(objectsOf(result))
    case 'csv':
      return printCsv(result, output)
    case 'table':
      return printTable(result, output)
  }
}

async function* objectsOf({ columns, chunks }: QueryResult): AsyncIterable<Readonly<Record<string, unknown>>> {
  for await (const rows of chunks) {
    for (const row of rows) yield Object.fromEntries(columns.map(({ name }, index) => [name, row[index] ?? null]))
  }
}

async function printCsv({ columns, chunks }: QueryResult, output: Output): Promise<void> {
  // A file gets the values as they are; a terminal would obey what they hold.
  const shown = output.terminal ? printable : String
  await output.line(csvLine(columns.map(({ name }) => shown(name))))
  for await (const rows of chunks) {
    if (output.closed) return
    const lines = rows.map((row) => csvLine(columns.map((_, index) => cellText(row[index], (text) => shown(text)))))
    if (lines.length > 0) await output.line(lines.join('\n'))
  }
}

const NUMBER = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*)$/

async function printTable({ columns, chunks }: QueryResult, output: Output): Promise<void> {
  const heads = columns.map(({ name, type }) => ({ head: name, align: NUMBER.test(type) ? ('right' as const) : ('left' as const) }))
  await printRows(output, heads, tableRows(columns.length, chunks), tableStyle(output.colors))
}

async function* tableRows(width: number, chunks: QueryResult['chunks']): AsyncIterable<readonly string[]> {
  for await (const rows of chunks) {
    for (const row of rows) yield Array.from({ length: width }, (_, index) => cellText(row[index], String) ?? 'NULL')
  }
}

/** Null stays null; nested values are shown as JSON. */
function cellText(value: unknown, shown: (text: string) => string): string | null {
  if (value === null || value === undefined) return null
  return shown(typeof value === 'object' ? jsonText(value) : String(value))
}
