/** The states of a tracked file; `tracker/moves.ts` has the moves between them. */
export type FileStatus = 'pending' | 'processing' | 'completed' | 'failed' | 'skipped'

/**
 * What becomes of a loaded file at its source: `due` and `failed` are tried (again), the others are the end of it. `kept` says that it was
 * left where it is, for a reason.
 */
export type CleanUpStatus = 'due' | 'failed' | 'archived' | 'deleted' | 'kept'

/** Clean-ups that are not done yet. */
export interface CleanUpState {
  readonly due: number
  readonly failed: number
  /** Why one of the failed ones failed. */
  readonly last_error: string | null
  /** When the first failed one is tried again. */
  readonly next_attempt_at: string | null
}

/** What a listing knows of one file. */
export interface FileSeen {
  /** Absolute path or URI without credentials; bytes that are not UTF-8 stand percent-encoded. Equal in tracker, `_source_file` and errors. */
  readonly path: string
  /** The real path in base64, only where `path` cannot say it (bytes that are not UTF-8). */
  readonly rawPath: string | null
  /** Bytes. */
  readonly size: bigint
  /** Nanoseconds since the epoch. */
  readonly modifiedNs: bigint
  /** What makes two contents at one path different: `<size>-<modifiedNs>` locally, the ETag in a bucket. */
  readonly version: string
}

/** A file as a batch holds it: seen, and numbered in file order (modified time, then path). */
export interface BatchFile extends FileSeen {
  /** 0-based position in the batch by (modified time, path). */
  readonly ordinal: number
  /** The overwrite unit it belongs to; equal to `path` unless `snapshot_unit` is folder or batch. */
  readonly unit: string
  /** By hand: it loads whatever the guard says. */
  readonly approved?: boolean
  /** The table may have rows of it: those of an append table leave with the commit that adds the new ones. */
  readonly replaces?: boolean
}

/**
 * read = loaded + rejected + filtered + deduplicated, checked before each commit; where a transform makes more rows of a file than it
 * has, `read` is smaller by those.
 */
export interface RowCounts {
  readonly read: bigint
  readonly loaded: bigint
  readonly rejected: bigint
  readonly filtered: bigint
  readonly deduplicated: bigint
}

export const NO_ROWS: RowCounts = { read: 0n, loaded: 0n, rejected: 0n, filtered: 0n, deduplicated: 0n }

/** File order, which settles every tie: modified time, then path by code units. */
export function compareFiles(a: FileSeen, b: FileSeen): number {
  if (a.modifiedNs !== b.modifiedNs) return a.modifiedNs < b.modifiedNs ? -1 : 1
  if (a.path === b.path) return 0
  return a.path < b.path ? -1 : 1
}
