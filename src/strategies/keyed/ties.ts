import { id, join, type Sql, sql } from '../../engine/sql.ts'
import type { TableConfig } from '../../model/table.ts'
import type { PlanInput } from '../strategy.ts'
import { REPEATED } from './latest.ts'
import { keyColumns, keyText, sameKey } from './order.ts'

/** Whether two rows of a key can have the same place in its history: `_sequence` alone never ties. */
export function ambiguous({ sequenceBy }: TableConfig): boolean {
  return sequenceBy.length > 0
}

/** What `tiesOf` looks among: keys with several rows in the batch, and rows that tie with one of the table. */
export function mayTie(table: TableConfig, compared: string | null): Sql | undefined {
  if (!ambiguous(table)) return undefined
  return compared === null ? id(REPEATED) : sql`(select 1 from ${id(REPEATED)} union all select 1 from ${id(compared)})`
}

/**
 * Rows of one key that tie on `sequence_by` and differ: those of the batch among themselves, and, where `compared` is
 * given, those that tie with a row of the table. After the steps of `olderRows`. Undefined where no tie can be.
 */
export function tiesOf(input: PlanInput, compared: string | null): Sql | undefined {
  const { table, records, columns, auditColumns } = input
  if (!ambiguous(table)) return undefined
  const place = [...keyColumns(table), ...table.sequenceBy.map(id)]
  const values = columns.filter(({ name }) => !auditColumns.includes(name)).map(({ name }) => id(name))
  // Few keys have several rows, and few of these tie: the values of no others are looked at.
  const several = sql`select r.* from ${records} as r semi join ${id(REPEATED)} as k on ${sameKey(table, 'r', 'k')}`
  const tied = sql`select * from (${several}) qualify count(*) over (partition by ${join(place)}) > 1`
  const version = sql`row(${join([...values, id('__deleted')])})`
  const rivals = sql`select *, ${version} as version, row_number() over (partition by ${join(place)} order by __ordinal desc, __row desc) = 1 as chosen from (${tied})
    qualify min(version) over (partition by ${join(place)}) is distinct from max(version) over (partition by ${join(place)})`
  const within = sql`select ${keyText(table, 'r')} as key, __path as path, __row as "row", chosen from (${rivals}) as r`
  if (compared === null) return within
  // The row of the table is named by the file that it came from; its number there is not known.
  const tying = sql`(select * from ${id(compared)} where differs and newer <> 0) as t join ${records} as r using (__row)`
  const key = keyText(table, 'r')
  return sql`${within} union all select ${key}, r.__path, r.__row, t.newer > 0 from ${tying} union all select ${key}, t.path, null, t.newer < 0 from ${tying}`
}
