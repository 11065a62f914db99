import { Command } from 'commander'
import { selectTables } from '../../app/select-tables.ts'
import type { VerifiedTable, VerifyReport } from '../../model/verification.ts'
import { EXIT } from '../exit-codes.ts'
import type { Cli, Frame } from '../frame.ts'
import { openIngest } from '../open.ts'
import { count, counted, duration } from '../text/numbers.ts'
import { printable } from '../text/printable.ts'

export function verifyCommand(frame: Frame): Command {
  return new Command('verify')
    .description('look at tables for damage: rows of each file, log, manifests, data files, and what the tracker says of them')
    .argument('[tables...]', 'database.table, or the table alone; all tables without it')
    .action(
      frame.handleGracefully(async (cli, names: readonly string[]) => {
        await using ingest = await openIngest(cli)
        const tables = selectTables(ingest.config.tables, names).map(({ name }) => name)
        const ended: VerifiedTable[] = []
        for (const table of tables) {
          cli.output.progress(`verifying ${table} …`)
          const report = await ingest.verify({ tables: [table], signal: cli.signal }).finally(() => cli.output.progress(''))
          if (!cli.output.json) await print(report, cli)
          ended.push(...report.tables)
        }
        const ok = ended.every(({ status }) => status === 'pass')
        if (cli.output.json) await cli.output.document({ ok, tables: ended } satisfies VerifyReport)
        else await cli.output.line(verdict(ended))
        return ok ? EXIT.ok : EXIT.failed
      }),
    )
}

async function print({ tables }: VerifyReport, { output }: Cli): Promise<void> {
  for (const table of tables) for (const line of linesOf(table, output.colors)) await output.line(line)
}

function linesOf(table: VerifiedTable, colors: Cli['output']['colors']): readonly string[] {
  const { status, reason, version, findings, damages } = table
  if (reason !== null)
    return [`${status === 'error' ? colors.red('FAILED') : colors.yellow('SKIP  ')}  ${table.table}: ${printable(reason)}`]
  const looked = [
    counted(table.files, 'file'),
    counted(table.commits, 'commit'),
    counted(table.checkpoints, 'checkpoint'),
    counted(table.data_files, 'data file'),
    counted(table.rows, 'row'),
  ].join(', ')
  const where = version === null ? 'there is no table' : `version ${version}: ${looked}`
  if (status === 'pass') return [`${colors.green('ok    ')}  ${table.table}: ${where} in ${duration(table.seconds)}`]
  const told = findings.flatMap((one) => {
    const place = [one.file, one.version === null ? null : `version ${one.version}`].filter((part) => part !== null).join(', ')
    return [`        ${one.damage}: ${printable(place === '' ? one.detail : `${place}: ${one.detail}`)}`, `          hint: ${one.hint}`]
  })
  const more = Object.entries(damages).flatMap(([damage, found]) => {
    const shown = findings.filter((one) => one.damage === damage).length
    return found > shown ? [`        ${damage}: and ${count(found - shown)} more`] : []
  })
  return [`${colors.red('DAMAGE')}  ${table.table}: ${where}`, ...told, ...more]
}

function verdict(tables: readonly VerifiedTable[]): string {
  const bad = tables.filter(({ status }) => status !== 'pass').length
  return bad === 0
    ? `Nothing found in ${counted(tables.length, 'table')}.`
    : `${counted(bad, 'table')} of ${tables.length} with findings, or not looked at.`
}
