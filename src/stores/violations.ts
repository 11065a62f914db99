import { type Constraint, violationsBy } from '../delta/constraints.ts'
import { integerOf, textOf } from '../delta/decode.ts'
import { columnsOf, type DeltaField } from '../delta/schema.ts'
import type { Session } from '../engine/engine.ts'
import { id, join, literal, raw, type Sql, sql } from '../engine/sql.ts'
import type { Column } from '../model/schema.ts'
import type { Violation } from './store.ts'

/** The table as its rules see it. */
export interface RuledTable {
  readonly fields: readonly DeltaField[]
  readonly partitionColumns: readonly Column[]
  /** What rows must be; none for rows that are in the table already. */
  readonly rules: readonly Constraint[]
}

/** A value as the log has it, by which rules go: an empty text in a partition column is null. */
export function ruledValue(column: Column, value: Sql, { partitionColumns }: RuledTable): Sql {
  const typed = sql`${value}::${raw(column.type)}`
  const isPartition = column.type === 'VARCHAR' && partitionColumns.some(({ name }) => name === column.name)
  return isPartition ? sql`nullif(${typed}, '')` : typed
}

/** The rows ("row", rule) that violate a rule, each with the first; `rows` has the columns of the table and `__row`. */
export function rowsViolating(rows: Sql, table: RuledTable): Sql | null {
  const { rules } = table
  if (rules.length === 0) return null
  const values = columnsOf(table.fields).map((column) => sql`${ruledValue(column, id(column.name), table)} as ${id(column.name)}`)
  const rule = sql`case ${join(
    rules.map((one) => sql`when ${one.violated} then ${literal(one.rule)}`),
    ' ',
  )} end`
  return sql`select __row as "row", rule from (select __row, ${rule} as rule from (select ${join(values)}, __row from (${rows}))) where rule is not null`
}

/** Rows that violate a rule, by file and rule. `rows` has the columns of the table and `__path`. */
export async function violationsOf(rows: Sql, table: RuledTable, session: Session): Promise<readonly Violation[]> {
  const { rules } = table
  if (rules.length === 0) return []
  const values = columnsOf(table.fields).map((column) => sql`${ruledValue(column, id(column.name), table)} as ${id(column.name)}`)
  const found = await session.rows(violationsBy('__path', sql`select ${join(values)}, __path from (${rows})`, rules))
  return found.flatMap((row) =>
    rules.flatMap(({ rule }, index) => {
      const count = integerOf(row[`c${index}`]) ?? 0n
      return count === 0n ? [] : [{ path: textOf(row['key']), rule, rows: count }]
    }),
  )
}
