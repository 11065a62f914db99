import { ERROR_CODES, type ErrorCode } from '../errors/codes.ts'
import { ConfigError, type ConfigIssue, IngestError, reportOf } from '../errors/errors.ts'
import { redactUrl } from '../errors/redact.ts'
import type { Output } from './output.ts'
import { counted } from './text/numbers.ts'
import { printable, printableLines } from './text/printable.ts'

/** The command line is wrong: exit code 2. */
export function usageError(message: string, hint: string): ConfigError {
  return new ConfigError('ING-USAGE', message, [], { hint })
}

/** What to do about an error: its own hint, or the remedy of its code. */
export function hintOf(code: string, hint: string | null): string | null {
  return hint ?? (isErrorCode(code) ? ERROR_CODES[code].remedy : null)
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code)
}

/** Tells why a command ended: on stderr for people, as the one document on stdout with `--json`. */
export async function printFailure(error: unknown, output: Output): Promise<void> {
  const { code, message, hint } = reportOf(error)
  const issues = error instanceof ConfigError ? error.issues : []
  // Half a document cannot be taken back; an error in the middle of it would be taken for a row.
  if (output.json && !output.started) {
    await output.document({ error: { code, message, hint: hintOf(code, hint), issues } })
    return
  }
  output.note(failureText(error, output).join('\n'))
}

function failureText(error: unknown, output: Output): readonly string[] {
  const { code, message, hint } = reportOf(error)
  const { red, dim } = output.errorColors
  if (error instanceof ConfigError && error.issues.length > 0) {
    const head = `${red('error:')} the config has ${counted(error.issues.length, 'problem')}`
    return [head, ...error.issues.flatMap((issue) => [issueText(issue), `  fix: ${printable(issue.fix)} ${dim(`[${issue.code}]`)}`])]
  }
  const advice = hintOf(code, hint)
  const lines = [`${red('error:')} ${printableLines(message)} ${dim(`[${code}]`)}`]
  if (advice !== null) lines.push(`  hint: ${printableLines(advice)}`)
  // What is no error of ours is a bug of ours: its stack says where.
  if (!(error instanceof IngestError) && error instanceof Error && error.stack !== undefined)
    lines.push(dim(printableLines(redactUrl(error.stack))))
  return lines
}

function issueText(issue: ConfigIssue): string {
  const place = issue.line > 0 ? `${issue.file}:${issue.line}:${issue.column}` : issue.file
  const where = [place, issue.key].filter((part) => part !== '').join(' ')
  return printable(where === '' ? issue.problem : `${where}: ${issue.problem}`)
}
