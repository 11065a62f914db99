import { TableError } from '../errors/errors.ts'
import type { Manifest } from '../model/manifest.ts'
import type { OpenTable } from '../stores/store.ts'
import type { CommittedBatch, Inspection } from './protocol.ts'
import { restoredFiles } from './undone.ts'

/** What the log and the chain of manifests say of the batches above `known`. */
export async function inspectLog(target: OpenTable, appId: string, known: bigint | null): Promise<Inspection> {
  const lastBatch = await target.lastBatch(appId)
  const batches: CommittedBatch[] = []
  for (let number = lastBatch; number !== null && (known === null || number > known); ) {
    const manifest = await committedManifest(target, number)
    batches.push(await committed(manifest, target))
    number = manifest.previous
  }
  return {
    exists: target.state !== null,
    version: target.state?.version ?? null,
    lastBatch,
    highestManifest: await target.highestManifest(),
    batches,
  }
}

/** The manifest of a batch that the log holds. TableError when it is missing. */
export async function committedManifest(target: OpenTable, batch: bigint): Promise<Manifest> {
  const manifest = await target.readManifest(batch)
  if (manifest === undefined) throw missing(target, batch)
  return manifest
}

async function committed(manifest: Manifest, target: OpenTable): Promise<CommittedBatch> {
  const { previous, restore } = manifest
  if (restore === undefined) return { kind: 'load', manifest }
  const files = await restoredFiles({ previous, batch: restore.batch }, (batch) => committedManifest(target, batch))
  return { kind: 'restore', manifest: { ...manifest, restore }, files }
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
