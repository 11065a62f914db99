import type { ReportError, RunReport, TableReport, TableStatus } from '../../model/report.ts'
import { hintOf } from '../failure.ts'
import type { Colors } from '../output.ts'
import { bytes, count, counted, duration, perSecond } from '../text/numbers.ts'
import { printable, printableLines } from '../text/printable.ts'
import { optimizeText, vacuumText } from './maintenance-text.ts'

/** Failed files that are told in full; a broken delivery has thousands of the same kind. */
const SHOWN = 10

const WORDS = {
  pass: ['FINISHED', 'green'],
  warn: ['WARN', 'yellow'],
  error: ['ERROR', 'red'],
  skip: ['SKIP', 'dim'],
} as const

/** Where a table stands among the tables of a run. */
export interface Place {
  /** From 1. */
  readonly number: number
  readonly total: number
}

/** `[3 of 7] FINISHED analytics.orders` */
export function tableHead(table: string, status: TableStatus, { number, total }: Place, colors: Colors): string {
  const [word, paint] = WORDS[status]
  return `[${number} of ${total}] ${colors[paint](word)} ${printable(table)}`
}

/** How a table ended: one line, and what went wrong below it. */
export function tableLines(report: TableReport, place: Place, colors: Colors, all = false): readonly string[] {
  return [tableLine(report, place, colors), ...expectationLines(report), ...maintenanceLines(report), ...problemLines(report, colors, all)]
}

/** Rules that were broken. */
export function expectationLines({ expectations = [] }: TableReport): readonly string[] {
  const broken = expectations.filter(({ violated }) => violated > 0)
  return broken.map(({ name, on_violation: action, checked, violated, files }) => {
    return `    expectation ${printable(name)} (${action}): ${count(violated)} of ${count(checked)} in ${counted(files, 'file')}`
  })
}

function maintenanceLines({ maintenance }: TableReport): readonly string[] {
  const { optimize, vacuum } = maintenance ?? {}
  return [
    ...(optimize === undefined ? [] : [`    optimize: ${printable(optimize.reason ?? optimizeText(optimize))}`]),
    ...(vacuum === undefined ? [] : [`    vacuum: ${printable(vacuum.reason ?? vacuumText(vacuum))}`]),
  ]
}

function tableLine(report: TableReport, place: Place, colors: Colors): string {
  const head = tableHead(report.table, report.status, place, colors)
  const reason = report.reason === null ? '' : `: ${printable(report.reason)}`
  if (report.status === 'skip') return `${head}${reason}`
  return `${head} in ${duration(report.seconds)} (${countsOf(report)})${reason}`
}

function countsOf({ rows, files }: TableReport): string {
  const rest = [
    [files.failed, 'failed'],
    [files.skipped, 'skipped'],
    [files.pending, 'pending'],
  ] as const
  const more = rest.filter(([number]) => number > 0).map(([number, word]) => `, ${count(number)} ${word}`)
  return `${counted(rows.loaded, 'row')}, ${counted(files.loaded, 'file')}${more.join('')}`
}

function problemLines({ table, errors, warnings, files }: TableReport, colors: Colors, all: boolean): readonly string[] {
  const shown = all ? errors : errors.slice(0, SHOWN)
  // The report may itself hold fewer errors than there are failed files.
  const hidden = Math.max(errors.length, files.failed) - shown.length
  const lines = [...shown.flatMap((error) => errorLines(error, colors))]
  if (hidden > 0) lines.push(`    and ${count(hidden)} more: ingest files --status failed --tables ${printable(table)}`)
  const warned = all ? warnings : warnings.slice(0, SHOWN)
  lines.push(
    ...warned.map(
      ({ code, message, file }) => `    ${colors.yellow('warning:')} ${at(file)}${printableLines(message)} ${colors.dim(`[${code}]`)}`,
    ),
  )
  if (warnings.length > warned.length)
    lines.push(`    and ${counted(warnings.length - warned.length, 'more warning')}: ingest run --verbose --json`)
  return lines
}

export function errorLines({ file, code, message, hint }: ReportError, colors: Colors): readonly string[] {
  const lines = [`    ${colors.red('error:')} ${at(file, message)}${printableLines(message)} ${colors.dim(`[${code}]`)}`]
  const advice = hintOf(code, hint)
  if (advice !== null) lines.push(`      hint: ${printableLines(advice)}`)
  return lines
}

/** The file before the message, unless the message begins with it. */
function at(file: string | null, message = ''): string {
  return file === null || message.startsWith(file) ? '' : `${printable(file)}: `
}

/** The end of a run: `Done.` with the outcomes, then what was moved and how fast. */
export function doneLines({ totals, warnings = [] }: RunReport, colors: Colors): readonly string[] {
  const { pass, warn, error, skip, total, files, rows, bytes: size, seconds } = totals
  const outcome = `Done. PASS=${pass} WARN=${warn} ERROR=${error} SKIP=${skip} TOTAL=${total}`
  const paint = error > 0 ? colors.red : warn > 0 ? colors.yellow : colors.green
  const speed = [
    rate(perSecond(rows, seconds), (value) => `${count(value)} rows/s`),
    rate(perSecond(size, seconds), (value) => `${bytes(value)}/s`),
  ]
  const fast = speed.filter((text) => text !== '').join(', ')
  return [
    ...warnings.map(({ code, message }) => `${colors.yellow('warning:')} ${printableLines(message)} ${colors.dim(`[${code}]`)}`),
    paint(outcome),
    `${counted(rows, 'row')} in ${counted(files, 'file')} (${bytes(size)}) in ${duration(seconds)}${fast === '' ? '' : `: ${fast}`}`,
  ]
}

function rate(value: number | null, text: (value: number) => string): string {
  return value === null ? '' : text(value)
}
