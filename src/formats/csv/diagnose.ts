import { id, literal, type Sql, sql } from '../../engine/sql.ts'
import { FileError } from '../../errors/errors.ts'
import { filesWithBadValues, firstBadValue } from '../bad-values.ts'
import { firstLine, messageOf, namedFile, throwForeign } from '../engine-message.ts'
import { badValue, excerpt, gone, wrongEncoding, wrongFormat } from '../file-problems.ts'
import type { FileGroup, FormatContext, ReadColumn, SourceFile } from '../format.ts'
import { lineOfRow } from './lines.ts'
import { layoutOf, type Reading, readCsv, readingOf } from './reading.ts'
import { type Reject, rejectProblem } from './reject.ts'

/**
 * Reads the group once more as text and names every file that is to blame: ill-formed rows as the engine collects them,
 * values by the same conversions as the load.
 */
export async function diagnoseCsv(
  group: FileGroup,
  columns: readonly ReadColumn[],
  _error: unknown,
  context: FormatContext,
): Promise<readonly FileError[]> {
  const typed = columns.filter(({ type }) => type !== 'VARCHAR')
  const look: CsvLook = { typed, reading: readingOf(context), context }
  const problems: FileError[] = []
  let files = group.files
  while (files.length > 0) {
    context.signal.throwIfAborted()
    const part = { ...group, files }
    const found = await lookAt(part, look)
    if (found.kind === 'looked') return [...problems, ...found.problems]
    const culprit = found.file ?? (files.length === 1 ? files[0] : undefined)
    if (culprit === undefined) return [...problems, ...(await inHalves(part, columns, context))]
    problems.push(unreadable(culprit, found.message))
    files = files.filter((file) => file !== culprit)
  }
  return problems
}

/** The engine failed without a name. */
async function inHalves(group: FileGroup, columns: readonly ReadColumn[], context: FormatContext): Promise<readonly FileError[]> {
  const middle = Math.ceil(group.files.length / 2)
  const problems: FileError[] = []
  for (const files of [group.files.slice(0, middle), group.files.slice(middle)])
    problems.push(...(await diagnoseCsv({ ...group, files }, columns, undefined, context)))
  return problems
}

interface CsvLook {
  readonly typed: readonly ReadColumn[]
  readonly reading: Reading
  readonly context: FormatContext
}

type Looked =
  | { readonly kind: 'looked'; readonly problems: readonly FileError[] }
  | { readonly kind: 'failed'; readonly file: SourceFile | undefined; readonly message: string }

async function lookAt(group: FileGroup, look: CsvLook): Promise<Looked> {
  const { session } = look.context
  const rejects = session.temporaryName('csv_rejects')
  const scans = session.temporaryName('csv_rejected_scans')
  try {
    const bad = await session.rows(badFiles(group, look, { rejects, scans }))
    const rejected = await rejectsOf(group, look, { rejects, scans })
    const problems: FileError[] = []
    for (const reject of rejected.values())
      problems.push(
        await rejectProblem(reject, {
          columns: group.columns.length,
          reading: look.reading,
          layout: layoutOf(group),
          context: look.context,
        }),
      )
    const ragged = new Set([...rejected.keys()].map((file) => file.path))
    for (const { path } of bad) {
      const file = group.files.find((one) => one.path === path)
      if (file && !ragged.has(file.path)) problems.push(await badValueOf(group, file, look))
    }
    return { kind: 'looked', problems }
  } catch (error) {
    if (error instanceof FileError) throw error
    throwForeign(error)
    const message = messageOf(error)
    return { kind: 'failed', file: namedFile(message, group.files), message }
  } finally {
    await session.run(sql`drop table if exists ${id(rejects)}`)
    await session.run(sql`drop table if exists ${id(scans)}`)
  }
}

/** Files with a value that does not fit; ill-formed rows go to the tables of rejects. */
function badFiles(group: FileGroup, { typed, reading }: CsvLook, into: { readonly rejects: string; readonly scans: string }): Sql {
  const options = [
    sql`store_rejects = true`,
    sql`rejects_table = ${literal(into.rejects)}`,
    sql`rejects_scan = ${literal(into.scans)}`,
    // Of each file; the first of them counts.
    sql`rejects_limit = 1000`,
  ]
  const columns = group.columns.map(({ name }) => ({ name, type: 'VARCHAR' }))
  return filesWithBadValues(group, { columns, typed, rules: reading }, (naming) =>
    readCsv(group.files, columns, { reading, layout: layoutOf(group), more: [...options, ...naming] }),
  )
}

/** The first ill-formed row of each file. */
async function rejectsOf(
  group: FileGroup,
  { context }: CsvLook,
  from: { readonly rejects: string; readonly scans: string },
): Promise<ReadonlyMap<SourceFile, Reject>> {
  const rows = await context.session.rows(sql`
    select s.file_path as path, min(r.line)::bigint as line, arg_min(r.error_type::varchar, r.line) as type,
      arg_min(r.csv_line, r.line) as text, arg_min(r.error_message, r.line) as message
    from ${id(from.rejects)} as r join ${id(from.scans)} as s using (scan_id, file_id) group by all`)
  const files = new Map(group.files.map((file) => [file.readPath, file]))
  const found = new Map<SourceFile, Reject>()
  for (const row of rows) {
    const file = files.get(String(row['path'])) ?? (group.files.length === 1 ? group.files[0] : undefined)
    if (file)
      found.set(file, {
        file,
        line: Number(row['line']),
        type: String(row['type']),
        text: String(row['text'] ?? ''),
        message: String(row['message'] ?? ''),
      })
  }
  return found
}

async function badValueOf(group: FileGroup, file: SourceFile, { typed, reading, context }: CsvLook): Promise<FileError> {
  const columns = group.columns.map(({ name }) => ({ name, type: 'VARCHAR' }))
  const layout = layoutOf(group)
  const rows = readCsv([file], columns, { reading: { ...reading, parallel: false }, layout })
  const found = await firstBadValue(rows, { typed, rules: reading }, context.session)
  if (found === undefined) return wrongFormat(file.path, 'a value does not fit its column')
  const line = await lineOfRow(file, { row: found.row, columns: columns.length }, { reading, layout, context })
  return badValue(file.path, line, { column: found.column.name, value: found.value, type: found.column.type })
}

/** A file that the engine cannot read at all. */
export function unreadable(file: SourceFile, message: string): FileError {
  if (/not utf-16 encoded|unicode|utf-8/i.test(message)) {
    return wrongEncoding(
      file.path,
      'the text is not in the encoding of the table, or has characters beyond U+FFFF in UTF-16',
      'set format_options: {encoding: utf-16le}, or deliver UTF-8',
    )
  }
  if (/No files found|No such file|Cannot open file/i.test(message)) return gone(file.path)
  if (/state machine reached an invalid state/.test(message)) {
    return wrongFormat(
      file.path,
      'line endings of two kinds stand in it, or quotes that do not pair',
      'mend the file, or set format_options: {strict_mode: false}',
    )
  }
  return wrongFormat(file.path, excerpt(firstLine(message)))
}
