/** What is asked of the data files of one table. */
export interface OptimizeRequest {
  readonly trackerId: string
  /** Bytes; the table's own target when null. */
  readonly targetFileSize: bigint | null
  /** Columns whose rows shall lie together; none for mere compaction. */
  readonly zOrder: readonly string[]
  readonly dryRun: boolean
  /** By itself after loads: only where it is due, and a bounded piece of work. */
  readonly auto: boolean
}

export interface OptimizeResult {
  /** The last version it committed; null when there was nothing to do. */
  readonly version: bigint | null
  readonly removed: FileCounts
  /** Of a dry run: as many as the bytes would fill. */
  readonly added: FileCounts
  readonly rows: bigint
  /** Deletion vectors whose rows are gone for good. */
  readonly purged: number
  /** Why nothing was looked at. */
  readonly reason: string | null
}

export interface VacuumRequest {
  readonly trackerId: string
  /** Null for the retention of the table. */
  readonly retentionMs: number | null
  readonly dryRun: boolean
  /** Lets the retention be shorter than what the table promises its readers. */
  readonly force: boolean
}

export interface VacuumResult {
  /** Of the commit that tells of its end; null when there was nothing to delete. */
  readonly version: bigint | null
  readonly deleted: FileCounts
  /** The first of them, by name. */
  readonly paths: readonly string[]
  readonly retentionMs: number
  readonly reason: string | null
}

export interface FileCounts {
  readonly files: number
  readonly bytes: bigint
}

export const NO_FILE_COUNTS: FileCounts = { files: 0, bytes: 0n }
