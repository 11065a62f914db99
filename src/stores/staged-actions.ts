import type { AddFile } from '../delta/actions.ts'
import { changeLine } from '../delta/change-data.ts'
import type { CommitContent, Operation } from '../delta/commit-content.ts'
import type { RemovedFiles } from '../delta/removal.ts'
import type { StagedPositions } from './positions.ts'
import { loggedPath, type StagedFiles, type StagedRole, type WrittenFile } from './staging.ts'

/** What a commit that may take single rows out says of its files. */
export interface StagedActions extends Pick<CommitContent, 'adds' | 'lines'> {
  readonly removed: RemovedFiles
  /** Rows of the files that come. */
  readonly rows: bigint
  readonly changeFiles: number
}

export function stagedActions(
  staged: readonly StagedFiles[],
  removed: RemovedFiles,
  removal: StagedPositions | null,
  timestampMs: number,
): StagedActions {
  const files = filesOf(staged, 'rows')
  const changes = filesOf(staged, 'changes')
  return {
    adds: addsOf(files, timestampMs),
    lines: [
      ...removed.lines,
      ...(removal?.lines ?? []),
      ...changes.map((file) => changeLine({ path: loggedPath(file), partitionValues: file.partitionValues, size: file.bytes })),
    ],
    removed,
    rows: files.reduce((sum, file) => sum + file.rows, 0n),
    changeFiles: changes.length,
  }
}

export function addsOf(files: readonly WrittenFile[], timestampMs: number): readonly AddFile[] {
  return files.map((file) => ({
    path: loggedPath(file),
    partitionValues: file.partitionValues,
    size: file.bytes,
    modificationTime: timestampMs,
    stats: file.stats,
    tags: file.tags,
  }))
}

export function filesOf(staged: readonly StagedFiles[], role: StagedRole): readonly WrittenFile[] {
  return staged.filter((one) => one.role === role).flatMap((one) => one.files)
}

/** In the words of Spark's own row-level commits. Updates are told apart only where the plan told its changes. */
export function mergeOperation(removal: StagedPositions, strategy: string, { adds, removed, rows, changeFiles }: StagedActions): Operation {
  const { changes, files, removedRows, rewrittenRows, lines } = removal
  const updated = changes?.update_postimage ?? 0n
  return {
    name: 'MERGE',
    parameters: { strategy },
    metrics: {
      numOutputRows: rows,
      numTargetRowsInserted: rows - rewrittenRows - updated,
      numTargetRowsUpdated: updated,
      numTargetRowsDeleted: removedRows - updated,
      numTargetRowsCopied: rewrittenRows,
      numTargetFilesAdded: adds.length,
      numTargetFilesRemoved: removed.lines.length - lines.length,
      numTargetBytesAdded: bytesOf(adds),
      numTargetChangeFilesAdded: changeFiles,
      numTargetDeletionVectorsAdded: lines.length,
      numTargetDeletionVectorsUpdated: lines.length === 0 ? 0n : files.withVectorBefore - files.wholeWithVector,
      numTargetDeletionVectorsRemoved: files.withVectorBefore,
    },
    isBlindAppend: false,
  }
}

export function bytesOf(adds: readonly AddFile[]): bigint {
  return adds.reduce((sum, add) => sum + add.size, 0n)
}
