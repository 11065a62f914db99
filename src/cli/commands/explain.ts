import { Command } from 'commander'
import type { ExplainReport } from '../../model/report.ts'
import { EXIT } from '../exit-codes.ts'
import type { Frame } from '../frame.ts'
import { openIngest } from '../open.ts'
import type { Colors } from '../output.ts'
import { statusColor } from '../report/style.ts'
import { count } from '../text/numbers.ts'
import { printable } from '../text/printable.ts'

export function explainCommand(frame: Frame): Command {
  return new Command('explain')
    .description('why a file was, was not, or will be loaded')
    .argument('<file>', 'a path; relative to the working directory or to raw_data_path')
    .action(
      frame.handle(async (cli, file: string) => {
        await using ingest = await openIngest(cli)
        const reports = await ingest.explain(file)
        const { output } = cli
        if (output.json) await output.document(explainDocument(reports))
        else await output.line(reports.map((report) => explainText(report, output.colors)).join('\n\n'))
        return EXIT.ok
      }),
    )
}

/** One object for the usual case of one table; further tables that could hold the path follow under `others`. */
function explainDocument(reports: readonly ExplainReport[]): unknown {
  const [first, ...others] = reports
  return others.length === 0 ? first : { ...first, others }
}

type Broken = NonNullable<ExplainReport['expectations']>[number]

const VERDICTS: Readonly<Record<ExplainReport['verdict'], string>> = {
  will_load: 'will be loaded by the next run',
  loaded: 'loaded',
  not_loaded: 'not loaded',
}

export function explainText(report: ExplainReport, colors: Colors): string {
  const lines = [
    colors.bold(printable(report.file)),
    `  table    ${report.table ?? 'no table takes it'}`,
    `  status   ${report.status === null ? 'unknown to the tracker' : statusColor(colors, report.status)(report.status)}`,
    `  verdict  ${VERDICTS[report.verdict]}`,
  ]
  if (report.steps.length > 0) lines.push('', ...stepLines(report, colors))
  if (report.history.length > 0) lines.push('', '  history', ...report.history.map((event) => `    ${historyText(event)}`))
  if (report.expectations !== undefined)
    lines.push('', '  expectations', ...report.expectations.map((one) => `    ${expectationText(one)}`))
  return lines.join('\n')
}

function expectationText({ at, batch_id: batch, name, on_violation: action, violated }: Broken): string {
  return `${at}  broke ${printable(name)} (${action}): ${count(violated)}  batch ${batch}`
}

function stepLines(report: ExplainReport, colors: Colors): readonly string[] {
  const width = Math.max(...report.steps.map((step) => step.check.length))
  return report.steps.map(({ check, passed, detail }) => {
    const mark = passed ? colors.green('yes') : colors.red('NO ')
    return `  ${mark}  ${check.padEnd(width)}  ${printable(detail)}`
  })
}

function historyText({ at, from, to, batch_id: batch, reason }: ExplainReport['history'][number]): string {
  const why = reason === null ? '' : `  ${printable(reason)}`
  return `${at}  ${from ?? 'new'} → ${to}${batch === null ? '' : `  batch ${batch}`}${why}`
}
