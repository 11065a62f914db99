import { Command } from 'commander'
import { EXIT } from '../exit-codes.ts'
import type { Frame } from '../frame.ts'
import { tablesOption } from '../global-options.ts'
import { openIngest } from '../open.ts'

interface PauseOptions {
  readonly tables?: readonly string[]
}

export function pauseCommand(frame: Frame): Command {
  return new Command('pause')
    .description('take no more files of tables until they are resumed; a run that names a table loads it all the same')
    .addOption(tablesOption('only these tables; all without it'))
    .action(
      frame.handle(async (cli, { tables }: PauseOptions) => {
        await using ingest = await openIngest(cli)
        const changed = await ingest.pause({ tables })
        if (cli.output.json) await cli.output.document({ tables: changed })
        else await cli.output.line(changed.length === 0 ? 'They were paused already.' : `Paused: ${changed.join(', ')}.`)
        return EXIT.ok
      }),
    )
}

export function resumeCommand(frame: Frame): Command {
  return new Command('resume')
    .description('take files of paused tables again')
    .addOption(tablesOption('only these tables; all without it'))
    .action(
      frame.handle(async (cli, { tables }: PauseOptions) => {
        await using ingest = await openIngest(cli)
        const changed = await ingest.resume({ tables })
        if (cli.output.json) await cli.output.document({ tables: changed })
        else await cli.output.line(changed.length === 0 ? 'No table was paused.' : `Resumed: ${changed.join(', ')}.`)
        return EXIT.ok
      }),
    )
}
