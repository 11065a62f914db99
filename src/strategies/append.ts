import { id, join, raw, type Sql, sql } from '../engine/sql.ts'
import type { LoadPlan, PlanInput, Strategy } from './strategy.ts'

/** Adds rows; with `deduplicate`, only those that neither the batch nor the table has yet. */
export const append: Strategy = {
  name: 'append',
  reads: (table) => (table.deduplicate === false ? 'once' : 'many'),
  plan: (input) => (input.table.deduplicate === false ? plainAppend(input) : distinctAppend(input)),
}

function plainAppend({ records, columns }: PlanInput): LoadPlan {
  const names = columns.map((column) => id(column.name))
  return {
    add: sql`select ${join([...names, id('__path')])} from ${records}`,
    remove: { kind: 'nothing' },
    blindAppend: true,
    dropped: 'deduplicated',
  }
}

/** Of rows that are equal the first in file order stays; a row that the table has stays before a later one. */
function distinctAppend(input: PlanInput): LoadPlan {
  const { records, current, columns } = input
  const names = columns.map((column) => id(column.name))
  const keys = duplicateKeys(input).map(id)
  const first = sql`select * from ${records} qualify row_number() over (partition by ${join(keys)} order by __ordinal, __row) = 1`
  const unseen = current === null ? raw('true') : notIn(current, keys)
  return {
    add: sql`select ${join([...names, id('__path')])} from (${first}) as candidate where ${unseen}`,
    remove: { kind: 'nothing' },
    blindAppend: false,
    dropped: 'deduplicated',
  }
}

function duplicateKeys({ table, columns, auditColumns }: PlanInput): readonly string[] {
  if (table.deduplicate !== true && table.deduplicate !== false) return table.deduplicate
  return columns.map((column) => column.name).filter((name) => !auditColumns.includes(name))
}

function notIn(current: Sql, keys: readonly Sql[]): Sql {
  const same = keys.map((key) => sql`known.${key} is not distinct from candidate.${key}`)
  return sql`not exists (select 1 from (${current}) as known where ${join(same, ' and ')})`
}
