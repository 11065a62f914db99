import { Command } from 'commander'
import type { Ingest, UnloadOptions } from '../../app/ingest.ts'
import type { UnloadReport } from '../../model/undo-report.ts'
import { confirmed } from '../confirm.ts'
import { EXIT } from '../exit-codes.ts'
import type { Cli, Frame } from '../frame.ts'
import { tablesOption } from '../global-options.ts'
import { openIngest } from '../open.ts'
import { counted } from '../text/numbers.ts'
import { printable } from '../text/printable.ts'

interface UnloadCommandOptions {
  readonly tables?: readonly string[]
  readonly dryRun?: true
  readonly yes?: true
}

export function unloadCommand(frame: Frame): Command {
  return new Command('unload')
    .description('take the rows of files out of append tables; the files are skipped from then on')
    .argument('<files...>', 'files that are loaded')
    .addOption(tablesOption('only out of these tables'))
    .option('--dry-run', 'count the rows, and change nothing')
    .option('--yes', 'do not ask')
    .action(
      frame.handle(async (cli, files: readonly string[], { tables, dryRun, yes }: UnloadCommandOptions) => {
        await using ingest = await openIngest(cli)
        const wanted = { tables, dryRun: dryRun === true }
        if (dryRun !== true && yes !== true && !(await mayUnload(ingest, files, wanted, cli))) return EXIT.ok
        const reports = await ingest.unload(files, wanted)
        if (cli.output.json) await cli.output.document(reports)
        for (const report of cli.output.json ? [] : reports) for (const line of linesOf(report)) await cli.output.line(line)
        return EXIT.ok
      }),
    )
}

async function mayUnload(ingest: Ingest, files: readonly string[], wanted: UnloadOptions, cli: Cli): Promise<boolean> {
  const plan = await ingest.unload(files, { ...wanted, dryRun: true })
  return confirmed(`${plan.flatMap(linesOf).join('\n')}\nUnload them?`, cli, 'an unload takes rows out of the tables')
}

function linesOf({ table, dry_run: isDryRun, version, rows, files }: UnloadReport): readonly string[] {
  const head = `${counted(rows, 'row')} of ${counted(files.length, 'file')}`
  const each = files.map((file) => {
    const loaded = file.rows_loaded === null || file.rows_loaded === file.rows ? '' : ` (${file.rows_loaded} were loaded)`
    return `    ${printable(file.file)}: ${counted(file.rows, 'row')}${loaded}`
  })
  const line = isDryRun
    ? `Would unload ${head} from ${printable(table)}.`
    : `Unloaded ${head} from ${printable(table)} as version ${version ?? '?'}. Load again with: ingest retry FILE`
  return [line, ...each]
}
