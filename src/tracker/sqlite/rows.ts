import { type RawBuilder, sql } from 'kysely'
import type { ColumnKind, Given, TrackerDialect } from '../ledger.ts'

export const sqliteDialect: TrackerDialect = { keyType: 'integer', relation }

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

/** Text ends at a NUL for SQLite; a message that quotes a damaged file may hold one. */
function withoutNul(value: string | null): string | null {
  return value === null ? null : value.replaceAll('\0', '\\0')
}
