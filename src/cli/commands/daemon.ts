import { Command } from 'commander'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import type { Cli, Frame } from '../frame.ts'
import { tablesOption } from '../global-options.ts'
import { openIngest } from '../open.ts'

interface DaemonCommandOptions {
  readonly tables?: readonly string[]
}

/** `ingest daemon` */
export function daemonCommand(frame: Frame): Command {
  return new Command('daemon')
    .description('load what comes, until stopped: SIGTERM finishes or gives back what is in flight')
    .addOption(tablesOption('only these tables'))
    .action(frame.handleService(runDaemon))
}

async function runDaemon(cli: Cli, options: DaemonCommandOptions): Promise<ExitCode> {
  await using ingest = await openIngest(cli)
  await ingest.daemon({ tables: options.tables, signal: cli.signal })
  return EXIT.ok
}
