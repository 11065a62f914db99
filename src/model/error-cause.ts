import { ERROR_CODES, type ErrorCode } from '../errors/codes.ts'

/** Failed files that failed for one cause: the same code, and messages that differ in names and numbers alone. */
export interface ErrorCause {
  readonly code: string | null
  /** What the code means and what to do about it; null for a code that this version does not know. */
  readonly meaning: string | null
  readonly remedy: string | null
  /** The message with what differs left out. */
  readonly message: string
  /** Of the files that were looked at: the newest failures of each table. */
  readonly files: number
  readonly tables: readonly string[]
  readonly last_at: string | null
  /** The newest of the files, and its message as it is. */
  readonly example: { readonly file: string; readonly table: string; readonly message: string }
}

export interface Failure {
  readonly table_name: string
  readonly file_path: string
  readonly error_code: string | null
  readonly error_message: string | null
  readonly failed_at: string | null
}

/** The most frequent first. */
export function causesOf(failures: readonly Failure[]): readonly ErrorCause[] {
  const groups = new Map<string, Failure[]>()
  for (const failure of failures) {
    const key = `${failure.error_code ?? ''} ${messageShape(failure)}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [failure])
    else group.push(failure)
  }
  return [...groups.values()].map(causeOf).sort((a, b) => b.files - a.files || timeOf(b.last_at).localeCompare(timeOf(a.last_at)))
}

function causeOf(failures: readonly Failure[]): ErrorCause {
  const newest = failures.reduce((last, one) => (timeOf(one.failed_at) > timeOf(last.failed_at) ? one : last))
  const known = newest.error_code !== null && Object.hasOwn(ERROR_CODES, newest.error_code) ? (newest.error_code as ErrorCode) : undefined
  return {
    code: newest.error_code,
    meaning: known === undefined ? null : ERROR_CODES[known].cause,
    remedy: known === undefined ? null : ERROR_CODES[known].remedy,
    message: messageShape(newest),
    files: failures.length,
    tables: [...new Set(failures.map((failure) => failure.table_name))].sort(),
    last_at: newest.failed_at,
    example: { file: newest.file_path, table: newest.table_name, message: newest.error_message ?? '' },
  }
}

function timeOf(at: string | null): string {
  return at ?? ''
}

/** The message without the file, quoted values and numbers: what is left tells the cause. */
export function messageShape({ error_message: message, file_path: path }: Pick<Failure, 'error_message' | 'file_path'>): string {
  return (message ?? '')
    .replaceAll(path, 'FILE')
    .replaceAll(/'[^'\n]*'|"[^"\n]*"|`[^`\n]*`|«[^»\n]*»/g, '…')
    .replaceAll(/(?<![\w-])\/[^\s:,;]+/g, 'PATH')
    .replaceAll(/\d+(?:[.,]\d+)*/g, 'N')
}
