import { FileError } from '../errors/errors.ts'

/** Every way in which the content of a file is wrong, in one voice. `path` is the file as the tracker shows it. */

export function gone(path: string, cause?: unknown): FileError {
  return new FileError('ING-FILE-GONE', path, `${path} vanished while it was read`, {
    cause,
    hint: 'deliver it again, or: ingest skip FILE',
  })
}

export function unreadable(path: string, cause: unknown): FileError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new FileError('ING-FILE-UNREADABLE', path, `${path} cannot be read: ${reason}`, {
    cause,
    hint: 'grant read permission, then: ingest retry FILE',
  })
}

export function truncated(path: string, what: string, cause?: unknown): FileError {
  return new FileError('ING-FILE-TRUNCATED', path, `${path}: the end of the file is missing: ${what}`, {
    cause,
    hint: 'deliver the file again; its new version is taken by itself',
  })
}

export function wrongFormat(path: string, what: string, hint = 'check file_format and the file', cause?: unknown): FileError {
  return new FileError('ING-FILE-FORMAT', path, `${path}: ${what}`, { cause, hint })
}

/** An archive that is not taken as it is. */
export function badArchive(path: string, what: string, hint: string): FileError {
  return new FileError('ING-FILE-ARCHIVE', path, `${path}: ${what}`, { hint })
}

export function wrongEncoding(
  path: string,
  what: string,
  hint = 'set format_options: {encoding: utf-16} or {encoding: latin-1}, or deliver UTF-8',
): FileError {
  return new FileError('ING-FILE-ENCODING', path, `${path}: ${what}`, { hint })
}

export function textBehindQuote(path: string, line: number): FileError {
  const hint = 'double the quotes within a value, or set format_options: {strict_mode: false}'
  return new FileError('ING-FILE-FORMAT', path, `${path} line ${line}: text follows a closing quote`, { hint, context: { line } })
}

export function duplicateColumn(path: string, first: string, second: string): FileError {
  const what =
    first === second
      ? `the column ${JSON.stringify(first)} stands twice`
      : `the columns ${JSON.stringify(first)} and ${JSON.stringify(second)} differ by case alone`
  return new FileError('ING-FILE-DUPLICATE-COLUMN', path, `${path}: ${what}`, { hint: 'rename one at the source' })
}

export function badColumnName(path: string, what: string): FileError {
  return new FileError('ING-FILE-COLUMN-NAME', path, `${path}: ${what}`, { hint: 'rename the column at the source' })
}

export function raggedRow(path: string, line: number, found: number, expected: number): FileError {
  const fields = found === 1 ? '1 field' : `${found} fields`
  return new FileError('ING-FILE-RAGGED-ROW', path, `${path} line ${line}: ${fields}, the header has ${expected}`, {
    hint: 'mend the line, then: ingest retry FILE',
    context: { line },
  })
}

/** A line that is no record; `line` is null where it cannot be told. */
export function badLine(path: string, line: number | null, what: string): FileError {
  return new FileError('ING-FILE-FORMAT', path, `${line === null ? path : `${path} line ${line}`}: ${what}`, {
    hint: 'mend the line, then: ingest retry FILE',
    ...(line === null ? {} : { context: { line } }),
  })
}

export interface BadValue {
  readonly column: string
  readonly value: string
  readonly type: string
}

/** A value that does not fit; `line` is null where it cannot be told. */
export function badValue(path: string, line: number | null, { column, value, type }: BadValue): FileError {
  const place = line === null ? path : `${path} line ${line}`
  const hint =
    value === '' ? "set format_options: {allow_quoted_nulls: true} to read '' as null" : 'mend the value, then: ingest retry FILE'
  return new FileError('ING-FILE-VALUE', path, `${place}, column ${column}: '${excerpt(value)}' is not ${article(type)}`, {
    hint,
    ...(line === null ? {} : { context: { line } }),
  })
}

export function badJson(path: string, line: number | null, what: string): FileError {
  return new FileError('ING-FILE-JSON', path, `${line === null ? path : `${path} line ${line}`}: ${what}`, {
    hint: 'mend the line, then: ingest retry FILE',
  })
}

/** Content for a message: one line, at most 80 characters. */
export function excerpt(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ')
  return line.length <= 80 ? line : `${line.slice(0, 77)}...`
}

function article(type: string): string {
  return /^[AEIOU]/i.test(type) ? `an ${type}` : `a ${type}`
}
