import type { Sql } from '../../engine/sql.ts'
import type { FileError } from '../../errors/errors.ts'
import { filesWithBadValues, firstBadValue } from '../bad-values.ts'
import { culprits } from '../culprits.ts'
import { messageOf, namedFile } from '../engine-message.ts'
import { badValue, excerpt, wrongFormat } from '../file-problems.ts'
import type { FileGroup, FormatContext, ReadColumn, SourceFile } from '../format.ts'
import { jsonProblem, lineOfRecord } from './problem.ts'
import { decimalsIn, layoutOf, readJson, rulesOf } from './reading.ts'

/** Reads the group as text and names every file with a value that does not fit, or with text that is no JSON. */
export async function diagnoseJson(
  group: FileGroup,
  columns: readonly ReadColumn[],
  _error: unknown,
  context: FormatContext,
): Promise<readonly FileError[]> {
  const typed = columns.filter(({ type }) => type !== 'VARCHAR')
  const works = (files: readonly SourceFile[]) => {
    context.signal.throwIfAborted()
    const part = { ...group, files }
    const bad = filesWithBadValues(part, { columns, typed, rules: rulesOf(context) }, (naming) => texts(part, columns, context, naming))
    return context.session.rows(bad)
  }
  const unreadable = await culprits(group.files, works, (error) => namedFile(messageOf(error), group.files))
  const problems: FileError[] = []
  for (const { file, error } of unreadable)
    problems.push(await jsonProblem(file, messageOf(error), { compression: layoutOf(group).compression, context }))
  const bad = new Set(unreadable.map(({ file }) => file))
  const readable = group.files.filter((file) => !bad.has(file))
  if (readable.length === 0) return problems
  for (const { path } of await works(readable)) {
    const file = readable.find((one) => one.path === path)
    if (file) problems.push(await badValueOf({ ...group, files: [file] }, file, typed, context))
  }
  return problems
}

/** Fields as texts, nested ones as JSON. */
function texts(group: FileGroup, columns: readonly ReadColumn[], context: FormatContext, more: readonly Sql[] = []): Sql {
  return readJson(
    group.files,
    columns.map(({ name }) => ({ name, type: 'VARCHAR' })),
    { layout: layoutOf(group), context, more, decimals: decimalsIn(columns, context) },
  )
}

async function badValueOf(group: FileGroup, file: SourceFile, typed: readonly ReadColumn[], context: FormatContext): Promise<FileError> {
  const found = await firstBadValue(texts(group, typed, context), { typed, rules: rulesOf(context) }, context.session)
  if (found === undefined) return wrongFormat(file.path, 'a value does not fit its column')
  const { column, value } = found
  const record = Number(found.row)
  const line = context.table.fileFormat === 'ndjson' ? await lineOfRecord(file, record, layoutOf(group).compression, context) : null
  return badValue(file.path, line, {
    column: line === null ? `${column.name} of record ${record}` : column.name,
    value: excerpt(value),
    type: column.type,
  })
}
