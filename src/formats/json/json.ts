import { id, join, type Sql, sql } from '../../engine/sql.ts'
import { withPath } from '../file-list.ts'
import type { FileGroup, Format, FormatContext, ReadColumn } from '../format.ts'
import { fitting } from '../sort-out.ts'
import { fromText, isNested, nativeValue, readsNatively, triedText } from '../values.ts'
import { diagnoseJson } from './diagnose.ts'
import { inferJson } from './infer.ts'
import { inspectJson } from './inspect.ts'
import { decimalsIn, layoutOf, readJson, rulesOf } from './reading.ts'
import { withRecords } from './records.ts'
import { isRecord, jsonRejecting, textsOf } from './rejects.ts'
import { withoutMarks } from './unmarked.ts'

const lines: Format = {
  name: 'ndjson',
  inspect: inspectJson,
  infer: inferJson,
  relation: jsonRelation,
  value: (type, text, context, lenient) => fromText(type, text, rulesOf(context), lenient),
  tried: (type, text, context) => triedText(type, text, rulesOf(context)),
  diagnose: diagnoseJson,
  rejecting: jsonRejecting,
}

/** One record a line. */
export const ndjson: Format = withoutMarks(withRecords(lines))

/** Arrays of records, and records after one another in any layout. */
export const json: Format = withoutMarks(withRecords({ ...lines, name: 'json' }))

function jsonRelation(group: FileGroup, columns: readonly ReadColumn[], context: FormatContext): Sql {
  if (group.sifted !== undefined) return siftedRelation(group, columns, context)
  const rules = rulesOf(context)
  const decimals = decimalsIn(columns, context)
  const isNative = (type: string) => decimals === undefined && readsNatively(type, rules, group)
  const read = columns.map(({ name, type }) => ({ name, type: isNested(type) ? 'JSON' : isNative(type) ? type : 'VARCHAR' }))
  const values = columns.map(
    ({ name, type }) => sql`${isNative(type) ? nativeValue(type, id(name)) : fromText(type, id(name), rules)} as ${id(name)}`,
  )
  const layout = layoutOf(group)
  return withPath(group, join(values), (naming) => readJson(group.files, read, { layout, context, more: naming, decimals }))
}

/** Without the records that are none, or have a value that does not fit. */
function siftedRelation(group: FileGroup, columns: readonly ReadColumn[], context: FormatContext): Sql {
  const records = sql`select * from (${textsOf(group, columns, context)}) where ${isRecord}`
  return fitting(records, columns, (type, text) => triedText(type, text, rulesOf(context)))
}
