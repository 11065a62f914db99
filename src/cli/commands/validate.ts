import { Command, InvalidArgumentError, Option } from 'commander'
import type { ValidateReport } from '../../model/report.ts'
import { EXIT } from '../exit-codes.ts'
import { usageError } from '../failure.ts'
import type { Frame } from '../frame.ts'
import { openIngest } from '../open.ts'
import type { Colors } from '../output.ts'
import { counted } from '../text/numbers.ts'
import { printable } from '../text/printable.ts'

interface ValidateCommandOptions {
  readonly repair?: true
  readonly dryRun?: true
  readonly limit?: number
}

export function validateCommand(frame: Frame): Command {
  return new Command('validate')
    .description('look for rows of a merge or scd2 table that break its rules, and mend them')
    .argument('<table>', 'database.table, or the table alone')
    .option('--repair', 'mend what is found, in one commit')
    .option('--dry-run', 'with --repair: say what would be done, and change nothing')
    .addOption(new Option('--limit <n>', 'rows that are shown (default: 20; 100 with --json)').argParser(wholeNumber))
    .action(
      frame.handleGracefully(async (cli, name: string, { repair, dryRun, limit }: ValidateCommandOptions) => {
        if (dryRun && !repair) throw usageError('--dry-run tells what --repair would do', 'add --repair, or leave --dry-run out')
        await using ingest = await openIngest(cli)
        const report = await ingest.validate(name, { repair, dryRun, limit: limit ?? (cli.output.json ? 100 : 20), signal: cli.signal })
        if (cli.output.json) await cli.output.document(report)
        else await cli.output.line(textOf(report, cli.output.colors))
        return report.ok ? EXIT.ok : EXIT.failed
      }),
    )
}

const WORDS: Readonly<Record<string, string>> = {
  null_key: 'rows without a key',
  duplicate_key: 'rows that share their key',
  no_start: 'versions without a start',
  duplicate_version: 'versions that share their start',
  end_before_start: 'versions that end before they start',
  overlap: 'versions that reach into the next',
  gap: 'versions that end before the next starts',
  several_current: 'versions of keys with several current ones',
  wrong_flag: 'versions whose flag is wrong',
}

function textOf(report: ValidateReport, colors: Colors): string {
  const { table, version, rows, problems, findings, repair } = report
  if (version === null) return `${table} does not exist yet.`
  if (problems.length === 0) return `${colors.green('ok')}  ${table}: nothing to find in ${counted(rows, 'row')} (version ${version}).`
  const found = problems.map((one) => `${colors.red('FOUND')}  ${table}: ${one.rows} ${WORDS[one.problem] ?? one.problem}`)
  const told = findings.map(({ problem, row }) => `    ${problem}: ${printable(JSON.stringify(row))}`)
  return [...found, ...told, ...(repair === null ? ['hint: --repair --dry-run tells what would mend them'] : [repairText(repair)])].join(
    '\n',
  )
}

function repairText({ dry_run: isDryRun, removed, added, version }: NonNullable<ValidateReport['repair']>): string {
  const change = `${counted(removed, 'row')} out, ${counted(added, 'row')} in`
  return isDryRun ? `A repair would take ${change}.` : `Mended: ${change} (version ${version}).`
}

function wholeNumber(value: string): number {
  if (!/^\d{1,6}$/.test(value)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(value)
}
