import { Command, Option } from 'commander'
import type { Ingest, RunOptions } from '../../app/ingest.ts'
import type { RunEvent, RunReport } from '../../model/report.ts'
import { confirmed } from '../confirm.ts'
import { EXIT, type ExitCode, exitCodeOfRun } from '../exit-codes.ts'
import type { Cli, Frame } from '../frame.ts'
import { positive, tablesOption } from '../global-options.ts'
import { type LiveDisplay, liveDisplay } from '../live-display.ts'
import { openIngest } from '../open.ts'
import { dryRunDoneLine, dryRunLines } from '../report/dry-run-summary.ts'
import { doneLines, tableLines } from '../report/run-summary.ts'

interface RunCommandOptions {
  readonly tables?: readonly string[]
  readonly dryRun?: true
  readonly verbose?: true
  readonly incremental?: true
  readonly fullDrop?: true
  readonly yes?: true
  readonly concurrency?: number
  readonly strategy?: string
  readonly optimize?: true
  readonly vacuum?: true
}

export function runCommand(frame: Frame): Command {
  return new Command('run')
    .description('one pass: discover, load, report')
    .addOption(tablesOption('only these tables'))
    .option('--dry-run', 'say what would be loaded, and change nothing')
    .option('--verbose', 'with --dry-run count the rows; otherwise tell every failed file')
    .option('--incremental', 'load only what is new, also into tables with run_type: full_drop')
    .addOption(new Option('--full-drop', 'load all files that are there in place of what the tables hold').conflicts('incremental'))
    .option('--yes', 'do not ask before --full-drop')
    .addOption(new Option('--concurrency <n>', 'tables loaded at the same time').argParser(positive))
    .option('--strategy <kind>', 'only tables with this loading_strategy')
    .option('--optimize', 'put the small files of each table together after its loads')
    .option('--vacuum', 'delete what no version within the retention needs after the loads of each table')
    .action(frame.handleGracefully(run))
}

async function run(cli: Cli, options: RunCommandOptions): Promise<ExitCode> {
  const live = cli.output.json || options.dryRun === true ? undefined : await liveDisplay(cli.output)
  // The display and its lines tell what the log would: beside them only a log that was asked for is shown.
  let logged = cli.options.logLevel !== undefined
  const logTo = live && ((line: string) => (logged ? live.line(line) : undefined))
  try {
    await using ingest = await openIngest(cli, { logTo })
    logged ||= DETAILED.includes(ingest.config.logLevel)
    if (options.fullDrop === true && options.dryRun !== true && !(await mayDrop(ingest, cli, options))) return EXIT.ok
    return await pass(ingest, cli, options, live)
  } finally {
    // An error, too, is printed below the display and not into it.
    await live?.stop()
  }
}

const DETAILED: readonly string[] = ['TRACE', 'DEBUG']

async function mayDrop(ingest: Ingest, cli: Cli, options: RunCommandOptions): Promise<boolean> {
  if (options.yes === true) return true
  const tables = options.tables ?? ingest.config.tables.map((table) => table.name)
  return confirmed(`Replace all rows of ${tables.join(', ')} by the files that are there now?`, cli)
}

async function pass(ingest: Ingest, cli: Cli, options: RunCommandOptions, live: LiveDisplay | undefined): Promise<ExitCode> {
  const { output, signal } = cli
  const told = new Set<string>()
  const onEvent = (event: RunEvent): void => {
    if (live === undefined) return
    live.event(event)
    if (event.kind !== 'tableEnded') return
    told.add(event.table)
    for (const line of tableLines(event.report, { number: event.index + 1, total: event.total }, output.colors, options.verbose))
      live.line(line)
  }
  live?.start()
  const report = await ingest.run({ ...runOptionsOf(options), onEvent, signal })
  await live?.stop()
  if (output.json) await output.document(report)
  else await output.line(reportText(report, cli, options, { told, gap: live === undefined }))
  return exitCodeOfRun(report)
}

function runOptionsOf(options: RunCommandOptions): RunOptions {
  const { tables, concurrency, strategy, optimize, vacuum } = options
  const runType = options.fullDrop === true ? 'full_drop' : options.incremental === true ? 'incremental' : undefined
  return { tables, concurrency, strategy, optimize, vacuum, runType, dryRun: options.dryRun === true, verbose: options.verbose === true }
}

/** The lines of tables that the display has not told already, and the end; the display leaves a gap of its own. */
function reportText(
  report: RunReport,
  { output, signal }: Cli,
  options: RunCommandOptions,
  { told, gap }: { readonly told: ReadonlySet<string>; readonly gap: boolean },
): string {
  const { colors } = output
  const total = report.tables.length
  const places = report.tables.map((table, index) => ({ table, place: { number: index + 1, total } }))
  if (options.dryRun === true)
    return [...places.flatMap(({ table, place }) => dryRunLines(table, place, colors)), '', dryRunDoneLine(report)].join('\n')
  const lines = places
    .filter(({ table }) => !told.has(table.table))
    .flatMap(({ table, place }) => tableLines(table, place, colors, options.verbose))
  const stopped = signal.aborted ? ['Stopped by a signal: what was not loaded is loaded by the next run.'] : []
  return [...lines, ...(total === 0 ? ['No table to run.'] : []), ...(gap ? [''] : []), ...stopped, ...doneLines(report, colors)].join('\n')
}
