import type { TableConfig } from '../model/table.ts'
import type { Tracker } from '../tracker/tracker.ts'
import type { Inspection } from './protocol.ts'
import { adopt } from './recover.ts'

/** Batches that a tracker may know of a table. */
const ALL = 2 ** 31

/** The tracker takes over what the whole chain of a table tells, but for the batches that it has as committed already. */
export async function adoptChain(
  table: TableConfig,
  tracker: Tracker,
  inspection: Inspection,
  told: { readonly versions: ReadonlyMap<string, bigint>; readonly at?: (createdAt: string) => void },
): Promise<number> {
  const known = new Set((await tracker.batches(table.name, ALL)).filter(({ status }) => status === 'committed').map((one) => one.batch_id))
  const batches = inspection.batches.filter(({ manifest }) => !known.has(manifest.batchId))
  for (const batch of batches.toReversed()) {
    told.at?.(batch.manifest.createdAt)
    await adopt({ table, tracker }, { ...inspection, batches: [batch] }, told.versions)
  }
  return batches.length
}
