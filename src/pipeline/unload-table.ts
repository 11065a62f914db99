import { ConflictError } from '../errors/errors.ts'
import type { Clock } from '../lib/clock.ts'
import { failpoint } from '../lib/failpoint.ts'
import { type Batch, NO_STRATEGY_ROWS } from '../model/batch.ts'
import type { TakenOutFile } from '../model/manifest.ts'
import type { UnloadResult } from './protocol.ts'
import { adopt, highestBatch, type RecoverPass, recover } from './recover.ts'
import { checkNoFullDrop } from './replay.ts'

export interface UnloadPass extends Omit<RecoverPass, 'replaceAll'> {
  readonly clock: Clock
}

/** An unload that is in the log; the version is null where it is not known any more. */
export interface Unloaded {
  readonly batch: Batch
  readonly version: bigint | null
  readonly takenOut: readonly TakenOutFile[]
}

/** Takes the rows of files out of the table, as a batch of its own; the files are skipped from then on. The caller holds the table's lock. */
export async function unloadFiles(pass: UnloadPass, paths: readonly string[]): Promise<Unloaded> {
  const { table, tracker, worker, owner, clock } = pass
  const inspection = await recover({ ...pass, replaceAll: false })
  await checkNoFullDrop(pass)
  const batch = await tracker.claimEmpty(table.name, owner.id, highestBatch(inspection))
  failpoint('after-claim')
  const at = new Date(clock.now()).toISOString()
  const { lastBatch } = inspection
  let result: UnloadResult
  try {
    result = await worker.unload({ table, batch, trackerId: tracker.id, lastBatch, paths, at })
  } catch (error) {
    const committed = await foundInLog(batch, pass)
    if (committed === undefined) throw error
    return committed
  }
  if (result.kind === 'givenUp') {
    const committed = await foundInLog(batch, pass)
    if (committed !== undefined) return committed
    throw new ConflictError('ING-TABLE-CONFLICT', `${table.name}: the rows were not unloaded: ${result.reason}`, {
      hint: 'nothing was changed; unload the files again',
    })
  }
  failpoint('before-settle')
  // Another process that took the table over may have settled it already, by the same log.
  await tracker.adoptManifest(result.manifest, result.version)
  failpoint('after-settle')
  return { batch, version: result.version, takenOut: result.manifest.takenOut ?? [] }
}

/** The load process failed or died, or gave up: whether it had committed is asked of the log. What is not there ends without a trace. */
async function foundInLog(batch: Batch, pass: UnloadPass): Promise<Unloaded | undefined> {
  const { table, tracker, worker, owner } = pass
  // A log that cannot be read now is asked by the next pass; until then the batch is left as it is.
  const inspection = await worker.inspect(table, tracker.id, await tracker.lastCommittedBatch(table.name)).catch(() => undefined)
  if (inspection === undefined) return undefined
  await adopt(pass, inspection)
  const found = inspection.batches.find(({ manifest }) => manifest.batchId === batch.id)
  if (found !== undefined) return { batch, version: inspection.version, takenOut: found.manifest.takenOut ?? [] }
  const nothing = { version: null, files: [], rows: NO_STRATEGY_ROWS, bytes: 0n, warnings: [] }
  await tracker.settle(table.name, owner.id, { batchId: batch.id, number: batch.number, ...nothing })
  return undefined
}
