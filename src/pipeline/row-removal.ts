import type { Session } from '../engine/engine.ts'
import { id, inlined, type Sql, sql } from '../engine/sql.ts'
import type { RemovalRequest } from '../stores/store.ts'
import type { LoadPlan } from '../strategies/strategy.ts'

/** What a plan takes out of the table, and what it puts there. */
export type RowRemoval = Pick<RemovalRequest, 'positions' | 'added' | 'addedRows' | 'changes'>

/**
 * The rows that a plan adds, kept in a temporary table: its data files and its change feed must tell the same. Undefined for a plan that tells
 * its changes itself.
 */
export async function addedOnce(plan: LoadPlan, session: Session): Promise<(AsyncDisposable & { readonly rows: Sql }) | undefined> {
  if (plan.changes !== undefined) return undefined
  const name = id(session.temporaryName('added'))
  await session.run(inlined(sql`create temp table ${name} as ${plan.add}`))
  return { rows: sql`select * from ${name}`, [Symbol.asyncDispose]: () => session.run(sql`drop table if exists ${name}`) }
}
