import { Command, InvalidArgumentError, Option } from 'commander'
import { parseDuration } from '../../config/schema/units.ts'
import type { Frame } from '../frame.ts'
import { tablesOption } from '../global-options.ts'
import { openIngest } from '../open.ts'
import { vacuumLines } from '../report/maintenance-summary.ts'
import { tableByTable } from '../table-by-table.ts'

interface VacuumCommandOptions {
  readonly tables?: readonly string[]
  readonly retention?: number
  readonly dryRun?: true
  readonly force?: true
}

export function vacuumCommand(frame: Frame): Command {
  return new Command('vacuum')
    .description('delete files that no version of a table within the retention needs')
    .addOption(tablesOption('only these tables'))
    .addOption(
      new Option('--retention <time>', 'how long removed files are kept, as "30 days" (default: that of the table)').argParser(duration),
    )
    .option('--force', 'allow a retention shorter than that of the table: when nothing else reads or writes it')
    .option('--dry-run', 'name what would be deleted, and change nothing')
    .action(
      frame.handleGracefully(async (cli, options: VacuumCommandOptions) => {
        await using ingest = await openIngest(cli)
        const { tables, retention, dryRun, force } = options
        return await tableByTable(ingest, cli, {
          tables,
          isDryRun: dryRun === true,
          doing: 'vacuuming',
          run: (names) => ingest.vacuum({ tables: names, retentionMs: retention, dryRun, force, signal: cli.signal }),
          lines: vacuumLines,
        })
      }),
    )
}

function duration(value: string): number {
  const ms = parseDuration(value)
  if (ms === undefined) throw new InvalidArgumentError('It must be a duration with its unit, as 12h or "30 days".')
  return ms
}
