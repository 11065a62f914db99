import { setTimeout as sleep } from 'node:timers/promises'
import { Command, Option } from 'commander'
import type { Ingest } from '../../app/ingest.ts'
import { canDraw } from '../drawing.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { usageError } from '../failure.ts'
import type { Cli, Frame } from '../frame.ts'
import { positive, tablesOption } from '../global-options.ts'
import { openIngest } from '../open.ts'
import { resourceLines } from '../report/resources-text.ts'
import { printStatus } from '../report/status-text.ts'
import { jsonText } from '../text/json.ts'

interface StatusOptions {
  readonly tables?: readonly string[]
  readonly watch?: true
  readonly interval?: number
  readonly resources?: true
}

const DEFAULT_INTERVAL = 2

const ERASE_SCREEN = '\u001b[2J\u001b[H'

export function statusCommand(frame: Frame): Command {
  return new Command('status')
    .description('files by state, rows and the last load of each table; on a terminal a dashboard')
    .addOption(tablesOption('only these tables'))
    .option('--watch', 'print it again and again, without the dashboard')
    .addOption(new Option('--interval <seconds>', 'how often with --watch (default: 2)').argParser(positive))
    .addOption(
      new Option('--resources', 'memory, spill, cores and small files, and what to change').conflicts(['watch', 'tables', 'interval']),
    )
    .action(frame.handleGracefully(status))
}

async function status(cli: Cli, options: StatusOptions): Promise<ExitCode> {
  const { output } = cli
  if (options.interval !== undefined && options.watch !== true) throw usageError('--interval says how often --watch prints', 'add --watch')
  const isPlain = output.json || options.watch === true || options.resources === true
  if (!isPlain && canDraw(output) && process.stdin.isTTY) return dashboard(cli, options)
  await using ingest = await openIngest(cli)
  if (options.resources === true) return await resources(ingest, cli)
  if (options.watch === true) return await watch(ingest, cli, options)
  const report = await ingest.status({ tables: options.tables })
  if (output.json) await output.document(report)
  else await printStatus(report, output)
  return EXIT.ok
}

/** On its own: within a function that disposes of something the compiler leaves the path as it is. */
function loadDashboard() {
  return import('../../tui/dashboard.ts')
}

async function dashboard(cli: Cli, { tables }: StatusOptions): Promise<ExitCode> {
  const { stdin, stdout } = process
  // Nothing is drawn into: what goes wrong is in the tracker, and so on the screen.
  await using ingest = await openIngest(cli, { logTo: () => undefined })
  const { runDashboard } = await loadDashboard()
  const source = { ...ingest, status: () => ingest.status({ tables }), findFiles: (text: string) => ingest.findFiles(text, { tables }) }
  await runDashboard(source, { stdin, stdout, paint: cli.output.colors, signal: cli.signal })
  return EXIT.ok
}

/** Until it is stopped. */
async function watch(ingest: Ingest, { output, signal }: Cli, { tables, interval = DEFAULT_INTERVAL }: StatusOptions): Promise<ExitCode> {
  while (!signal.aborted && !output.closed) {
    const report = await ingest.status({ tables })
    if (output.json) await output.line(jsonText(report))
    else {
      if (output.terminal) await output.write(ERASE_SCREEN)
      await output.line(report.at)
      await printStatus(report, output)
      if (!output.terminal) await output.line()
    }
    await sleep(interval * 1000, undefined, { signal }).catch(() => undefined)
  }
  return EXIT.ok
}

async function resources(ingest: Ingest, { output, signal }: Cli): Promise<ExitCode> {
  const report = await ingest.resources({ signal })
  if (output.json) await output.document(report)
  else await output.line(resourceLines(report, output.colors).join('\n'))
  return EXIT.ok
}
