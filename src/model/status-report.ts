import type { Activity, DaemonNote } from './activity.ts'
import type { ErrorCause } from './error-cause.ts'
import type { CleanUpState, FileStatus } from './file.ts'

/** What `status --json` and `/api/status` tell. Timestamps are ISO 8601 in UTC. */
export interface StatusReport {
  readonly at: string
  readonly tables: readonly TableState[]
  /** What processes do at the moment; an owner that is gone is left out. */
  readonly activity: readonly Activity[]
  /** Daemons whose heartbeat is not old. */
  readonly daemons: readonly DaemonNote[]
  /** Files that were settled last, the newest first. */
  readonly recent: readonly StatusFile[]
  /** Failed files by what they failed for, the most frequent first. */
  readonly causes: readonly ErrorCause[]
}

export interface TableState {
  /** `database.table` */
  readonly table: string
  readonly strategy: string
  readonly target: string
  readonly paused: boolean
  readonly files: {
    readonly pending: number
    /** Of the pending ones those that wait for `approve`. */
    readonly held: number
    readonly processing: number
    readonly completed: number
    readonly failed: number
    readonly skipped: number
  }
  readonly rows: number
  /** Rows of loaded files that the table does not have: in quarantine, or discarded. */
  readonly rows_rejected: number
  readonly bytes: number
  readonly last_loaded_at: string | null
  readonly last_error: string | null
  /** How long the file that is next waits by now; null when none does. */
  readonly lag_seconds: number | null
  /** When the next automatic retry is due. */
  readonly next_attempt_at: string | null
  /** Loaded files that are still to be archived or deleted at their source, with `after_load`. */
  readonly clean_ups: CleanUpState
  /** Told by a daemon, as what follows. */
  readonly last_listed_at: string | null
  readonly listing_error: string | null
  readonly next_run_at: string | null
  /** Commits of the last hour by minute, oldest first; minutes without one are left out. */
  readonly throughput: readonly { readonly minute: string; readonly files: number; readonly rows: number; readonly bytes: number }[]
}

/** A file of the tracker, in short. */
export interface StatusFile {
  readonly file: string
  readonly table: string
  readonly status: FileStatus
  readonly rows: number | null
  readonly bytes: number
  readonly at: string
  /** Why it is not loaded: an error code or a reason. */
  readonly why: string | null
}

/** A table looked at closely. */
export interface TableDetail {
  readonly state: TableState
  readonly activity: readonly Activity[]
  /** The newest first. */
  readonly batches: readonly {
    readonly batch: number
    readonly status: string
    readonly version: number | null
    readonly files: number
    readonly rows: number | null
    readonly started_at: string
    readonly ended_at: string | null
  }[]
  readonly recent: readonly StatusFile[]
  readonly causes: readonly ErrorCause[]
}
