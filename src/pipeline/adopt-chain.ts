import type { TableConfig } from '../model/table.ts'
import type { Tracker } from '../tracker/tracker.ts'
import type { Inspection } from './protocol.ts'
import { adopt } from './recover.ts'

/** Batches that a tracker may know of a table. */
const ALL = 2 ** 31

/** The tracker takes over what the chain of a table tells, down to the newest batch that it has as committed already. */
export async function adoptChain(
  table: TableConfig,
  tracker: Tracker,
  inspection: Inspection,
  told: { readonly versions: ReadonlyMap<string, bigint>; readonly at?: (createdAt: string) => void },
): Promise<number> {
  const known = new Set((await tracker.batches(table.name, ALL)).filter(({ status }) => status === 'committed').map((one) => one.batch_id))
  // Newest first. What lies below a batch that the tracker has is known, though its batches may have been pruned.
  const last = inspection.batches.findIndex(({ manifest }) => known.has(manifest.batchId))
  const batches = last === -1 ? inspection.batches : inspection.batches.slice(0, last)
  for (const batch of batches.toReversed()) {
    told.at?.(batch.manifest.createdAt)
    await adopt({ table, tracker }, { ...inspection, batches: [batch] }, told.versions)
  }
  return batches.length
}
