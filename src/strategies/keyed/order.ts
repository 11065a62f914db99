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

/** Columns of one relation of a statement. */
export function of(relation: string, columns: readonly Sql[]): readonly Sql[] {
  return columns.map((column) => sql`${id(relation)}.${column}`)
}

/** The keys of two relations are the same; keys are never null. */
export function sameKey(table: TableConfig, left: string, right: string): Sql {
  return join(
    keyColumns(table).map((key) => sql`${id(left)}.${key} = ${id(right)}.${key}`),
    ' and ',
  )
}

/**
 * Columns as one value that compares in their order. A row that another writer put into the table may lack what orders
 * it: then it is older than all others.
 */
export function orderOf(columns: readonly Sql[]): Sql {
  return sql`row(${join(columns.flatMap((column) => [sql`${column} is not null`, column]))})`
}

/** 1 where the left is newer, 0 where none is, -1 where it is older. */
export function comparison(left: Sql, right: Sql): Sql {
  return sql`case when ${left} > ${right} then 1 when ${left} < ${right} then -1 else 0 end`
}

/** The key of a row in JSON, for messages. */
export function keyText(table: TableConfig, relation: string): Sql {
  const fields = table.primaryKeys.map((key) => sql`${id(key)} := ${id(relation)}.${id(key)}`)
  return sql`to_json(struct_pack(${join(fields)}))::varchar`
}

/** Whether two relations differ in one of the columns; nulls are equal. */
export function differs(columns: readonly Sql[], left: string, right: string): Sql {
  if (columns.length === 0) return raw('false')
  return sql`(${join(
    columns.map((column) => sql`${id(left)}.${column} is distinct from ${id(right)}.${column}`),
    ' or ',
  )})`
}
