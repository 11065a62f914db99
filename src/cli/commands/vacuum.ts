import { Command, InvalidArgumentError, Option } from 'commander'
import { parseDuration } from '../../config/schema/units.ts'
import { exitCodeOfTables } from '../exit-codes.ts'
import type { Frame } from '../frame.ts'
import { tablesOption } from '../global-options.ts'
import { openIngest } from '../open.ts'
import { vacuumLines } from '../report/maintenance-summary.ts'

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
        const report = await ingest.vacuum({ tables, retentionMs: retention, dryRun, force, signal: cli.signal })
        if (cli.output.json) await cli.output.document(report)
        else await cli.output.line(vacuumLines(report, cli.output.colors).join('\n'))
        return exitCodeOfTables(report.tables)
      }),
    )
}

function duration(value: string): number {
  const ms = parseDuration(value)
  if (ms === undefined) throw new InvalidArgumentError('It must be a duration such as 30 days or 12 hours.')
  return ms
}
