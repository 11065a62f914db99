import { failpoint } from '../lib/failpoint.ts'
import type { Manifest } from '../model/manifest.ts'
import type { Loader, OpenTable } from '../stores/store.ts'
import { committedManifest } from './inspect-log.ts'
import type { PlannedRestore, RestoreJob, RestoreQuestion, RestoreResult } from './protocol.ts'
import { restoredFiles } from './undone.ts'

/** What a restore would do to the table and to the files of the tracker. */
export async function planRestore({ at }: RestoreQuestion, target: OpenTable, loader: Loader): Promise<PlannedRestore> {
  const previous = await target.lastBatch(loader.appId)
  await using restore = await target.planRestore(at, loader)
  const { plan, batch } = restore
  return { ...plan, batch, changed: await restoredFiles({ previous, batch }, (number) => committedManifest(target, number)) }
}

/**
 * One restore to its commit: a batch that loads no file. Before the commit everything may be thrown away. Runs in the
 * load process; the caller settles the tracker by what this returns.
 */
export async function restoreBatch(job: RestoreJob, target: OpenTable, loader: Loader): Promise<RestoreResult> {
  const previous = await target.lastBatch(loader.appId)
  // A writer that was thought dead may have committed since the tracker was settled.
  if (previous !== job.lastBatch) return { kind: 'givenUp', reason: `batch ${previous} of another process was committed first` }
  await using restore = await target.planRestore({ version: job.version }, loader)
  const { plan, batch } = restore
  if (plan.from !== job.from) return { kind: 'givenUp', reason: `version ${plan.from} was committed meanwhile` }
  const manifest = await manifestOf(job, { previous, batch }, target, loader)
  const files = await restoredFiles({ previous, batch }, (number) => committedManifest(target, number))
  if ((await target.writeManifest(manifest)) === 'exists')
    return { kind: 'givenUp', reason: 'its batch number was taken by another process' }
  failpoint('after-manifest')
  const commit = await target.restore(restore, manifest, loader)
  failpoint('after-commit')
  switch (commit.kind) {
    case 'committed':
    case 'alreadyCommitted':
      return { kind: 'committed', version: commit.version, plan, adopted: { manifest, version: commit.version, files } }
    case 'overtaken':
      return { kind: 'givenUp', reason: `batch ${commit.batch} of another process was committed first` }
    case 'conflict':
      return { kind: 'givenUp', reason: commit.reason }
  }
}

type RestoreManifest = Manifest & { readonly restore: NonNullable<Manifest['restore']> }

async function manifestOf(
  job: RestoreJob,
  { previous, batch }: { readonly previous: bigint | null; readonly batch: bigint | null },
  target: OpenTable,
  { appId }: Loader,
): Promise<RestoreManifest> {
  // What the format learned of the source is as true as it was.
  const { reader } = previous === null ? { reader: null } : await committedManifest(target, previous)
  return {
    format: 2,
    appId,
    batch: job.batch.number,
    batchId: job.batch.id,
    previous,
    table: job.table.name,
    createdAt: job.at,
    files: [],
    reader,
    sideFiles: [],
    restore: { version: job.version, batch, files: job.files },
  }
}
