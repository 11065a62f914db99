import { TableError } from '../errors/errors.ts'
import type { TableConfig } from '../model/table.ts'
import type { Tracker } from '../tracker/tracker.ts'
import { changedFilePolicy } from './policy.ts'
import type { Inspection, LoadWorker } from './protocol.ts'
import { isWhole, outcomeOfAbandoned } from './suspects.ts'

/** What the tracker remembers of a table from the moment a full drop reopens its files until the replacing commit. */
export const FULL_DROP = 'full_drop'

export interface Owner {
  /** `host:pid:uuid` */
  readonly id: string
  isAlive(owner: string): boolean
}

export interface RecoverPass {
  readonly table: TableConfig
  readonly tracker: Tracker
  readonly worker: LoadWorker
  readonly owner: Owner
  /** The batch that follows replaces all that the table holds. */
  readonly replaceAll: boolean
}

/**
 * Settles what another process left behind, and what a restored tracker does not know, by asking the table's log
 * which batches it holds. Comes before anything else of a table. The caller holds the table's lock.
 */
export async function recover(pass: RecoverPass): Promise<Inspection> {
  const { table, tracker, worker, owner } = pass
  const known = await tracker.lastCommittedBatch(table.name)
  const inspection = await worker.recover(table, tracker.id, known)
  if (!pass.replaceAll) checkNotBehind(table, known, inspection)
  await adopt(pass, inspection)
  // Under the table's lock, a batch of this very process is one that it could not settle.
  for (const batch of await tracker.abandoned(table.name, (other) => other !== owner.id && owner.isAlive(other))) {
    await tracker.takeOver(batch.id, owner.id)
    // What a manifest held is completed by now; the rest of the batch left no trace in the table.
    await tracker.settle(table.name, owner.id, outcomeOfAbandoned(batch, isWhole(pass)))
  }
  return inspection
}

/** Settles what the log holds, oldest first: a file's history reads in the order of its loads. */
export async function adopt(
  { table, tracker }: Pick<RecoverPass, 'table' | 'tracker'>,
  { batches }: Inspection,
  versions: ReadonlyMap<string, bigint> = new Map(),
): Promise<void> {
  for (const batch of batches.toReversed()) {
    const version = versions.get(batch.manifest.batchId) ?? null
    if (batch.kind === 'restore') await tracker.adoptRestore({ ...batch, version }, changedFilePolicy(table))
    else {
      if (batch.manifest.replacesAll) await adoptDrop(table, tracker)
      await tracker.adoptManifest(batch.manifest, version)
    }
  }
}

/** The rows of all files before a full drop are gone, whatever an older tracker says of them; and the drop is done. */
async function adoptDrop({ name }: TableConfig, tracker: Tracker): Promise<void> {
  await tracker.replay(name, null, 'full drop')
  await tracker.remember(name, FULL_DROP, 'done')
}

/** A log that lacks what the tracker saw committed was replaced or rolled back: loading on would leave a hole. */
function checkNotBehind(table: TableConfig, known: bigint | null, inspection: Inspection): void {
  if (known === null || (inspection.lastBatch !== null && inspection.lastBatch >= known)) return
  const state = inspection.exists ? `its log ends with batch ${inspection.lastBatch ?? 'none'}` : 'there is no table'
  throw new TableError(
    'ING-TABLE-BEHIND',
    `${table.name}: the tracker holds batch ${known} as committed, but at ${table.targetPath} ${state}`,
    {
      hint: `restore the table, or load all files again: ingest run --tables ${table.name} --full-drop`,
    },
  )
}

/** The greatest number that log and manifests tell of; null where they tell of none. */
export function highestBatch({ lastBatch, highestManifest }: Inspection): bigint | null {
  if (lastBatch === null || highestManifest === null) return lastBatch ?? highestManifest
  return lastBatch > highestManifest ? lastBatch : highestManifest
}
