import { id, join, type Sql, sql } from '../../engine/sql.ts'
import { withPath } from '../file-list.ts'
import type { FileGroup, Format, FormatContext, ReadColumn } from '../format.ts'
import { fromText, nativeValue, readsNatively, triedText } from '../values.ts'
import { diagnoseCsv } from './diagnose.ts'
import { inferCsv } from './infer.ts'
import { inspectCsv } from './inspect.ts'
import { lineOfRow } from './lines.ts'
import { layoutOf, type Reading, readCsv, readingOf } from './reading.ts'

/** Delimited text. Its columns are told apart by position, so files are grouped by header and each group read typed. */
export const csv: Format = {
  name: 'csv',
  inspect: inspectCsv,
  infer: inferCsv,
  relation: csvRelation,
  value: (type, text, context, lenient) => fromText(type, text, readingOf(context), lenient),
  tried: (type, text, context) => triedText(type, text, readingOf(context)),
  diagnose: diagnoseCsv,
  lineOf: (file, row, { group, context }) =>
    lineOfRow(file, { row: row + 1n, columns: group.columns.length }, { reading: readingOf(context), layout: layoutOf(group), context }),
}

function csvRelation(group: FileGroup, columns: readonly ReadColumn[], context: FormatContext): Sql {
  const reading = readingOf(context)
  const types = new Map(columns.map(({ name, type }) => [name, type]))
  const read = group.columns.map(({ name }) => ({ name, type: readType(types.get(name), reading) }))
  const values = columns.map(({ name, type }) => {
    const value = readsNatively(type, reading) ? nativeValue(type, id(name)) : fromText(type, id(name), reading)
    return sql`${value} as ${id(name)}`
  })
  return withPath(group, join(values), (named) =>
    readCsv(group.files, read, { reading, layout: layoutOf(group), more: named ? [sql`filename = '__path'`] : [] }),
  )
}

/** A column that nobody asked for is text, which always fits. */
function readType(type: string | undefined, reading: Reading): string {
  return type !== undefined && readsNatively(type, reading) ? type : 'VARCHAR'
}
