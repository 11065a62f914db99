import type { RowCounts } from './file.ts'

/** Kinds of damage that `verify` tells apart. */
export type Damage =
  | 'log_unreadable'
  | 'log_gap'
  | 'log_commit'
  | 'checkpoint_unreadable'
  | 'checkpoint_differs'
  | 'checkpoint_pointer'
  | 'checksum_differs'
  | 'removed_twice'
  | 'manifest_missing'
  | 'manifest_damaged'
  | 'manifest_differs'
  | 'data_file_missing'
  | 'data_file_size'
  | 'data_file_damaged'
  | 'data_file_rows'
  | 'deletion_vector'
  | 'side_file_missing'
  | 'rows_differ'
  | 'quarantine_rows'
  | 'table_behind'
  | 'tracker_behind'
  | 'tracker_unknown'
  | 'tracker_state'
  | 'tracker_version'
  | 'tracker_counts'
  | 'tracker_extra'
  | 'tracker_processing'
  | 'full_drop'
  | 'other_tracker'

/** One thing that is not as it should be. */
export interface DamageFound {
  readonly damage: Damage
  /** A file below the table's folder, or the path of a landing file; null where it is none. */
  readonly file: string | null
  /** Of the table; null where it is none in particular. */
  readonly version: bigint | null
  readonly detail: string
}

/** What was looked at. */
export interface VerifiedCounts {
  readonly commits: number
  readonly checkpoints: number
  readonly batches: number
  readonly dataFiles: number
  readonly rows: bigint
}

/** The load of a landing file whose rows the table holds. */
export interface LoadInForce {
  readonly path: string
  readonly version: string
  readonly batchId: string
  readonly rows: RowCounts
}

/** What a table says of itself, and of the files that are loaded into it. */
export interface TableVerification {
  /** Null for a table that does not exist, or cannot be read. */
  readonly version: bigint | null
  readonly counts: VerifiedCounts
  readonly found: readonly DamageFound[]
  /** The last batch of the tracker in the log. */
  readonly lastBatch: bigint | null
  /** By the chain of manifests; null where it is broken. */
  readonly loads: readonly LoadInForce[] | null
}

/** What `verify --json` prints. */
export interface VerifyReport {
  /** True when nothing was found, and every table was looked at. */
  readonly ok: boolean
  readonly tables: readonly VerifiedTable[]
}

export interface VerifiedTable {
  readonly table: string
  readonly status: 'pass' | 'error' | 'skip'
  /** Why it was not looked at. */
  readonly reason: string | null
  /** Null for a table that does not exist yet, or cannot be read. */
  readonly version: number | null
  readonly commits: number
  readonly checkpoints: number
  readonly batches: number
  /** Landing files that are loaded. */
  readonly files: number
  readonly data_files: number
  /** In the data files, deleted ones among them. */
  readonly rows: number
  /** How many findings there are of each kind; of a kind the first thousand are told. */
  readonly damages: Readonly<Record<string, number>>
  readonly findings: readonly {
    readonly damage: Damage
    /** Below the table's folder, or the path of a landing file. */
    readonly file: string | null
    readonly version: number | null
    readonly detail: string
    readonly hint: string
  }[]
  readonly seconds: number
}
