import type { Session } from '../engine/engine.ts'
import { id, type Sql, sql } from '../engine/sql.ts'

/** Statements that drop what queries over a table rest on: by the log, or the version, that they were made for. */
const PARTS = new WeakMap<object, Sql[]>()

/** A name for a temporary table or a variable of the session that lives as long as the queries over a table do. */
export function partOfQueries(table: { readonly session: Session }, prefix: string, kind: 'table' | 'variable'): string {
  const name = table.session.temporaryName(prefix)
  const parts = PARTS.get(table) ?? []
  PARTS.set(table, parts)
  parts.push(kind === 'table' ? sql`drop table if exists ${id(name)}` : sql`reset variable ${id(name)}`)
  return name
}

/** Drops them: no query over the table may be run any more. */
export async function forgetQueries(table: { readonly session: Session }): Promise<void> {
  const parts = PARTS.get(table) ?? []
  PARTS.delete(table)
  for (const drop of parts) await table.session.run(drop)
}
