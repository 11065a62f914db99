import { Command } from 'commander'
import type { CheckReport } from '../../model/report.ts'
import { EXIT } from '../exit-codes.ts'
import type { Frame } from '../frame.ts'
import { openIngest } from '../open.ts'
import type { Colors } from '../output.ts'
import { counted } from '../text/numbers.ts'
import { printable } from '../text/printable.ts'

export function checkCommand(frame: Frame): Command {
  return new Command('check')
    .alias('debug')
    .description('what of the config, its paths and tables works, and what to do about the rest')
    .option('--against-data', 'also whether the files that are there would load: patterns, keys, types')
    .action(
      frame.handle(async (cli, options: { readonly againstData?: boolean }) => {
        await using ingest = await openIngest(cli)
        const report = await ingest.check({ againstData: options.againstData })
        if (cli.output.json) await cli.output.document(report)
        else await cli.output.line(checkText(report, cli.output.colors))
        return report.ok ? EXIT.ok : EXIT.failed
      }),
    )
}

function checkText(report: CheckReport, colors: Colors): string {
  const width = Math.max(0, ...report.checks.map((one) => one.check.length))
  const lines = report.checks.flatMap(({ check, subject, ok, detail, hint }) => {
    const mark = ok ? colors.green('ok    ') : colors.red('FAILED')
    const line = `${mark}  ${check.padEnd(width)}  ${printable(subject)}: ${printable(detail)}`
    return ok || hint === null ? [line] : [line, `        hint: ${printable(hint)}`]
  })
  const failed = report.checks.filter((one) => !one.ok).length
  const verdict =
    failed === 0
      ? `All ${counted(report.checks.length, 'check')} passed.`
      : `${counted(failed, 'check')} of ${report.checks.length} failed.`
  return [...lines, '', verdict].join('\n')
}
