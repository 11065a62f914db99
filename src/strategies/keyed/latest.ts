import { id, join, type Sql, sql } from '../../engine/sql.ts'
import type { PlanInput, PlanStep } from '../strategy.ts'
import { keyColumns, sameKey } from './order.ts'

/** Step with the keys that have several rows in the batch. */
export const REPEATED = '__ingestd_repeated'
const OLDER = '__ingestd_older'

/**
 * Steps that find the rows of a batch that a newer one takes the place of: keys, and what else makes a place. Most keys come
 * once: they are counted and never sorted. Within a batch the order of files and rows is that of `_sequence`.
 */
export function olderRows({ table, records }: PlanInput, place: readonly Sql[]): readonly PlanStep[] {
  const keys = join(keyColumns(table))
  const newest = join([...table.sequenceBy.map(id), id('__ordinal'), id('__row')].map((column) => sql`${column} desc`))
  const several = sql`select r.* from ${records} as r semi join ${id(REPEATED)} as k on ${sameKey(table, 'r', 'k')}`
  return [
    { name: REPEATED, query: sql`select ${keys} from ${records} group by ${keys} having count(*) > 1` },
    {
      name: OLDER,
      query: sql`select __row from (${several}) qualify row_number() over (partition by ${join(place)} order by ${newest}) > 1`,
    },
  ]
}

/** The rows of the batch that no newer one takes the place of, as relation `r`: after the steps of `olderRows`. */
export function newestRows({ records }: Pick<PlanInput, 'records'>): Sql {
  return sql`${records} as r anti join ${id(OLDER)} as o on o.__row = r.__row`
}
