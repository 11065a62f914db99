import type { ExpectationCount } from './expectation.ts'
import type { RowCounts } from './file.ts'
import type { Resubmission } from './quarantine.ts'

/**
 * What one batch loads, written under `<table>/_ingestd/` before the commit. The chain of manifests, from the
 * `txn` of the log backwards by `previous`, is the list of what was loaded; the tracker is rebuilt from it.
 */
export interface Manifest {
  /** 2 where it says what a reader of format 1 would overlook: a restore, mended rows, rows that were taken out. */
  readonly format: 1 | 2
  /** `ingestd/<tracker uuid>/<database.table>`: the application id of the `txn`. */
  readonly appId: string
  readonly batch: bigint
  readonly batchId: string
  /** Batch number of the committed batch before this one; null for the first. */
  readonly previous: bigint | null
  /** `database.table` */
  readonly table: string
  /** ISO 8601, UTC. */
  readonly createdAt: string
  readonly files: readonly ManifestFile[]
  /** What the format learned of the source and later reads need (the CSV dialect); JSON, opaque to all but the format. */
  readonly reader: unknown
  readonly sideFiles: readonly string[]
  /** Of a full drop: the rows of every batch before it are gone. */
  readonly replacesAll?: boolean | undefined
  /** Of a restore, which loads no file: what it went back to. */
  readonly restore?: RestorePoint | undefined
  /** Of a table with expectations: what they found. */
  readonly expectations?: readonly ExpectationCount[] | undefined
  /** Of mended rows, which are part of files that were loaded before: `files` is empty. */
  readonly resubmit?: Resubmission | undefined
  /** Files whose earlier rows the batch took out of the table: for new ones where `files` has the path, else it unloaded the file. */
  readonly takenOut?: readonly TakenOutFile[] | undefined
}

/** A landing file, and how many of its rows left the table. */
export interface TakenOutFile {
  readonly path: string
  readonly rows: bigint
}

/** The table as it was at an older version. Batches after it are undone, and those that it had are in force again. */
export interface RestorePoint {
  /** Version of the table. */
  readonly version: bigint
  /** The last batch of the application id at that version; null when there was none. */
  readonly batch: bigint | null
  /** What becomes of files that were loaded later. */
  readonly files: UndoneFiles
}

export type UndoneFiles = 'pending' | 'skipped'

export interface ManifestFile {
  readonly path: string
  readonly rawPath: string | null
  readonly version: string
  readonly size: bigint
  readonly modifiedNs: bigint
  readonly unit: string
  readonly rows: RowCounts
}
