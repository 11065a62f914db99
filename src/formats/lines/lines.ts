import { id, join, literalList, raw, type Sql, sql } from '../../engine/sql.ts'
import type { FormatName, TableConfig } from '../../model/table.ts'
import { inferTexts } from '../csv/infer.ts'
import { withPath } from '../file-list.ts'
import type { FileGroup, Format, FormatContext, ReadColumn } from '../format.ts'
import { fromText, triedText } from '../values.ts'
import { diagnoseLines, lineOfRecord } from './diagnose.ts'
import { inspectLines } from './inspect.ts'
import { layoutOf, lineReadingOf, readLines } from './reading.ts'
import { LINE_RULES, lineRejecting, siftedRelation } from './rejects.ts'
import { isLine, isRecord, type LineRules, textsOf } from './rules.ts'

/** A format whose records are lines. */
export function lineFormat(name: FormatName, rulesOf: (table: TableConfig) => LineRules): Format {
  return {
    name,
    inspect: (files, context) => inspectLines(files, rulesOf(context.table), context),
    infer: (groups, context) => {
      const rules = rulesOf(context.table)
      return inferTexts(groups, { reading: rules.reading, texts: (group, rows) => sample(group, rows, rules) }, context)
    },
    relation: (group, columns, { table }) =>
      group.sifted === undefined ? relation(group, columns, rulesOf(table)) : siftedRelation(group, columns, rulesOf(table)),
    value: (type, text, { table }, lenient) => fromText(type, text, lineReadingOf(table), lenient),
    tried: (type, text, { table }) => triedText(type, text, lineReadingOf(table)),
    diagnose: (group, columns, _error, context) => diagnoseLines(group, columns, rulesOf(context.table), context),
    rowsRead: (groups, context) => rowsRead(groups, rulesOf(context.table), context),
    rejecting: lineRejecting(rulesOf),
    lineOf: (file, row, { group, context }) => lineOfRecord(file, row, { group, rules: rulesOf(context.table), context }),
  }
}

function relation(group: FileGroup, columns: readonly ReadColumn[], rules: LineRules): Sql {
  const texts = new Map(textsOf(group, rules).map(({ name, text }) => [name, text]))
  const values = columns.map(({ name, type }) => sql`${fromText(type, texts.get(name) ?? raw('null'), rules.reading)} as ${id(name)}`)
  // The conversion fails for a line that does not fit, and names nothing: the diagnosis does.
  const fits = rules.passesOver ? [] : [sql`case when ${rules.fits(raw('line'))} then true else ('no record: ' || line)::boolean end`]
  const kept = join([isRecord(rules), ...fits], ' and ')
  return withPath(group, join(values), (naming) => {
    const read = readLines(group.files, { reading: rules.reading, layout: layoutOf(group), more: naming })
    return sql`${read} where ${kept}`
  })
}

function sample(group: FileGroup, rows: number | null, rules: LineRules): Sql {
  const read = readLines(group.files, {
    reading: rules.reading,
    layout: layoutOf(group),
    more: [sql`ignore_errors = true`, sql`filename = '__path'`],
  })
  const limit = rows === null ? raw('') : raw(`limit ${rows}`)
  return sql`select ${join(textsOf(group, rules).map(({ name, text }) => sql`${text} as ${id(name)}`))}, __path
    from ${read} where ${isRecord(rules)} and ${rules.fits(raw('line'))} ${limit}`
}

/** Lines of each file that might be records, where some of them are passed over. */
async function rowsRead(
  groups: readonly FileGroup[],
  rules: LineRules,
  { session }: FormatContext,
): Promise<ReadonlyMap<string, bigint> | undefined> {
  if (!rules.passesOver && rules.reading.comment === '') return undefined
  const counts = new Map<string, bigint>()
  for (const group of groups.filter(({ empty }) => !empty)) {
    const rows = withPath(group, raw('1 as one'), (naming) => {
      const read = readLines(group.files, {
        reading: rules.reading,
        layout: layoutOf(group),
        more: naming,
      })
      return sql`${read} where ${isLine(rules.reading)}`
    })
    for (const { path, rows: count } of await session.rows(sql`select __path as path, count(*) as rows from (${rows}) group by 1`))
      counts.set(String(path), BigInt(String(count)))
    if (group.sifted === undefined) continue
    // What was sorted out is no longer among the rows that are read.
    const names = literalList(LINE_RULES)
    for (const { path, rows: count } of await session.rows(
      sql`select path, count(*) as rows from ${group.sifted.rejects} where list_contains(${names}, rule) group by 1`,
    ))
      if (counts.has(String(path))) counts.set(String(path), (counts.get(String(path)) ?? 0n) - BigInt(String(count)))
  }
  return counts
}
