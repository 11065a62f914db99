import { Command } from 'commander'
import type { Ingest } from '../../app/ingest.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import type { Cli, Frame } from '../frame.ts'
import { tablesOption } from '../global-options.ts'
import { openIngest } from '../open.ts'

interface DaemonCommandOptions {
  readonly tables?: readonly string[]
  readonly standby?: true
}

/** `ingest daemon` */
export function daemonCommand(frame: Frame): Command {
  return new Command('daemon')
    .description('load what comes, until stopped: SIGTERM finishes or gives back what is in flight, SIGHUP reads the config again')
    .addOption(tablesOption('only these tables'))
    .option('--standby', 'wait until another daemon with the same tracker is gone')
    .action(frame.handleService(runDaemon))
}

async function runDaemon(cli: Cli, { tables, standby }: DaemonCommandOptions): Promise<ExitCode> {
  await using ingest = await openIngest(cli)
  using _ = reloadBySignal(ingest)
  await ingest.daemon({ tables, standby, signal: cli.signal })
  return EXIT.ok
}

/** A signal that comes while nothing can be read again, as in standby, has nobody to be told to. */
function reloadBySignal(ingest: Ingest): Disposable {
  const reload = () => void ingest.reload().catch(() => undefined)
  process.on('SIGHUP', reload)
  return { [Symbol.dispose]: () => void process.off('SIGHUP', reload) }
}
