import { Command } from 'commander'
import { EXIT } from '../exit-codes.ts'
import { usageError } from '../failure.ts'
import type { Frame } from '../frame.ts'
import { tablesOption } from '../global-options.ts'
import { openIngest } from '../open.ts'
import { counted } from '../text/numbers.ts'

export function skipCommand(frame: Frame): Command {
  return new Command('skip')
    .description('never load pending or failed files')
    .argument('[files...]', 'files that are pending or failed')
    .addOption(tablesOption('all pending and failed files of these tables, or only the named ones of them'))
    .action(
      frame.handle(async (cli, paths: readonly string[], options: { readonly tables?: readonly string[] }) => {
        if (paths.length === 0 && options.tables === undefined)
          throw usageError('nothing to skip was named', 'ingest skip FILE… or ingest skip --tables NAME')
        await using ingest = await openIngest(cli)
        const files = await ingest.skip({ tables: options.tables, ...(paths.length > 0 ? { paths } : {}) })
        if (cli.output.json) await cli.output.document({ files })
        else
          await cli.output.line(files === 0 ? 'No file to skip.' : `Skipped ${counted(files, 'file')}. Take back with: ingest retry FILE`)
        return EXIT.ok
      }),
    )
}
