import { join, raw, type Sql, sql } from '../../engine/sql.ts'
import type { FileError } from '../../errors/errors.ts'
import { plainBytes } from '../compression.ts'
import { culprits } from '../culprits.ts'
import { firstLine, messageOf, namedFile } from '../engine-message.ts'
import { withPath } from '../file-list.ts'
import { badLine, badValue, excerpt, gone, wrongEncoding, wrongFormat } from '../file-problems.ts'
import type { FileGroup, FormatContext, ReadColumn, SourceFile } from '../format.ts'
import { triedText } from '../values.ts'
import { type LineReading, layoutOf, readLines } from './reading.ts'
import { isRecord, type LineRules, textsOf } from './rules.ts'

/** Reads the group as texts and names every file with a line that is no record, or a value that does not fit. */
export async function diagnoseLines(
  group: FileGroup,
  columns: readonly ReadColumn[],
  rules: LineRules,
  context: FormatContext,
): Promise<readonly FileError[]> {
  const typed = columns.filter(({ type }) => type !== 'VARCHAR')
  const works = (files: readonly SourceFile[]) => {
    context.signal.throwIfAborted()
    return context.session.rows(badFiles({ ...group, files }, typed, rules))
  }
  const unread = await culprits(group.files, works, (error) => namedFile(messageOf(error), group.files))
  const problems: FileError[] = unread.map(({ file, error }) => unreadable(file, messageOf(error), rules.reading))
  const bad = new Set(unread.map(({ file }) => file))
  const readable = group.files.filter((file) => !bad.has(file))
  if (readable.length === 0) return problems
  for (const { path } of await works(readable)) {
    const file = readable.find((one) => one.path === path)
    if (file) problems.push(await firstBad({ ...group, files: [file] }, file, { typed, rules, context }))
  }
  return problems
}

function badFiles(group: FileGroup, typed: readonly ReadColumn[], rules: LineRules): Sql {
  const texts = new Map(textsOf(group, rules).map(({ name, text }) => [name, text]))
  const bad = join([misfit(rules), ...typed.map((column) => isBad(column, texts.get(column.name) ?? raw('null'), rules))], ' or ')
  const rows = withPath(group, sql`(${bad}) as bad`, (naming) => {
    const read = readLines(group.files, { reading: rules.reading, layout: layoutOf(group), more: naming })
    return sql`${read} where ${isRecord(rules)}`
  })
  return sql`select __path as path from (${rows}) group by __path having bool_or(bad)`
}

function misfit(rules: LineRules): Sql {
  return rules.passesOver ? raw('false') : sql`not coalesce(${rules.fits(raw('line'))}, false)`
}

function isBad({ type }: ReadColumn, text: Sql, { reading }: LineRules): Sql {
  return sql`(${text} is not null and ${triedText(type, text, reading)} is null)`
}

interface LineLook {
  readonly typed: readonly ReadColumn[]
  readonly rules: LineRules
  readonly context: FormatContext
}

async function firstBad(group: FileGroup, file: SourceFile, { typed, rules, context }: LineLook): Promise<FileError> {
  const texts = new Map(textsOf(group, rules).map(({ name, text }) => [name, text]))
  const textOf = ({ name }: ReadColumn) => texts.get(name) ?? raw('null')
  const which = join(
    [
      sql`when ${misfit(rules)} then -1`,
      ...typed.map((column, at) => sql`when ${isBad(column, textOf(column), rules)} then ${raw(String(at))}`),
    ],
    ' ',
  )
  const value = join([raw('when -1 then line'), ...typed.map((column, at) => sql`when ${raw(String(at))} then ${textOf(column)}`)], ' ')
  const [found] = await context.session.rows(sql`
    select row, which, case which ${value} end as value
    from (select *, case ${which} end as which from (${numbered(group, file, rules)}) where ${isRecord(rules)})
    where which is not null order by row limit 1`)
  const line = found === undefined ? null : await lineAt(file, Number(found['row']), { group, reading: rules.reading, context })
  const text = String(found?.['value'])
  if (found !== undefined && found['which'] === -1) return badLine(file.path, line, rules.problem(text))
  const column = typed[Number(found?.['which'] ?? 0)]
  if (found === undefined || !column) return wrongFormat(file.path, 'a value does not fit its column')
  return badValue(file.path, line, { column: column.name, value: text, type: column.type })
}

/** The lines of a file with their number among those that the engine gives, from 1. */
export function numbered(group: FileGroup, file: SourceFile, rules: LineRules): Sql {
  return sql`select line, row_number() over () as row from ${readLines([file], { reading: rules.reading, layout: layoutOf(group) })}`
}

interface LineOf {
  readonly group: FileGroup
  readonly rules: LineRules
  readonly context: FormatContext
}

/** The 1-based line of a record, counted from 0. */
export async function lineOfRecord(file: SourceFile, record: bigint, { group, rules, context }: LineOf): Promise<number | null> {
  const [found] = await context.session.rows(
    sql`select row from (${numbered(group, file, rules)}) where ${isRecord(rules)} order by row limit 1 offset ${raw(String(record))}`,
  )
  return found === undefined ? null : lineAt(file, Number(found['row']), { group, reading: rules.reading, context })
}

/** What lines are looked for in. */
export interface LineFile {
  readonly group: FileGroup
  readonly reading: LineReading
  readonly context: FormatContext
}

async function lineAt(file: SourceFile, row: number, where: LineFile): Promise<number | null> {
  const [line = null] = await linesAt(file, [row], where)
  return line
}

/** The lines in the file of lines that the engine gives, ascending, which passes over blank ones and those before the records. */
export async function linesAt(file: SourceFile, rows: ArrayLike<number | bigint>, where: LineFile): Promise<readonly number[]> {
  const found: number[] = []
  let given = 0
  let toSkip = layoutOf(where.group).skip
  let isTop = true
  let number = 0
  for await (const line of textLines(file, where)) {
    number += 1
    if (isTop && line === '') continue
    isTop = false
    if (toSkip > 0) toSkip -= 1
    else if (line !== '') given += 1
    if (line !== '' && Number(rows[found.length]) === given) found.push(number)
    if (found.length === rows.length) break
  }
  return found
}

async function* textLines(file: SourceFile, { group, reading, context }: LineFile): AsyncGenerator<string> {
  const decoder = new TextDecoder(DECODERS[reading.encoding])
  let rest = ''
  for await (const chunk of plainBytes(file, layoutOf(group).compression, context.io)) {
    // A carriage return at the end may be half of a line end.
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    yield* lines
  }
  yield rest
}

const DECODERS = { 'utf-8': 'utf-8', 'utf-16': 'utf-16le', 'latin-1': 'latin1' } as const

/** A file that the engine cannot read at all. */
export function unreadable(file: SourceFile, message: string, reading: LineReading): FileError {
  if (/No files found|No such file|Cannot open file/i.test(message)) return gone(file.path)
  if (/not utf-16 encoded|unicode|utf-8/i.test(message))
    return wrongEncoding(file.path, `the text is not ${reading.encoding.toUpperCase()}`)
  if (/state machine reached an invalid state/.test(message))
    return wrongFormat(file.path, 'line endings of two kinds stand in it', 'mend the file')
  if (/maximum line size|buffer size/i.test(message))
    return wrongFormat(file.path, `a line is longer than ${reading.maxLineSize} bytes`, 'set format_options: {max_line_size: BYTES}')
  return wrongFormat(file.path, excerpt(firstLine(message)))
}
