import type { AddFile, PartitionValues } from '../delta/actions.ts'
import { type CommitResult, commitBatch, UncertainCommitError } from '../delta/commit.ts'
import type { CommitContent } from '../delta/commit-content.ts'
import { raisedProtocol } from '../delta/features.ts'
import { NO_FILES, type Removal, type RemovedFiles, removedFiles } from '../delta/removal.ts'
import type { LogState } from '../delta/snapshot.ts'
import type { TableLog } from '../delta/table-log.ts'
import type { TableConfig } from '../model/table.ts'
import type { Keeps } from './cleaning.ts'
import { partitionColumnsOf } from './current.ts'
import type { StoreDeps } from './deps.ts'
import { chainHolds } from './manifests.ts'
import { writeMoves } from './moves.ts'
import { discardFiles, loggedPath, type StagedFiles } from './staging.ts'
import type { CommitRequest } from './store.ts'
import { checkAllowed, contentOf, fieldsAfter } from './table-content.ts'

/** A commit with all that it needs. */
export interface StagedCommit {
  readonly table: TableConfig
  readonly log: TableLog
  readonly deps: StoreDeps
  readonly keeps: Keeps
  readonly request: CommitRequest
  readonly staged: readonly StagedFiles[]
}

/** Puts staged files in their place and commits them. */
export async function commitStaged(commit: StagedCommit): Promise<CommitResult> {
  const { log, request, staged, deps } = commit
  const { manifest } = request
  const base = log.state
  const removal = removalOf(commit)
  let removed: RemovedFiles = NO_FILES
  const planned = {
    batch: manifest.batch,
    intent: {
      appId: manifest.appId,
      batchId: manifest.batchId,
      removal,
      blindAppend: request.blindAppend && removal.kind === 'nothing',
      raisesProtocol: base !== undefined && raisedProtocol(base.protocol, fieldsAfter(base, request.columns)) !== base.protocol,
      partitionColumns: base === undefined ? [] : partitionColumnsOf(base),
    },
    contentOn: async (state: LogState | undefined, txnId: string) => {
      checkAllowed(commit.table, state, request)
      removed = await filesToRemove(commit, state, removal)
      return contentOn(commit, state, { txnId, removed })
    },
    publish: () => publish(commit, base === undefined, removed),
    wasLoadedBefore: (last: bigint) => chainHolds(log.blobs, last, manifest),
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

function removalOf({ request, staged }: StagedCommit): Removal {
  if (request.remove !== 'partitions') return { kind: request.remove }
  const partitions = new Map<string, PartitionValues>()
  for (const { partitionValues } of staged.flatMap((one) => one.files)) partitions.set(JSON.stringify(partitionValues), partitionValues)
  return { kind: 'partitions', partitions: [...partitions.values()] }
}

async function filesToRemove({ log, deps }: StagedCommit, state: LogState | undefined, removal: Removal): Promise<RemovedFiles> {
  if (state === undefined || log.snapshot === undefined || removal.kind === 'nothing') return NO_FILES
  return removedFiles(await log.snapshot.files(), removal, partitionColumnsOf(state), {
    session: log.session,
    nowMs: deps.clock.now(),
  })
}

function contentOn(
  commit: StagedCommit,
  state: LogState | undefined,
  { txnId, removed }: { readonly txnId: string; readonly removed: RemovedFiles },
): CommitContent {
  const { table, request, deps } = commit
  const { manifest } = request
  const nowMs = deps.clock.now()
  const { protocol, metadata, partitionColumns } = contentOf(table, state, request, {
    id: tableIdOf(manifest.appId) ?? deps.newId(),
    nowMs,
  })
  const files = commit.staged.flatMap((one) => one.files)
  const adds = files.map(
    (file): AddFile => ({
      path: loggedPath(file),
      partitionValues: file.partitionValues,
      size: file.bytes,
      modificationTime: nowMs,
      stats: file.stats,
      tags: file.tags,
    }),
  )
  return {
    info: {
      timestampMs: nowMs,
      strategy: request.strategy,
      mode: request.remove === 'nothing' ? 'Append' : 'Overwrite',
      partitionColumns,
      readVersion: state?.version ?? null,
      isBlindAppend: request.blindAppend && request.remove === 'nothing',
      engine: deps.engineInfo,
      txnId,
      batch: manifest.batch,
      batchId: manifest.batchId,
      removedFiles: removed.lines.length,
      removedBytes: removed.bytes,
      addedRows: files.reduce((sum, file) => sum + file.rows, 0n),
    },
    txn: { appId: manifest.appId, version: manifest.batch, lastUpdated: BigInt(nowMs) },
    protocol,
    metadata,
    adds,
    removes: removed.lines,
  }
}

/** Once. Noted before, where nothing else would tell that these files lie in the folder without being in the log. */
async function publish(commit: StagedCommit, isNew: boolean, removed: RemovedFiles): Promise<void> {
  const { log, staged, keeps, request } = commit
  const waiting = staged.filter((one) => one.place === 'staged')
  const files = waiting.flatMap((one) => one.files)
  if (files.length === 0 && (keeps === 'all versions' || removed.paths.length === 0)) return
  if (waiting.length === 0 && staged.length > 0) return
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

/** The table's id, where the application id names one: then the two agree from the first commit on. */
function tableIdOf(appId: string): string | undefined {
  return /^ingestd\/[^/]+\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i.exec(appId)?.[1]
}
