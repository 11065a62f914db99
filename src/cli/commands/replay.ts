import { Command } from 'commander'
import { exitCodeOfRun } from '../exit-codes.ts'
import type { Frame } from '../frame.ts'
import { tablesOption } from '../global-options.ts'
import { openIngest } from '../open.ts'
import { doneLines, tableLines } from '../report/run-summary.ts'

export function replayCommand(frame: Frame): Command {
  return new Command('replay')
    .description('load files again, as they are now; an append table swaps their rows for the new ones')
    .argument('<files...>', 'files that are loaded')
    .addOption(tablesOption('only into these tables'))
    .action(
      frame.handleGracefully(async (cli, files: readonly string[], { tables }: { readonly tables?: readonly string[] }) => {
        const { output, signal } = cli
        await using ingest = await openIngest(cli)
        const report = await ingest.replay(files, { tables, signal })
        const total = report.tables.length
        const lines = report.tables.flatMap((table, index) => tableLines(table, { number: index + 1, total }, output.colors))
        if (output.json) await output.document(report)
        else await output.line([...lines, '', ...doneLines(report, output.colors)].join('\n'))
        return exitCodeOfRun(report)
      }),
    )
}
