import { type RawBuilder, sql } from 'kysely'
import { type ColumnKind, type Given, type TrackerDialect, withoutNul } from '../ledger.ts'

export const sqliteDialect: TrackerDialect = { keyType: 'integer', skipLocked: sql``, relation }

/** One JSON text for all rows: SQLite's limit on bound values does not count, nor does any character of a path. */
function relation(columns: Readonly<Record<string, ColumnKind>>, rows: readonly (readonly Given[])[]): RawBuilder<unknown> {
  const json = JSON.stringify(rows.map((row) => row.map((value) => (typeof value === 'bigint' ? String(value) : withoutNul(value)))))
  const selected = Object.entries(columns).map(([name, kind], index) => {
    const value = sql`json_extract(value, ${sql.lit(`$[${index}]`)})`
    // Integers travel as text, since JSON readers may take them for floats.
    return kind === 'integer' ? sql`cast(${value} as integer) as ${sql.id(name)}` : sql`${value} as ${sql.id(name)}`
  })
  return sql`(select ${sql.join(selected)} from json_each(${json}))`
}
