import { join } from 'node:path'
import type { ExplainReport, RunReport } from '../../model/report.ts'
import { explainText } from '../commands/explain.ts'
import type { Output } from '../output.ts'
import { doneLines, tableLines } from '../report/run-summary.ts'
import { statusColor, tableStyle } from '../report/style.ts'
import { count } from '../text/numbers.ts'
import { printable } from '../text/printable.ts'
import { textTable } from '../text/table.ts'
import type { TrackedFile } from '../tracked-file.ts'
import { BROKEN_FILE, BROKEN_LINE, demoFiles, PRICE_LISTS } from './demo-files.ts'
import { shellWord } from './shell-word.ts'

/** Tells the demo step by step, each under the command that does the same; silent with `--json`. */
export class DemoPrinter {
  readonly #output: Output
  readonly #folder: string
  #step = 0

  constructor(output: Output, folder: string) {
    this.#output = output
    this.#folder = folder
  }

  async title(): Promise<void> {
    await this.#lines([this.#output.colors.bold('ingestd: files landing in folders become Delta Lake tables, each file exactly once.')])
  }

  async project(kept: boolean): Promise<void> {
    const files = [
      ...demoFiles(),
      ...PRICE_LISTS.map((path, index) => ({ path, about: index === 0 ? 'a price list' : 'a newer one, which replaces it' })),
    ]
    await this.#heading('A project with sample files', `ingest init ${shellWord(this.#folder)}`)
    await this.#lines([
      `${printable(this.#folder)}${kept ? '' : '   (removed at the end; --keep keeps it)'}`,
      ...textTable(
        [{ head: 'FILE' }, { head: 'WHAT IS IN IT' }],
        files.map(({ path, about }) => [path, about]),
        tableStyle(this.#output.colors),
      ).split('\n'),
    ])
  }

  async firstRun(report: RunReport): Promise<void> {
    await this.#heading('Load everything; the broken file fails alone, its neighbours load', 'ingest run')
    await this.#run(report)
  }

  async files(files: readonly TrackedFile[]): Promise<void> {
    await this.#heading('The tracker knows every file', 'ingest files')
    const { colors } = this.#output
    const rows = files.map((file) => [
      file.status,
      file.table_name,
      file.rows_loaded === null ? '' : count(file.rows_loaded),
      this.#short(file.file_path),
      this.#short(file.error_code ?? file.status_reason ?? ''),
    ])
    const heads = [{ head: 'STATUS' }, { head: 'TABLE' }, { head: 'ROWS', align: 'right' as const }, { head: 'FILE' }, { head: 'WHY' }]
    const style = tableStyle(colors, (padded, raw, column) => (column === 0 ? statusColor(colors, raw)(padded) : padded))
    await this.#lines([textTable(heads, rows, style)])
  }

  async explain(report: ExplainReport): Promise<void> {
    await this.#heading('Why was that file not loaded?', `ingest explain ${BROKEN_FILE}`)
    await this.#lines([
      this.#short(explainText(report, this.#output.colors)),
      '',
      `Mend line ${BROKEN_LINE} and the next run takes the new content by itself; \`ingest retry FILE\` tries the same content again.`,
    ])
  }

  async query({
    sql,
    columns,
    rows,
  }: {
    readonly sql: string
    readonly columns: readonly string[]
    readonly rows: readonly (readonly unknown[])[]
  }): Promise<void> {
    await this.#heading('Ask the tables', `ingest query "${sql.replaceAll('\n', '\n    ')}"`)
    const heads = columns.map((head, index) => ({ head, align: index === 0 ? ('left' as const) : ('right' as const) }))
    await this.#lines([
      textTable(
        heads,
        rows.map((row) => row.map(String)),
        tableStyle(this.#output.colors),
      ),
    ])
  }

  async secondRun(report: RunReport, before: number, after: number): Promise<void> {
    await this.#heading('Run again: nothing is loaded twice', 'ingest run')
    await this.#run(report)
    await this.#lines(['', `Rows of customers, orders and events: ${count(before)} before, ${count(after)} after.`])
  }

  async end(kept: boolean): Promise<void> {
    const there = [`cd ${printable(shellWord(this.#folder))}`, 'ingest status', 'ingest history shop.customers']
    const next = kept
      ? there
      : ['ingest demo my-demo      # the same, to look around in', 'ingest init my-project   # a project of your own']
    await this.#lines(['', this.#output.colors.bold('Next'), ...next.map((line) => `  ${line}`)])
  }

  async #run(report: RunReport): Promise<void> {
    const { colors } = this.#output
    const total = report.tables.length
    const lines = report.tables.flatMap((table, index) => tableLines(table, { number: index + 1, total }, colors))
    await this.#lines([...lines, '', ...doneLines(report, colors)].map((line) => this.#short(line)))
  }

  async #heading(text: string, command: string): Promise<void> {
    this.#step += 1
    const { bold, cyan } = this.#output.colors
    await this.#lines(['', bold(`${this.#step}. ${text}`), cyan(`   $ ${command}`), ''])
  }

  async #lines(lines: readonly string[]): Promise<void> {
    if (!this.#output.json) await this.#output.line(lines.join('\n'))
  }

  /** Paths of the project without its folder, which would hide what the lines say. */
  #short(text: string): string {
    return text.replaceAll(join(this.#folder, '/'), '')
  }
}
