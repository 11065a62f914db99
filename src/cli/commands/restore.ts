import { Command, InvalidArgumentError, Option } from 'commander'
import type { Ingest, RestoreOptions } from '../../app/ingest.ts'
import type { RestoreReport } from '../../model/report.ts'
import { confirmed } from '../confirm.ts'
import { EXIT } from '../exit-codes.ts'
import { usageError } from '../failure.ts'
import type { Cli, Frame } from '../frame.ts'
import { openIngest } from '../open.ts'
import { bytes, counted } from '../text/numbers.ts'

interface RestoreCommandOptions {
  readonly version?: number
  readonly timestamp?: string
  readonly files?: 'pending' | 'skipped'
  readonly dryRun?: true
  readonly yes?: true
}

export function restoreCommand(frame: Frame): Command {
  return new Command('restore')
    .description('make a table what it was at an older version, as a new version')
    .argument('<table>', 'database.table, or the table alone')
    .addOption(new Option('--version <n>', 'the version').argParser(version).conflicts('timestamp'))
    .addOption(new Option('--timestamp <time>', 'the version that was current at that time, as 2024-05-31T14:30:00Z'))
    .addOption(new Option('--files <state>', 'what becomes of files that were loaded later').choices(['pending', 'skipped']))
    .option('--dry-run', 'say what would be done, and change nothing')
    .option('--yes', 'do not ask')
    .action(
      frame.handle(async (cli, table: string, options: RestoreCommandOptions) => {
        const wanted = wantedOf(table, options)
        await using ingest = await openIngest(cli)
        const report = await restored(ingest, { table, wanted, options }, cli)
        if (report === undefined) return EXIT.ok
        if (cli.output.json) await cli.output.document(report)
        else await cli.output.line(textOf(report))
        return EXIT.ok
      }),
    )
}

interface Request {
  readonly table: string
  readonly wanted: RestoreOptions
  readonly options: RestoreCommandOptions
}

/** Undefined when the answer was no. What is agreed to is done, or nothing: not what another commit has made of it. */
async function restored(ingest: Ingest, { table, wanted, options }: Request, cli: Cli): Promise<RestoreReport | undefined> {
  if (options.dryRun === true) return ingest.restore(table, { ...wanted, dryRun: true })
  if (options.yes === true) return ingest.restore(table, wanted)
  const plan = await ingest.restore(table, { ...wanted, dryRun: true })
  if (plan.from_version === plan.to_version) return plan
  const question = `${textOf(plan)}\nRestore ${plan.table} to version ${plan.to_version}?`
  if (!(await confirmed(question, cli, 'a restore takes back what was loaded later'))) return undefined
  return ingest.restore(table, { ...wanted, fromVersion: plan.from_version })
}

function wantedOf(table: string, { version: number, timestamp, files }: RestoreCommandOptions): RestoreOptions {
  const at = number ?? timestamp
  if (at === undefined)
    throw usageError('restore to which version?', `ingest history ${table} shows them; give --version N or --timestamp TIME`)
  // Either choice is wrong for somebody, and neither can be taken back unseen.
  if (files === undefined)
    throw usageError(
      'what shall become of files that were loaded later?',
      'give --files pending (the next run loads them again) or --files skipped',
    )
  return { at, files }
}

function textOf(report: RestoreReport): string {
  const { table, from_version: from, to_version: to, version, files, dry_run: isDryRun } = report
  if (from === to) return `${table} is at version ${to}: nothing to restore.`
  const data = `${counted(report.files_added, 'data file')} back (${bytes(report.bytes_added)}), ${counted(report.files_removed, 'data file')} out (${bytes(report.bytes_removed)})`
  const landing = [
    ...(files.pending > 0 ? [`${counted(files.pending, 'file')} pending`] : []),
    ...(files.skipped > 0 ? [`${counted(files.skipped, 'file')} skipped`] : []),
    ...(files.completed > 0 ? [`${counted(files.completed, 'file')} completed`] : []),
  ]
  const head = isDryRun
    ? `Would restore ${table} from version ${from} to version ${to}: ${data}.`
    : `Restored ${table} to version ${to} as version ${version ?? '?'}: ${data}.`
  return [head, `Landing files: ${landing.length === 0 ? 'none changes' : landing.join(', ')}.`].join('\n')
}

function version(value: string): number {
  const number = Number(value)
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(number)) throw new InvalidArgumentError('It must be a whole number from 0.')
  return number
}
