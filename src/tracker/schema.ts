import type { Generated } from 'kysely'
import type { ActivityStage, DaemonNote } from '../model/activity.ts'
import type { CleanUpStatus, FileStatus } from '../model/file.ts'
import type { RowAction } from '../model/table.ts'

/** Every integer is a bigint, so that sizes, nanoseconds and versions are exact. Times are milliseconds since the epoch. */
export interface FileTable {
  readonly id: bigint
  readonly table_name: string
  readonly file_path: string
  readonly raw_path: string | null
  readonly unit: string | null
  readonly file_size: bigint
  /** Nanoseconds since the epoch; the public `file_modified_time` is made from it. */
  readonly file_modified_ns: bigint
  readonly file_version: string
  readonly status: FileStatus
  readonly retry_count: bigint
  readonly next_attempt_at: bigint | null
  /** When the lease ends stands in the batch alone: a heartbeat writes one row, not one for each file. */
  readonly lease_owner: string | null
  readonly batch_id: string | null
  readonly ordinal: bigint | null
  readonly table_version: bigint | null
  readonly held_reason: string | null
  /** By hand: this version loads whatever the guard says. */
  readonly approved_version: string | null
  /** Files that are tried apart from all others: one of them may have ended the process that loaded it. */
  readonly suspect_group: string | null
  readonly status_reason: string | null
  /** 1 where the next load takes the rows out that the table has of the file; it may have none. */
  readonly replaces: bigint | null
  /** Of a loaded file whose source is to be archived or deleted: how far that is. */
  readonly clean_up_status: CleanUpStatus | null
  /** Where the file was moved to, or is about to be. */
  readonly clean_up_path: string | null
  readonly clean_up_reason: string | null
  readonly clean_up_attempts: bigint | null
  readonly clean_up_next_at: bigint | null
  readonly error_code: string | null
  readonly error_class: string | null
  readonly error_message: string | null
  readonly rows_read: bigint | null
  readonly rows_loaded: bigint | null
  readonly rows_rejected: bigint | null
  readonly rows_filtered: bigint | null
  readonly rows_deduplicated: bigint | null
  readonly bytes: bigint | null
  readonly processing_start_time: bigint | null
  readonly processing_end_time: bigint | null
  readonly created_at: bigint
  readonly updated_at: bigint
}

export interface EventTable {
  readonly id: bigint
  readonly file_id: bigint
  readonly at: bigint
  readonly from_status: FileStatus | null
  readonly to_status: FileStatus
  readonly file_version: string
  readonly batch_id: string | null
  readonly reason: string | null
}

export interface BatchTable {
  readonly batch_id: string
  readonly batch_number: bigint
  readonly table_name: string
  readonly status: 'processing' | 'committed' | 'empty' | 'released'
  readonly lease_owner: string | null
  readonly lease_expires_at: bigint | null
  readonly table_version: bigint | null
  readonly files: bigint
  readonly rows_loaded: bigint | null
  /** Of the source files that were loaded. */
  readonly bytes: bigint | null
  readonly started_at: bigint
  readonly ended_at: bigint | null
}

/** One row for each target table: who writes it, whether it is paused, and when it is looked at. */
export interface TargetTable {
  readonly table_name: string
  readonly lock_owner: Generated<string | null>
  readonly lock_expires_at: Generated<bigint | null>
  readonly paused: Generated<bigint>
  readonly last_listed_at: Generated<bigint | null>
  readonly listing_error: Generated<string | null>
  readonly next_run_at: Generated<bigint | null>
}

/** Files of a table in a state in which files stay, summed: kept with every move, since to count a million takes a while. */
export interface SettledTable {
  readonly table_name: string
  readonly status: 'completed' | 'skipped'
  readonly files: bigint
  readonly rows_loaded: bigint
  readonly rows_rejected: bigint
  readonly bytes: bigint
}

/** What a process does with a table at the moment. */
export interface ActivityTable {
  readonly owner: string
  readonly table_name: string
  readonly stage: ActivityStage
  readonly batch_id: string | null
  readonly files: bigint
  readonly files_done: bigint
  readonly bytes: bigint
  readonly bytes_done: bigint
  readonly rows: bigint
  readonly permille: bigint | null
  readonly started_at: bigint
  readonly updated_at: bigint
}

export interface DaemonTable {
  readonly owner: string
  readonly pid: bigint
  readonly host: string
  readonly version: string
  readonly started_at: bigint
  readonly heartbeat_at: bigint
  readonly http: string | null
  readonly state: DaemonNote['state']
}

export interface NoteTable {
  readonly table_name: string
  readonly key: string
  readonly value: string
}

/** What a rule found in a batch, or, with a path, how often a file broke it. */
export interface ExpectationTable {
  readonly table_name: string
  readonly batch_id: string
  readonly name: string
  readonly on_violation: RowAction
  readonly file_path: string | null
  readonly checked: bigint | null
  readonly violated: bigint
  readonly at: bigint
}

export interface MetaTable {
  readonly key: string
  readonly value: string
}

export interface MigrationTable {
  readonly name: string
  readonly timestamp: string
}

/** Names as the code says them; `names.ts` turns them into those of the database. */
export interface Database {
  readonly file: FileTable
  readonly event: EventTable
  readonly batch: BatchTable
  readonly target: TargetTable
  readonly note: NoteTable
  readonly expectation: ExpectationTable
  readonly settled: SettledTable
  readonly activity: ActivityTable
  readonly daemon: DaemonTable
  readonly meta: MetaTable
  readonly tracker_migration: MigrationTable
}
