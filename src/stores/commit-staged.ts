import type { PartitionValues } from '../delta/actions.ts'
import { type Committed, commitBatch, type PlannedBatch } from '../delta/commit.ts'
import type { Attempt, CommitContent, Operation } from '../delta/commit-content.ts'
import type { Conflict, Scope, Settled } from '../delta/conflict.ts'
import { UncertainCommitError } from '../delta/log-entry.ts'
import { NO_FILES, type Removal, type RemovedFiles, removedFiles } from '../delta/removal.ts'
import type { LogState } from '../delta/snapshot.ts'
import type { TableLog } from '../delta/table-log.ts'
import { UnavailableError } from '../errors/errors.ts'
import type { TableConfig } from '../model/table.ts'
import type { Keeps } from './cleaning.ts'
import { partitionColumnsOf } from './current.ts'
import type { StoreDeps } from './deps.ts'
import { chainHolds } from './manifests.ts'
import { writeMoves } from './moves.ts'
import type { StagedPositions } from './positions.ts'
import { bytesOf, mergeOperation, type StagedActions, stagedActions } from './staged-actions.ts'
import { discardFiles, type StagedFiles } from './staging.ts'
import type { CommitRequest } from './store.ts'
import { checkAllowed, contentOf } from './table-content.ts'

/** A commit with all that it needs. */
export interface StagedCommit {
  readonly table: TableConfig
  readonly log: TableLog
  readonly deps: StoreDeps
  readonly keeps: Keeps
  readonly request: CommitRequest
  readonly staged: readonly StagedFiles[]
  /** Of a batch that removes single rows. */
  readonly removal: StagedPositions | null
}

/** Puts staged files in their place and commits them. */
export async function commitStaged(commit: StagedCommit): Promise<Committed | Settled | Conflict> {
  const { log, request, staged, deps } = commit
  const { manifest } = request
  const base = log.state
  const removes = removedScope(commit)
  const after = base === undefined ? undefined : contentOf(commit.table, base, request, NOT_NEW)
  let removed: RemovedFiles = NO_FILES
  const planned: PlannedBatch = {
    batch: { appId: manifest.appId, batch: manifest.batch, batchId: manifest.batchId },
    intent: {
      reads: readScope(commit, removes),
      removes,
      changesRows: true,
      changesMetadata: after?.metadata !== undefined,
      changesProtocol: after?.protocol !== undefined,
      partitionColumns: base === undefined ? [] : partitionColumnsOf(base),
    },
    contentOn: async (state, attempt) => {
      checkAllowed(commit.table, state, request)
      removed = await filesToRemove(commit, state, { removes, nowMs: attempt.timestampMs })
      return contentOn(commit, state, { attempt, removed })
    },
    publish: () => publish(commit, base === undefined, removed),
    wasLoadedBefore: (last) => chainHolds(log.blobs, last, manifest),
  }
  try {
    const result = await commitBatch(log, planned, deps)
    if (result.kind === 'committed') for (const one of staged) one.place = 'committed'
    // An earlier attempt committed files of its own; these would be rows twice in the eyes of who reads the folder.
    if (result.kind === 'alreadyCommitted') for (const one of staged) await discardFiles(one, log.blobs)
    return result
  } catch (error) {
    // The entry may be in the log: then its files must stay.
    if (error instanceof UncertainCommitError) for (const one of staged) one.place = 'uncertain'
    throw error
  }
}

/** An existing table has its id and its time. */
const NOT_NEW = { id: '', nowMs: 0 }

function removedScope({ request, staged, removal }: StagedCommit): Removal {
  if (request.remove === 'positions') return removal === null ? { kind: 'nothing' } : { kind: 'files', files: removal.touched }
  if (request.remove !== 'partitions') return { kind: request.remove }
  const partitions = new Map<string, PartitionValues>()
  for (const { partitionValues } of staged.flatMap((one) => one.files)) partitions.set(JSON.stringify(partitionValues), partitionValues)
  return { kind: 'partitions', partitions: [...partitions.values()] }
}

/** A batch that replaces a part of the table has looked at that part; one that only adds may still have read it all. */
function readScope({ request }: StagedCommit, removes: Removal): Scope {
  if (removes.kind === 'files') return { kind: 'everything' }
  return removes.kind === 'nothing' && !request.blindAppend ? { kind: 'everything' } : removes
}

async function filesToRemove(
  { log }: StagedCommit,
  state: LogState | undefined,
  { removes, nowMs }: { readonly removes: Removal; readonly nowMs: number },
): Promise<RemovedFiles> {
  if (state === undefined || log.snapshot === undefined || removes.kind === 'nothing') return NO_FILES
  return removedFiles(await log.snapshot.files(), removes, partitionColumnsOf(state), { session: log.session, nowMs })
}

function contentOn(
  commit: StagedCommit,
  state: LogState | undefined,
  { attempt, removed }: { readonly attempt: Attempt; readonly removed: RemovedFiles },
): CommitContent {
  const { table, request, deps } = commit
  const { manifest } = request
  const { appId, batch, batchId } = manifest
  const nowMs = attempt.timestampMs
  const { protocol, metadata, partitionColumns } = contentOf(table, state, request, {
    id: deps.newId(),
    nowMs,
  })
  const actions = stagedActions(commit.staged, removed, commit.removal, nowMs)
  return {
    operation:
      commit.removal === null
        ? writeOperation(request, actions, partitionColumns)
        : mergeOperation(commit.removal, request.strategy, actions),
    batch: { appId, batch, batchId, files: manifest.files.length, schema: bringersOf(request) },
    txn: { appId, version: batch, lastUpdated: BigInt(nowMs) },
    protocol,
    metadata,
    adds: actions.adds,
    lines: actions.lines,
  }
}

/** Which files brought what is new in the columns. */
function bringersOf({ changes }: CommitRequest): NonNullable<CommitContent['batch']>['schema'] {
  const columns = new Map<string, string[]>()
  for (const { file, column } of changes) if (file !== null) columns.set(file, [...(columns.get(file) ?? []), column])
  return columns.size === 0 ? undefined : [...columns].map(([file, names]) => ({ file, columns: names }))
}

function writeOperation(
  { remove, blindAppend, strategy }: CommitRequest,
  { adds, removed, rows }: StagedActions,
  partitionColumns: readonly string[],
): Operation {
  return {
    name: 'WRITE',
    parameters: { mode: remove === 'nothing' ? 'Append' : 'Overwrite', partitionBy: partitionColumns, strategy },
    metrics: {
      numFiles: adds.length,
      numOutputRows: rows,
      numOutputBytes: bytesOf(adds),
      numRemovedFiles: removed.lines.length,
      numRemovedBytes: removed.bytes,
    },
    isBlindAppend: blindAppend && remove === 'nothing',
  }
}

/** Once. Noted before, where nothing else would tell that these files lie in the folder without being in the log. */
async function publish(commit: StagedCommit, isNew: boolean, removed: RemovedFiles): Promise<void> {
  const { log, staged, keeps, request } = commit
  const waiting = staged.filter((one) => one.place === 'staged')
  const files = waiting.flatMap((one) => one.files)
  if (files.length === 0 && (keeps === 'all versions' || removed.paths.length === 0)) return
  if (waiting.length === 0 && staged.length > 0) return
  // Before the first batch that this tracker brings: nothing of it is in the storage yet.
  if (request.manifest.previous === null) await checkConditions(log)
  if (isNew || keeps === 'current files only') {
    const { batch, batchId } = request.manifest
    await writeMoves(log.blobs, {
      batch,
      batchId,
      added: files.map((file) => file.path),
      removed: keeps === 'current files only' ? removed.paths : [],
    })
  }
  for (const one of waiting) one.place = 'published'
  await log.blobs.publish(files.map((file) => ({ from: file.from, to: file.path })))
}

async function checkConditions({ name, blobs }: TableLog): Promise<void> {
  if (await blobs.keepsConditions()) return
  const problem = 'it takes a second write under the name of a commit, so that of two commits one would be lost'
  throw new UnavailableError('ING-STORAGE-CONDITION', `${name}: the store of ${blobs.root} can have no table: ${problem}`, {
    hint: 'use a store that keeps If-None-Match, or a local folder; the bucket can still be a source',
  })
}
