import { type Kysely, type RawBuilder, sql } from 'kysely'
import { type ColumnKind, type Given, type TrackerDialect, withoutNul } from '../ledger.ts'
import type { Database } from '../schema.ts'

export const postgresDialect: TrackerDialect = { keyType: 'bigserial', skipLocked: sql`for update skip locked`, countOn, relation }

/** An identity has no setting that would be said once: its counter is set to what is there. */
async function countOn(db: Kysely<Database>, table: keyof Database): Promise<void> {
  const highest = sql`select max(id) from ${sql.table(table)}`
  await sql`select setval(pg_get_serial_sequence(t.oid::regclass::text, 'id'), greatest((${highest}), 1))
    from pg_class as t where t.oid = (select tableoid from ${sql.table(table)} limit 1)`.execute(db)
}

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
