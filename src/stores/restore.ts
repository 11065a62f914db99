import { type Committed, commitBatch } from '../delta/commit.ts'
import type { CommitContent } from '../delta/commit-content.ts'
import type { Conflict, Settled } from '../delta/conflict.ts'
import { integerOf } from '../delta/decode.ts'
import { addHead, lineOf, optional, removedFiles, vectorJson } from '../delta/removal.ts'
import { Snapshot } from '../delta/snapshot.ts'
import type { TableLog } from '../delta/table-log.ts'
import { id, raw, type Sql, sql } from '../engine/sql.ts'
import { BugError, TableError } from '../errors/errors.ts'
import type { Manifest } from '../model/manifest.ts'
import type { DataFiles, RestorePlan } from '../model/restore.ts'
import type { TableConfig } from '../model/table.ts'
import { appIdOf } from './adopt.ts'
import type { StoreDeps } from './deps.ts'
import { chainHolds } from './manifests.ts'
import { checkPresent } from './present-files.ts'
import { restoredMetadata } from './restored-metadata.ts'
import type { TableRestore, TableVersionAt } from './store.ts'
import { checkShrinks, checkTracker, TRACKER_PROPERTY } from './table-content.ts'
import { noVersionYet } from './table-version.ts'

/** What the restore of a table needs. */
export interface RestoreContext {
  readonly table: TableConfig
  readonly log: TableLog
  readonly deps: StoreDeps
  readonly trackerId: string
  readonly appId: string
}

/** The files that differ between the current version and an older one, as two temporary tables of the engine. */
export class PlannedRestore implements TableRestore {
  readonly plan: RestorePlan
  readonly batch: bigint | null
  /** Relations of path, dv, `add`. */
  readonly added: Sql
  readonly removed: Sql
  readonly older: Snapshot
  readonly #log: TableLog

  constructor(log: TableLog, made: Pick<PlannedRestore, 'plan' | 'batch' | 'added' | 'removed' | 'older'>) {
    this.plan = made.plan
    this.batch = made.batch
    this.added = made.added
    this.removed = made.removed
    this.older = made.older
    this.#log = log
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await dropped(this.#log, this.older, this)
  }
}

/** A restore that was planned here; the pipeline hands it back as it got it. */
export function plannedRestore(restore: TableRestore): PlannedRestore {
  if (restore instanceof PlannedRestore) return restore
  throw new BugError('a restore was planned by another store')
}

/** Brings the table together with an older version. Nothing is written; whatever forbids the restore is told here. */
export async function planRestore(context: RestoreContext, at: TableVersionAt): Promise<PlannedRestore> {
  const { log } = context
  const { snapshot, blobs, session } = log
  const older = await Snapshot.open(log.name, blobs, session, { at, gate: 'read' })
  if (snapshot === undefined || older === undefined) throw noVersionYet(log.name)
  const names = { added: id(session.temporaryName('delta_restore')), removed: id(session.temporaryName('delta_restore')) }
  try {
    return await planBetween(snapshot, older, names, context)
  } catch (error) {
    await dropped(log, older, names)
    throw error
  }
}

async function planBetween(
  snapshot: Snapshot,
  older: Snapshot,
  { added, removed }: Pick<PlannedRestore, 'added' | 'removed'>,
  context: RestoreContext,
): Promise<PlannedRestore> {
  const { table, log, trackerId } = context
  const current = snapshot.state
  checkTracker(table, current, trackerId)
  const batch = lastBatchOf(context, older)
  restoredMetadata(table.name, current, older.state, trackerId)
  const [now, then] = [await snapshot.files(), await older.files()]
  await createDifference(added, log, { files: then, others: now })
  await createDifference(removed, log, { files: now, others: then })
  const plan = {
    from: current.version,
    to: older.state.version,
    added: await counted(log, added),
    removed: await counted(log, removed),
    after: await counted(log, then),
  }
  if (plan.removed.files > 0n) checkShrinks(table, current, 'a restore')
  await checkPresent(added, log, older.state.version)
  return new PlannedRestore(log, { plan, batch, added, removed, older })
}

async function dropped(
  { session }: TableLog,
  older: Snapshot,
  { added, removed }: Pick<PlannedRestore, 'added' | 'removed'>,
): Promise<void> {
  for (const files of [added, removed]) await session.run(sql`drop table if exists ${files}`)
  await older.close()
}

/** One entry of the log that makes the content that of the older version. Any change that another made meanwhile is a conflict. */
export async function commitRestore(
  { table, log, deps, trackerId, appId }: RestoreContext,
  restore: PlannedRestore,
  manifest: Manifest,
): Promise<Committed | Settled | Conflict> {
  const { batch, batchId } = manifest
  const { session } = log
  return commitBatch(
    log,
    {
      batch: { appId, batch, batchId },
      intent: {
        reads: { kind: 'everything' },
        removes: { kind: 'everything' },
        changesRows: true,
        changesMetadata: true,
        changesProtocol: true,
        partitionColumns: [],
      },
      contentOn: async (state, { timestampMs }): Promise<CommitContent> => {
        const current = state ?? restore.older.state
        checkTracker(table, current, trackerId)
        // What came between may be a vacuum.
        if (current.version !== restore.plan.from) await checkPresent(restore.added, log, restore.plan.to)
        const removed = await removedFiles(restore.removed, { kind: 'everything' }, [], { session, nowMs: timestampMs })
        return {
          operation: operationOf(restore.plan),
          batch: { appId, batch, batchId, files: 0 },
          txn: { appId, version: batch, lastUpdated: BigInt(timestampMs) },
          ...restoredMetadata(table.name, current, restore.older.state, trackerId),
          adds: [],
          lines: [...removed.lines, ...(await addLines(restore.added, log))],
        }
      },
      wasLoadedBefore: (last) => chainHolds(log.blobs, last, manifest),
    },
    deps,
  )
}

/** Named as Spark names them, so that DESCRIBE HISTORY shows them. */
function operationOf({ to, added, removed, after }: RestorePlan): CommitContent['operation'] {
  return {
    name: 'RESTORE',
    parameters: { version: String(to) },
    metrics: {
      numRestoredFiles: added.files,
      restoredFilesSize: added.bytes,
      numRemovedFiles: removed.files,
      removedFilesSize: removed.bytes,
      numOfFilesAfterRestore: after.files,
      tableSizeAfterRestore: after.bytes,
    },
    isBlindAppend: false,
  }
}

/** The batch up to which the older version was loaded. One that was loaded by us without saying so would be loaded again. */
function lastBatchOf({ table, appId }: RestoreContext, { state }: Snapshot): bigint | null {
  const trackerThen = state.metadata.configuration[TRACKER_PROPERTY]
  // It may have been another tracker's then, and was taken over since.
  const last = state.txns.get(trackerThen === undefined ? appId : appIdOf(trackerThen, appId))?.version ?? null
  if (last !== null || trackerThen === undefined) return last
  throw new TableError('ING-TABLE-RESTORE', `${table.name}: version ${state.version} does not tell any more which batches it held`, {
    hint: 'its txn action was removed from the log, perhaps by delta.setTransactionRetentionDuration; load all files again: ingest run --full-drop',
  })
}

/** Files of the one that the other lacks. A file is known by its path and its deletion vector. */
async function createDifference(
  made: Sql,
  { session }: TableLog,
  { files, others }: { readonly files: Sql; readonly others: Sql },
): Promise<void> {
  await session.run(sql`create temp table ${made} as
    select f.path, f.dv, f."add" from ${files} as f anti join ${others} as o on o.path = f.path and o.dv = f.dv`)
}

async function counted({ session }: TableLog, files: Sql): Promise<DataFiles> {
  const [row] = await session.rows(sql`select count(*) as files, coalesce(sum("add".size), 0)::bigint as bytes from ${files}`)
  return { files: integerOf(row?.['files']) ?? 0n, bytes: integerOf(row?.['bytes']) ?? 0n }
}

/** Lines of `add` for files as the older version had them, made in the engine. */
async function addLines(files: Sql, { session }: TableLog): Promise<readonly string[]> {
  const rows = await session.rows(sql`select ${addHead()} || ${optional('stats', raw('"add".stats'))}
    || ${vectorJson()} || '}}' as line from ${files} order by path`)
  return rows.map((row) => lineOf(row['line']))
}
