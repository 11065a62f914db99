import { ConflictError, TableError } from '../errors/errors.ts'
import { failpoint } from '../lib/failpoint.ts'
import { type Batch, NO_STRATEGY_ROWS } from '../model/batch.ts'
import type { Manifest } from '../model/manifest.ts'
import type { Inspection, ResubmitResult } from './protocol.ts'
import { adopt, FULL_DROP, highestBatch, type RecoverPass, recover } from './recover.ts'

export type ResubmitPass = Omit<RecoverPass, 'replaceAll'>

/** A batch of mended rows that is in the log; the version is null where it is not known any more. */
export interface Resubmitted {
  readonly batch: Batch
  readonly version: bigint | null
  readonly manifest: Manifest
}

/** Loads the mended rows of one table as a batch of its own. The caller holds the table's lock. */
export async function resubmitRows(pass: ResubmitPass, file: string): Promise<Resubmitted> {
  const { table, tracker, owner } = pass
  const inspection = await recover({ ...pass, replaceAll: false })
  if ((await tracker.recall(table.name, FULL_DROP)) === 'begun')
    throw new TableError('ING-QUARANTINE-SNAPSHOT', `${table.name}: a full drop has begun, and its files are not loaded yet`, {
      hint: `finish it first: ingest run --tables ${table.name}`,
    })
  const batch = await tracker.claimEmpty(table.name, owner.id, highestBatch(inspection))
  failpoint('after-claim')
  const committed = await committedOf(pass, { batch, inspection, file })
  failpoint('before-settle')
  // Another process that took the table over may have settled it already, by the same log.
  await tracker.adoptManifest(committed.manifest, committed.version)
  failpoint('after-settle')
  return committed
}

interface Claimed {
  readonly batch: Batch
  readonly inspection: Inspection
  readonly file: string
}

async function committedOf(pass: ResubmitPass, claimed: Claimed): Promise<Resubmitted> {
  const { table, tracker, worker } = pass
  const { batch, inspection, file } = claimed
  let result: ResubmitResult
  try {
    result = await worker.resubmit({ table, batch, trackerId: tracker.id, lastBatch: inspection.lastBatch, file })
  } catch (error) {
    const committed = await foundInLog(claimed, pass)
    if (committed === undefined) throw error
    return committed
  }
  if (result.kind === 'committed') return { ...result, batch }
  const committed = await foundInLog(claimed, pass)
  if (committed !== undefined) return committed
  throw new ConflictError('ING-TABLE-CONFLICT', `${table.name}: the rows were not taken back in: ${result.reason}`, {
    hint: 'nothing was changed; resubmit the file again',
  })
}

/** The load process failed or died, or gave up: whether it had committed is asked of the log. What is not there ends without a trace. */
async function foundInLog({ batch }: Claimed, pass: ResubmitPass): Promise<Resubmitted | undefined> {
  const { table, tracker, worker, owner } = pass
  // A log that cannot be read now is asked by the next pass; until then the batch is left as it is.
  const inspection = await worker.inspect(table, tracker.id, await tracker.lastCommittedBatch(table.name)).catch(() => undefined)
  if (inspection === undefined) return undefined
  const found = inspection.batches.find(({ manifest }) => manifest.batchId === batch.id)
  if (found !== undefined) return { batch, version: inspection.version, manifest: found.manifest }
  await adopt(pass, inspection)
  const nothing = { version: null, files: [], rows: NO_STRATEGY_ROWS, bytes: 0n, warnings: [] }
  await tracker.settle(table.name, owner.id, { batchId: batch.id, number: batch.number, ...nothing })
  return undefined
}
