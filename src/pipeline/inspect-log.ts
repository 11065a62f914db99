import { TableError } from '../errors/errors.ts'
import type { Manifest } from '../model/manifest.ts'
import type { OpenTable } from '../stores/store.ts'
import type { Inspection } from './protocol.ts'

/** What the log and the chain of manifests say of the batches above `known`. */
export async function inspectLog(target: OpenTable, appId: string, known: bigint | null): Promise<Inspection> {
  const lastBatch = await target.lastBatch(appId)
  const manifests: Manifest[] = []
  for (let number = lastBatch; number !== null && (known === null || number > known); ) {
    const manifest: Manifest | undefined = await target.readManifest(number)
    if (manifest === undefined) throw missing(target, number)
    manifests.push(manifest)
    number = manifest.previous
  }
  return {
    exists: target.state !== null,
    version: target.state?.version ?? null,
    lastBatch,
    highestManifest: await target.highestManifest(),
    manifests,
  }
}

/** Under the table's lease: also removes what dead batches left in the table's folder. */
export async function recoverLog(target: OpenTable, appId: string, known: bigint | null): Promise<Inspection> {
  const inspection = await inspectLog(target, appId, known)
  await target.clean(inspection.lastBatch)
  return inspection
}

function missing(target: OpenTable, batch: bigint): TableError {
  return new TableError(
    'ING-TABLE-LOG',
    `the manifest of batch ${batch} is missing under _ingestd/manifests, though version ${target.state?.version ?? '?'} of the log holds that batch`,
    {
      hint: 'restore the folder _ingestd of the table',
    },
  )
}
