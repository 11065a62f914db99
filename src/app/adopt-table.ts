import { failpoint } from '../lib/failpoint.ts'
import { quarantineOf } from '../model/quarantine.ts'
import type { TableConfig } from '../model/table.ts'
import { applicationId } from '../pipeline/protocol.ts'
import type { OpenTable } from '../stores/store.ts'

export interface AdoptJob {
  readonly table: TableConfig
  readonly trackerId: string
}

/** What became of a table that was to be taken over; null where nothing had to be changed. */
export interface AdoptedTable {
  /** The tracker that loaded it until now; null for a table that none loads. */
  readonly from: string | null
  readonly version: bigint | null
}

/** In the load process: the quarantine first, since the table itself tells whether it is done. */
export async function adoptTable({ table, trackerId }: AdoptJob, open: (table: TableConfig) => Promise<OpenTable>): Promise<AdoptedTable> {
  const beside = quarantineOf(table)
  await (await open(beside)).adopt({ trackerId, appId: applicationId(trackerId, beside) })
  failpoint('adopt-after-quarantine')
  const target = await open(table)
  const from = target.state?.trackerId ?? null
  const version = await target.adopt({ trackerId, appId: applicationId(trackerId, table) })
  failpoint('adopt-after-commit')
  return { from, version }
}
