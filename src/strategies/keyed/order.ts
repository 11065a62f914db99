import { id, join, raw, type Sql, sql } from '../../engine/sql.ts'
import { SEQUENCE_COLUMN } from '../../model/schema.ts'
import type { TableConfig } from '../../model/table.ts'

/** The key columns, by their names in the config: the engine finds them whatever their case. */
export function keyColumns({ primaryKeys }: TableConfig): readonly Sql[] {
  return primaryKeys.map(id)
}

/**
 * What orders the versions of a key, most significant first. `_sequence` stands last: it differs from row to row, so the
 * order is total, and the same whichever batch a row came with.
 */
export function orderColumns({ sequenceBy }: TableConfig): readonly Sql[] {
  return [...sequenceBy, SEQUENCE_COLUMN.name].map(id)
}

/** The columns of `PlanInput.observations`, in order. */
export function observationColumns(table: TableConfig): readonly Sql[] {
  return [...keyColumns(table), ...orderColumns(table), id('__deleted')]
}

/** Each column of one relation equal to that of another; keys are never null. */
export function sameKey(table: TableConfig, left: string, right: string): Sql {
  return join(
    keyColumns(table).map((key) => sql`${id(left)}.${key} = ${id(right)}.${key}`),
    ' and ',
  )
}

/** The columns of a relation as one value that compares in order: the engine compares structs field by field. */
export function orderOf(columns: readonly Sql[], relation?: string): Sql {
  const names = relation === undefined ? columns : columns.map((column) => sql`${id(relation)}.${column}`)
  return sql`row(${join(names)})`
}

/** The key of a row in JSON, for messages. */
export function keyText(table: TableConfig): Sql {
  return sql`to_json(struct_pack(${join(table.primaryKeys.map((key) => sql`${id(key)} := ${id(key)}`))}))::varchar`
}

/** Whether two relations differ in one of the columns; nulls are equal. */
export function differs(columns: readonly Sql[], left: string, right: string): Sql {
  if (columns.length === 0) return raw('false')
  return join(
    columns.map((column) => sql`${id(left)}.${column} is distinct from ${id(right)}.${column}`),
    ' or ',
  )
}
