import { mappingMode, physicalName } from '../delta/column-mapping.ts'
import { integerOf } from '../delta/decode.ts'
import { partitionValue } from '../delta/partition.ts'
import { columnsOf } from '../delta/schema.ts'
import type { LogState, Snapshot } from '../delta/snapshot.ts'
import type { Session } from '../engine/engine.ts'
import { id, join, literal, raw, type Sql, sql } from '../engine/sql.ts'
import { partitionColumnsOf } from './current.ts'
import type { KeyRows } from './store.ts'

/** Keys are told by so many ranges, so that a few far keys do not stand for all between. */
const RANGES = 256
/** Keys beyond this number are told by one range: they are likely to be everywhere. */
const SORTED = 1_000_000n
/** Keys times files up to which each is compared with each: less work than to sort the keys. */
const COMPARED = 1_000_000n

/** Bounds of one key column in one file. */
interface Bounds {
  readonly low: Sql
  readonly high: Sql
  /** False where the file can hold no row with a key. */
  readonly possible: Sql
}

/**
 * Makes a temporary table (path, dv, "add") of the active files that can hold a row with one of the keys, by their partition
 * values and statistics. A file that tells nothing can hold any.
 */
export async function candidateFiles(
  name: Sql,
  keys: KeyRows,
  { session, snapshot }: { readonly session: Session; readonly snapshot: Snapshot },
): Promise<Sql> {
  const bounds = keys.columns.map((column) => boundsOf(column, snapshot.state))
  const files = await snapshot.files()
  const ranges = id(session.temporaryName('key_ranges'))
  await makeRanges(ranges, files, keys, session)
  try {
    const fits = bounds.map(
      (_, index) =>
        sql`coalesce(f.${id(`low${index}`)} <= r.${id(`high${index}`)}, true) and coalesce(f.${id(`high${index}`)} >= r.${id(`low${index}`)}, true)`,
    )
    const columns = bounds.flatMap(({ low, high }, index) => [sql`${low} as ${id(`low${index}`)}`, sql`${high} as ${id(`high${index}`)}`])
    const possible = join(
      bounds.map((one) => one.possible),
      ' and ',
    )
    await session.run(sql`create or replace temp table ${name} as select f.path, f.dv, f."add"
      from (select path, dv, "add", ${join(columns)} from ${files} where ${possible}) as f
      semi join ${ranges} as r on ${join(fits, ' and ')}`)
    return name
  } finally {
    await session.run(sql`drop table if exists ${ranges}`)
  }
}

async function makeRanges(ranges: Sql, files: Sql, { rows, columns }: KeyRows, session: Session): Promise<void> {
  const [counted] = await session.rows(sql`select (select count(*) from ${rows}) as rows, (select count(*) from ${files}) as files`)
  const count = integerOf(counted?.['rows']) ?? 0n
  const names = columns.map(id)
  const given = sql`select ${join(names)} from ${rows} where ${join(
    names.map((column) => sql`${column} is not null`),
    ' and ',
  )}`
  if (count * (integerOf(counted?.['files']) ?? 0n) <= COMPARED) {
    const both = names.flatMap((column, index) => [sql`${column} as ${id(`low${index}`)}`, sql`${column} as ${id(`high${index}`)}`])
    return session.run(sql`create temp table ${ranges} as select ${join(both)} from (${given})`)
  }
  const bucket = count > SORTED ? raw('1') : sql`ntile(${RANGES}) over (order by ${id(columns[0] ?? '')})`
  const bounds = names.flatMap((column, index) => [
    sql`min(${column}) as ${id(`low${index}`)}`,
    sql`max(${column}) as ${id(`high${index}`)}`,
  ])
  await session.run(
    sql`create temp table ${ranges} as select ${join(bounds)} from (select *, ${bucket} as bucket from (${given})) group by bucket`,
  )
}

function boundsOf(column: string, state: LogState): Bounds {
  const mode = mappingMode(state)
  const name = column.toLowerCase()
  const field = state.fields.find((one) => one.name.toLowerCase() === name)
  const type = columnsOf(state.fields).find((one) => one.name.toLowerCase() === name)?.type
  if (field === undefined || type === undefined) return { low: raw('null'), high: raw('null'), possible: raw('false') }
  const physical = physicalName(field, mode)
  const partition = partitionColumnsOf(state).find((one) => one.name.toLowerCase() === name)
  if (partition !== undefined) {
    const value = partitionValue({ name: physical, type }, sql`"add"."partitionValues"`)
    return { low: value, high: value, possible: sql`${value} is not null` }
  }
  return { low: statistic('minValues', physical, type), high: statistic('maxValues', physical, type), possible: raw('true') }
}

/**
 * A bound from the statistics, null where there is none that can be trusted to the last digit. Times were cut down to
 * milliseconds, so that a highest one is a little more than what is written.
 */
function statistic(which: 'minValues' | 'maxValues', column: string, type: string): Sql {
  const pointer = `/${which}/${column.replaceAll('~', '~0').replaceAll('/', '~1')}`
  const text = sql`json_extract_string("add".stats, ${literal(pointer)})`
  const asType = sql`try_cast(${text} as ${raw(type)})`
  // The engine reads a number with a fraction as a double, which holds fifteen digits.
  if (/INT$|^INTEGER$/.test(type)) return sql`case when regexp_full_match(${text}, '-?[0-9]+') then ${asType} end`
  if (type.startsWith('DECIMAL')) return sql`case when regexp_full_match(${text}, '-?[0-9.]{1,16}') then ${asType} end`
  if (type.startsWith('TIMESTAMP')) return which === 'maxValues' ? sql`${asType} + interval 1 millisecond` : asType
  if (type === 'VARCHAR') return text
  return type === 'DATE' || type === 'DOUBLE' || type === 'FLOAT' ? asType : sql`null::${raw(type)}`
}
