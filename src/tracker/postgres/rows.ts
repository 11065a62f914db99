import { type RawBuilder, sql } from 'kysely'
import { type ColumnKind, type Given, type TrackerDialect, withoutNul } from '../ledger.ts'

export const postgresDialect: TrackerDialect = { keyType: 'bigserial', skipLocked: sql`for update skip locked`, relation }

/** One array for each column: the limit on bound values does not count, and the planner sees how many rows there are. */
function relation(columns: Readonly<Record<string, ColumnKind>>, rows: readonly (readonly Given[])[]): RawBuilder<unknown> {
  const arrays = Object.values(columns).map((kind, index) => {
    const values = rows.map((row) => boundOf(row[index] ?? null))
    return kind === 'integer' ? sql`${sql.val(values)}::bigint[]` : sql`${sql.val(values)}::text[]`
  })
  return sql`(select * from unnest(${sql.join(arrays)}) as u (${sql.join(Object.keys(columns).map((name) => sql.id(name)))}))`
}

function boundOf(value: Given): string | null {
  return typeof value === 'bigint' ? String(value) : withoutNul(value)
}
