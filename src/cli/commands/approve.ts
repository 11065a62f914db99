import { Command } from 'commander'
import { EXIT } from '../exit-codes.ts'
import { usageError } from '../failure.ts'
import type { Frame } from '../frame.ts'
import { tablesOption } from '../global-options.ts'
import { openIngest } from '../open.ts'
import { counted } from '../text/numbers.ts'

export function approveCommand(frame: Frame): Command {
  return new Command('approve')
    .description('let files load that the guard holds')
    .argument('[files...]', 'files that are held')
    .addOption(tablesOption('all held files of these tables, or only the named ones of them'))
    .action(
      frame.handle(async (cli, paths: readonly string[], options: { readonly tables?: readonly string[] }) => {
        if (paths.length === 0 && options.tables === undefined)
          throw usageError('nothing to approve was named', 'ingest approve FILE… or ingest approve --tables NAME')
        await using ingest = await openIngest(cli)
        const files = await ingest.approve({ tables: options.tables, ...(paths.length > 0 ? { paths } : {}) })
        if (cli.output.json) await cli.output.document({ files })
        else await cli.output.line(files === 0 ? 'No file is held.' : `Approved ${counted(files, 'file')}. Load with: ingest run`)
        return EXIT.ok
      }),
    )
}
