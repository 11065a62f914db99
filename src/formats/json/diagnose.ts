import { id, join, raw, type Sql, sql } from '../../engine/sql.ts'
import type { FileError } from '../../errors/errors.ts'
import { culprits } from '../culprits.ts'
import { messageOf, namedFile } from '../engine-message.ts'
import { withPath } from '../file-list.ts'
import { badValue, excerpt, wrongFormat } from '../file-problems.ts'
import type { FileGroup, FormatContext, ReadColumn, SourceFile } from '../format.ts'
import { triedText } from '../values.ts'
import { jsonProblem, lineOfRecord } from './problem.ts'
import { layoutOf, readJson, rulesOf } from './reading.ts'

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
    return context.session.rows(badFiles({ ...group, files }, columns, typed, context))
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
    if (file) problems.push(await firstBadValue({ ...group, files: [file] }, file, typed, context))
  }
  return problems
}

function badFiles(group: FileGroup, columns: readonly ReadColumn[], typed: readonly ReadColumn[], context: FormatContext): Sql {
  const bad =
    typed.length === 0
      ? sql`false`
      : join(
          typed.map((column) => isBad(column, context)),
          ' or ',
        )
  const values = sql`(${bad}) as bad, hash(${join(columns.map(({ name }) => id(name)))}) as hash`
  const rows = withPath(group, values, (naming) => texts(group, columns, context, naming))
  return sql`select __path as path, bit_xor(hash) as hash from (${rows}) group by __path having bool_or(bad)`
}

/** Fields as texts, nested ones as JSON. */
function texts(group: FileGroup, columns: readonly ReadColumn[], context: FormatContext, more: readonly Sql[] = []): Sql {
  return readJson(
    group.files,
    columns.map(({ name }) => ({ name, type: 'VARCHAR' })),
    { layout: layoutOf(group), context, more },
  )
}

function isBad({ name, type }: ReadColumn, context: FormatContext): Sql {
  return sql`(${id(name)} is not null and ${triedText(type, id(name), rulesOf(context))} is null)`
}

async function firstBadValue(group: FileGroup, file: SourceFile, typed: readonly ReadColumn[], context: FormatContext): Promise<FileError> {
  const which = join(
    typed.map((column, index) => sql`when ${isBad(column, context)} then ${raw(String(index))}`),
    ' ',
  )
  const value = join(
    typed.map(({ name }, index) => sql`when ${raw(String(index))} then ${id(name)}`),
    ' ',
  )
  const [found] = await context.session.rows(sql`
    select __row, __which, case __which ${value} end as __value
    from (select *, row_number() over () as __row, case ${which} end as __which from ${texts(group, typed, context)})
    where __which is not null order by __row limit 1`)
  const column = typed[Number(found?.['__which'] ?? 0)]
  if (!found || !column) return wrongFormat(file.path, 'a value does not fit its column')
  const record = Number(found['__row'])
  const line = context.table.fileFormat === 'ndjson' ? await lineOfRecord(file, record, layoutOf(group).compression, context) : null
  const text = excerpt(String(found['__value']))
  return badValue(file.path, line, {
    column: line === null ? `${column.name} of record ${record}` : column.name,
    value: text,
    type: column.type,
  })
}
