import { Command, Option } from 'commander'
import { EXIT } from '../exit-codes.ts'
import { usageError } from '../failure.ts'
import type { Frame } from '../frame.ts'
import { tablesOption } from '../global-options.ts'
import { openIngest } from '../open.ts'
import { counted } from '../text/numbers.ts'

interface RetryOptions {
  readonly tables?: readonly string[]
  readonly allFailed?: true
}

export function retryCommand(frame: Frame): Command {
  return new Command('retry')
    .description('let the next run load failed files again; a skipped file only when it is named')
    .argument('[files...]', 'files that are failed or skipped')
    .addOption(tablesOption('the failed files of these tables'))
    .addOption(new Option('--all-failed', 'all failed files'))
    .action(
      frame.handle(async (cli, paths: readonly string[], options: RetryOptions) => {
        checkRetry(paths, options)
        await using ingest = await openIngest(cli)
        // Whole tables mean what failed: a snapshot that was skipped for a newer one must not come back by the way.
        const which = paths.length > 0 ? { paths } : { status: 'failed' as const }
        const files = await ingest.retry({ tables: options.tables, ...which })
        if (cli.output.json) await cli.output.document({ files })
        else await cli.output.line(files === 0 ? 'No file to retry.' : `${counted(files, 'file')} will be loaded by the next run.`)
        return EXIT.ok
      }),
    )
}

function checkRetry(paths: readonly string[], options: RetryOptions): void {
  const hint = 'ingest retry FILE…, ingest retry --tables NAME, or ingest retry --all-failed'
  if (paths.length > 0 && options.allFailed === true) throw usageError('--all-failed and FILE cannot be used together', hint)
  if (paths.length === 0 && options.allFailed === undefined && options.tables === undefined)
    throw usageError('nothing to retry was named', hint)
}
