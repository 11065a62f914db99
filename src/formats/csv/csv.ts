import { id, join, type Sql, sql } from '../../engine/sql.ts'
import { bundleOf } from '../../model/bundle.ts'
import { withPath } from '../file-list.ts'
import type { FileGroup, Format, FormatContext, ReadColumn } from '../format.ts'
import { fitting } from '../sort-out.ts'
import { fromText, nativeValue, readsNatively, triedText } from '../values.ts'
import { readBundle } from './bundle.ts'
import { diagnoseCsv } from './diagnose.ts'
import { csvFraming } from './framing.ts'
import { inferCsv } from './infer.ts'
import { inspectCsv } from './inspect.ts'
import { lineOfRow } from './lines.ts'
import { layoutOf, lookedAt, PASSING_OVER, type Reading, readCsv, readingOf } from './reading.ts'
import { csvRejecting } from './rejects.ts'

/** Delimited text. Its columns are told apart by position, so files are grouped by header and each group read typed. */
export const csv: Format = {
  name: 'csv',
  inspect: inspectCsv,
  infer: inferCsv,
  relation: csvRelation,
  value: (type, text, context, lenient) => fromText(type, text, readingOf(context), lenient),
  tried: (type, text, context) => triedText(type, text, readingOf(context)),
  framing: csvFraming,
  diagnose: diagnoseCsv,
  rejecting: csvRejecting,
  lineOf: (file, row, { group, context }) =>
    lineOfRow(file, { row: row + 1n, columns: group.columns.length }, { reading: readingOf(context), layout: layoutOf(group), context }),
}

function csvRelation(group: FileGroup, columns: readonly ReadColumn[], context: FormatContext): Sql {
  const reading = readingOf(context)
  if (group.sifted !== undefined) return siftedRelation(group, columns, reading)
  const types = new Map(columns.map(({ name, type }) => [name, type]))
  const read = group.columns.map(({ name }) => ({ name, type: readType(types.get(name), reading, group) }))
  const values = columns.map(({ name, type }) => {
    const value = readsNatively(type, reading, group) ? nativeValue(type, id(name)) : fromText(type, id(name), reading)
    return { name, value }
  })
  const bundle = bundleOf(group)
  if (bundle !== undefined) return readBundle(bundle, group, { read, columns: values, reading })
  const named = join(values.map(({ name, value }) => sql`${value} as ${id(name)}`))
  return withPath(group, named, (naming) => readCsv(group.files, read, { reading, layout: layoutOf(group), more: naming }))
}

/** Without the rows that are ill-formed, or have a value that does not fit. */
function siftedRelation(group: FileGroup, columns: readonly ReadColumn[], reading: Reading): Sql {
  const texts = group.columns.map(({ name }) => ({ name, type: 'VARCHAR' }))
  const layout = layoutOf(group)
  const read = (naming: readonly Sql[]) => readCsv(group.files, texts, { reading, layout, more: [...PASSING_OVER, ...naming] })
  const rows = withPath(group, join(texts.map(({ name }) => id(name))), read)
  return fitting(sql`select * from (${rows}) where ${lookedAt(texts)}`, columns, (type, text) => triedText(type, text, reading))
}

/** A column that nobody asked for is text, which always fits. */
function readType(type: string | undefined, reading: Reading, group: FileGroup): string {
  return type !== undefined && readsNatively(type, reading, group) ? type : 'VARCHAR'
}
