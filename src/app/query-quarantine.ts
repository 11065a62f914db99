import type { Session } from '../engine/engine.ts'
import type { Sql } from '../engine/sql.ts'
import { quarantineOf } from '../model/quarantine.ts'
import type { TableConfig } from '../model/table.ts'
import { applicationId } from '../pipeline/protocol.ts'
import { openRows } from '../pipeline/quarantine-rows.ts'
import { openTable } from './open-table.ts'

/** A query of the rows that are in quarantine, by the table's log; undefined where the table never rejected a row. */
export async function quarantinedRows(table: TableConfig, session: Session): Promise<Sql | undefined> {
  // Only looked at: nothing is committed that could go wrong afterwards.
  const quarantine = await openTable(quarantineOf(table), session, () => {})
  if (quarantine.state?.trackerId == null) return undefined
  const target = await openTable(table, session, () => {})
  const appId = applicationId(quarantine.state.trackerId, table)
  return (await openRows({ table, appId, session, target, quarantine })) ?? undefined
}
