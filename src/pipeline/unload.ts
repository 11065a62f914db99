import { id, join, sql } from '../engine/sql.ts'
import { failpoint } from '../lib/failpoint.ts'
import type { Manifest, TakenOutFile } from '../model/manifest.ts'
import type { OpenTable, Staged, StagedRemoval } from '../stores/store.ts'
import type { LoadContext } from './context.ts'
import { committedManifest } from './inspect-log.ts'
import type { UnloadJob, UnloadQuestion, UnloadResult } from './protocol.ts'
import { type RowsOfFiles, rowsOfFiles } from './replace.ts'

type UnloadContext = Pick<LoadContext, 'session' | 'appId'>

/** How many rows the table has of each file. Nothing is written. */
export async function planUnload(
  { table, paths }: UnloadQuestion,
  target: OpenTable,
  session: UnloadContext['session'],
): Promise<readonly TakenOutFile[]> {
  await using rows = await rowsOfFiles(paths, table.name, target, session)
  return rows.takenOut
}

/**
 * Takes the rows of files out, to the commit: a batch that loads no file. Before the commit everything may be thrown away. Runs in the load
 * process; the caller settles the tracker by what this returns.
 */
export async function unloadBatch(job: UnloadJob, target: OpenTable, context: UnloadContext): Promise<UnloadResult> {
  const last = await target.lastBatch(context.appId)
  // A writer that was thought dead may have committed since the tracker was settled.
  if (last === null || last !== job.lastBatch) return { kind: 'givenUp', reason: `batch ${last} of another process was committed first` }
  await using rows = await rowsOfFiles(job.paths, job.table.name, target, context.session)
  const removal = await removalOf(rows, job, target)
  const staged = removal?.staged ?? []
  failpoint('after-stage')
  const manifest = await manifestOf(job, { last, takenOut: rows.takenOut }, target, context)
  if ((await target.writeManifest(manifest)) === 'exists')
    return await givenUp('its batch number was taken by another process', { staged, removal }, target)
  failpoint('after-manifest')
  const commit = await target.commit({
    manifest,
    staged,
    remove: removal === null ? 'nothing' : 'positions',
    removal,
    blindAppend: false,
    columns: target.state?.columns ?? [],
    changes: [],
    trackerId: job.trackerId,
    strategy: job.table.strategy,
  })
  failpoint('after-commit')
  switch (commit.kind) {
    case 'committed':
    case 'alreadyCommitted':
      return { kind: 'committed', version: commit.version, manifest }
    case 'overtaken':
      return await givenUp(`batch ${commit.batch} of another process was committed first`, { staged, removal: null }, target)
    case 'conflict':
      return await givenUp(commit.reason, { staged, removal: null }, target)
  }
}

/** Null where the table has no row of the files: the commit says so all the same. */
async function removalOf({ takenOut, positions }: RowsOfFiles, { batch }: UnloadJob, target: OpenTable): Promise<StagedRemoval | null> {
  const columns = target.state?.columns ?? []
  if (takenOut.every(({ rows }) => rows === 0n)) return null
  const added = sql`select ${join(columns.map(({ name }) => id(name)))} from (${await target.current()}) where false`
  return target.stageRemoval({ positions, added, addedRows: 0n, changes: null, columns, batchId: batch.id })
}

async function givenUp(
  reason: string,
  { staged, removal }: { readonly staged: readonly Staged[]; readonly removal: StagedRemoval | null },
  target: OpenTable,
): Promise<UnloadResult> {
  await removal?.[Symbol.asyncDispose]()
  await target.discard(staged)
  return { kind: 'givenUp', reason }
}

async function manifestOf(
  job: UnloadJob,
  { last, takenOut }: { readonly last: bigint; readonly takenOut: readonly TakenOutFile[] },
  target: OpenTable,
  { appId }: UnloadContext,
): Promise<Manifest> {
  // What the format learned of the source, and what was observed of keys, is as true as it was.
  const { reader, sideFiles } = await committedManifest(target, last)
  return {
    format: 2,
    appId,
    batch: job.batch.number,
    batchId: job.batch.id,
    previous: last,
    table: job.table.name,
    createdAt: job.at,
    files: [],
    reader,
    sideFiles,
    takenOut,
  }
}
