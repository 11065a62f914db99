import type { BatchFigures } from './batch-figures.ts'
import type { Expected, FileExpectation } from './expectation.ts'

/** What `run --json` prints; keys are the contract of users' scripts. */
export interface RunReport {
  readonly tables: readonly TableReport[]
  readonly totals: RunTotals
  /** What went wrong beside the tables. */
  readonly warnings?: readonly Omit<ReportError, 'file'>[]
}

export type TableStatus = 'pass' | 'warn' | 'error' | 'skip'

export interface TableReport extends Expected {
  /** `database.table` */
  readonly table: string
  readonly strategy: string
  readonly status: TableStatus
  /** The last Delta version that the run committed; null when it committed none. */
  readonly version: number | null
  readonly files: { readonly loaded: number; readonly failed: number; readonly skipped: number; readonly pending: number }
  readonly rows: ReportRows
  readonly bytes: number
  readonly seconds: number
  readonly errors: readonly ReportError[]
  readonly warnings: readonly { readonly code: string; readonly message: string; readonly file: string | null }[]
  /** Why the table was skipped, or what a dry run found. */
  readonly reason: string | null
  /** Of a dry run alone. */
  readonly plan: DryRunTable | null
  /** What was done to the table's files after its loads; left out when nothing was. */
  readonly maintenance?: { readonly optimize?: OptimizeCounts; readonly vacuum?: VacuumCounts }
}

export interface OptimizeCounts {
  /** The last version that it committed; null when nothing was changed. */
  readonly version: number | null
  readonly files_removed: number
  readonly bytes_removed: number
  readonly files_added: number
  readonly bytes_added: number
  readonly deletion_vectors_removed: number
  readonly rows: number
  /** Why nothing was looked at. */
  readonly reason: string | null
}

export interface VacuumCounts {
  readonly version: number | null
  readonly files: number
  readonly bytes: number
  readonly reason: string | null
}

/** How optimize or vacuum ended for a table. */
export interface MaintenanceTable {
  readonly table: string
  readonly status: 'pass' | 'error' | 'skip'
  readonly error: ReportError | null
  readonly reason: string | null
  readonly seconds: number
}

/** What `optimize --json` prints; of a dry run what would be done. */
export interface OptimizeReport {
  readonly dry_run: boolean
  readonly tables: readonly (MaintenanceTable & OptimizeCounts)[]
}

/** What `vacuum --json` prints; of a dry run what would be deleted. */
export interface VacuumReport {
  readonly dry_run: boolean
  readonly tables: readonly (MaintenanceTable &
    VacuumCounts & {
      /** The first thousand, by name. */
      readonly paths: readonly string[]
      readonly retention_hours: number | null
    })[]
}

export interface ReportRows {
  readonly read: number
  readonly loaded: number
  readonly rejected: number
  readonly filtered: number
  readonly deduplicated: number
  readonly inserted: number
  readonly updated: number
  readonly deleted: number
  readonly unchanged: number
}

export interface ReportError {
  /** Null when it concerns the table as a whole. */
  readonly file: string | null
  readonly code: string
  readonly message: string
  readonly hint: string | null
}

export interface DryRunTable {
  /** The pattern. */
  readonly source: string
  /** The table's folder. */
  readonly target: string
  /** The transform, where the table has one: `transform.sql`, its file, or its module. */
  readonly transform?: string
  readonly files: number
  readonly bytes: number
  /** Columns that would be added, with their types; all of them for a new table. */
  readonly schema_change: readonly { readonly column: string; readonly type: string }[]
  /** Counted only with `--verbose`. */
  readonly rows: ReportRows | null
  /** Of merge and scd2, with `--verbose`: what would change, row by row. */
  readonly difference: RowDifference | null
}

export interface RowDifference {
  readonly inserted: Samples<SampleRow>
  readonly updated: Samples<SampleChange>
  readonly deleted: Samples<SampleRow>
  /** Current versions of a history that would end; null where there is no history. */
  readonly closed: Samples<SampleChange> | null
  /** Versions that would be current. */
  readonly opened: Samples<SampleRow> | null
}

export interface Samples<T> {
  /** All of them. */
  readonly rows: number
  /** The first by key. */
  readonly samples: readonly T[]
}

export type SampleRow = Readonly<Record<string, unknown>>

export interface SampleChange {
  readonly key: SampleRow
  /** Only columns that would change. */
  readonly changes: Readonly<Record<string, { readonly before: unknown; readonly after: unknown }>>
}

export interface RunTotals {
  readonly pass: number
  readonly warn: number
  readonly error: number
  readonly skip: number
  readonly total: number
  readonly files: number
  readonly rows: number
  readonly bytes: number
  readonly seconds: number
}

export interface ExplainReport {
  readonly file: string
  /** Null when no table matches. */
  readonly table: string | null
  /** The tracker's state; null when the tracker does not know the file. */
  readonly status: string | null
  readonly verdict: 'will_load' | 'loaded' | 'not_loaded'
  readonly steps: readonly { readonly check: string; readonly passed: boolean; readonly detail: string }[]
  readonly history: readonly {
    readonly at: string
    readonly from: string | null
    readonly to: string
    readonly version: string
    readonly batch_id: string | null
    readonly reason: string | null
  }[]
  /** Rules of the table that the file broke; left out where it broke none. */
  readonly expectations?: readonly FileExpectation[]
}

export interface CheckReport {
  readonly ok: boolean
  readonly checks: readonly {
    readonly check: string
    readonly subject: string
    readonly ok: boolean
    readonly detail: string
    readonly hint: string | null
  }[]
}

export interface HistoryReport extends Expected {
  readonly version: number
  /** Null, as what follows, where nothing tells it: a version that only a checkpoint holds. */
  readonly timestamp: string | null
  readonly operation: string | null
  readonly operation_parameters: Readonly<Record<string, string>>
  readonly operation_metrics: Readonly<Record<string, string>>
  readonly only_in_checkpoint: boolean
  readonly batch: number | null
  readonly batch_id: string | null
  /** Landing files of the batch. */
  readonly files: number | null
  /** Data files. */
  readonly files_added: number | null
  readonly files_removed: number | null
  readonly rows: number | null
  readonly engine: string | null
  readonly user_metadata: string | null
}

/** What `history --schema --json` prints, a list of these. */
export interface SchemaHistoryReport {
  readonly version: number
  readonly timestamp: string | null
  /** Null, as the id, for a version of another writer. */
  readonly batch: number | null
  readonly batch_id: string | null
  readonly engine: string | null
  readonly changes: readonly {
    readonly change: 'added' | 'changed' | 'removed'
    readonly column: string
    readonly from: string | null
    readonly to: string | null
    /** The landing file that brought it. */
    readonly file: string | null
  }[]
}

/** What a daemon did with a config that it read again. */
export interface ReloadReport {
  readonly status: 'changed' | 'unchanged' | 'refused'
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly { readonly table: string; readonly keys: readonly string[] }[]
  /** Keys that have another value, which counts after a restart. */
  readonly needs_restart: readonly string[]
  /** Why the old config stays in force. */
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null } | null
}

/** What `restore --json` prints. */
export interface RestoreReport {
  readonly table: string
  readonly dry_run: boolean
  /** The version that was current, and the one whose content came back. */
  readonly from_version: number
  readonly to_version: number
  /** The version that the restore made; null when there was nothing to do, and of a dry run. */
  readonly version: number | null
  readonly batch: number | null
  readonly batch_id: string | null
  /** Data files. */
  readonly files_added: number
  readonly bytes_added: number
  readonly files_removed: number
  readonly bytes_removed: number
  /** Landing files whose rows left the table, by what became of them, and files whose rows came back. */
  readonly files: { readonly pending: number; readonly skipped: number; readonly completed: number }
}

/** What `validate --json` prints. */
export interface ValidateReport {
  readonly table: string
  /** Null for a table that does not exist yet. */
  readonly version: number | null
  readonly rows: number
  /** True when nothing was found, or all of it was mended. */
  readonly ok: boolean
  readonly problems: readonly { readonly problem: string; readonly rows: number }[]
  /** The first rows with a problem. */
  readonly findings: readonly { readonly problem: string; readonly key: unknown; readonly row: unknown }[]
  readonly repair: {
    readonly dry_run: boolean
    readonly removed: number
    readonly added: number
    /** That the repair made; null of a dry run. */
    readonly version: number | null
  } | null
}

/** Progress of a run, for a display. */
export type RunEvent =
  | { readonly kind: 'tableStarted'; readonly table: string; readonly index: number; readonly total: number }
  | { readonly kind: 'listed'; readonly table: string; readonly files: number }
  /** Files that wait to be loaded, told once when the listing is done: what the rest is measured by. */
  | { readonly kind: 'pending'; readonly table: string; readonly files: number }
  | { readonly kind: 'batchStarted'; readonly table: string; readonly batchId: string; readonly files: number; readonly bytes: number }
  /** 0 to 1 within the running batch; -1 unknown. */
  | { readonly kind: 'progress'; readonly table: string; readonly stage: string; readonly fraction: number }
  | {
      readonly kind: 'batchEnded'
      readonly table: string
      readonly batch: number
      readonly batchId: string
      /** Null when nothing was committed. */
      readonly version: number | null
      readonly files: number
      readonly rows: number
      readonly figures?: BatchFigures
    }
  /** The load process failed or died, or the table could not be written: nothing is known to be committed. */
  | { readonly kind: 'batchFailed'; readonly table: string; readonly batch: number; readonly batchId: string; readonly code: string }
  /** Failed files whose automatic retry was due. */
  | { readonly kind: 'retried'; readonly table: string; readonly files: number }
  /** The files of the table are put together or deleted, after its loads. */
  | { readonly kind: 'maintaining'; readonly table: string; readonly work: 'optimize' | 'vacuum' }
  | { readonly kind: 'waiting'; readonly table: string; readonly files: number; readonly ms: number }
  | { readonly kind: 'tableEnded'; readonly table: string; readonly index: number; readonly total: number; readonly report: TableReport }
