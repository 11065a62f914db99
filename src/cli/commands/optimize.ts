import { Command, InvalidArgumentError, Option } from 'commander'
import { parseSize } from '../../config/schema/units.ts'
import type { Frame } from '../frame.ts'
import { namesOf, tablesOption } from '../global-options.ts'
import { openIngest } from '../open.ts'
import { optimizeLines } from '../report/maintenance-summary.ts'
import { tableByTable } from '../table-by-table.ts'

interface OptimizeCommandOptions {
  readonly tables?: readonly string[]
  readonly zorder?: readonly string[]
  readonly targetSize?: bigint
  readonly dryRun?: true
}

export function optimizeCommand(frame: Frame): Command {
  return new Command('optimize')
    .description('put the small files of tables together, without changing a row')
    .addOption(tablesOption('only these tables'))
    .addOption(
      new Option('--zorder <columns>', 'order the rows so that those near in these columns lie together').argParser(namesOf('column')),
    )
    .addOption(new Option('--target-size <size>', 'size of a good file, as 256MB (default: delta.target_file_size)').argParser(size))
    .option('--dry-run', 'say what would be put together, and change nothing')
    .action(
      frame.handleGracefully(async (cli, options: OptimizeCommandOptions) => {
        await using ingest = await openIngest(cli)
        const { tables, zorder, targetSize, dryRun } = options
        return await tableByTable(ingest, cli, {
          tables,
          isDryRun: dryRun === true,
          doing: 'optimizing',
          run: (names) => ingest.optimize({ tables: names, zOrder: zorder, targetFileSize: targetSize, dryRun, signal: cli.signal }),
          lines: optimizeLines,
        })
      }),
    )
}

function size(value: string): bigint {
  const bytes = parseSize(value)
  if (bytes === undefined || bytes <= 0n) throw new InvalidArgumentError('It must be a size such as 256MB or 1GiB.')
  return bytes
}
