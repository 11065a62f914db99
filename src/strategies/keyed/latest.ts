import { id, join, type Sql, sql } from '../../engine/sql.ts'
import type { PlanInput } from '../strategy.ts'
import { keyColumns } from './order.ts'

/**
 * Some columns of the newest row of each key in the batch, and `rivals` BIGINT: the number of rows that the key has there.
 * Within a batch the order of files and rows is that of `_sequence`, and numbers sort faster.
 */
export function latestOf({ table, records }: Pick<PlanInput, 'table' | 'records'>, columns: readonly Sql[]): Sql {
  const keys = keyColumns(table)
  const order = [...table.sequenceBy.map(id), id('__ordinal'), id('__row')].map((column) => sql`${column} desc`)
  return sql`select ${join(columns)}, count(*) over (partition by ${join(keys)}) as rivals from ${records}
    qualify row_number() over (partition by ${join(keys)} order by ${join(order)}) = 1`
}
