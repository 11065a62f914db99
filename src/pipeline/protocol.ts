import type { Batch, BatchOutcome } from '../model/batch.ts'
import type { BatchFigures } from '../model/batch-figures.ts'
import type { BatchFile, FileSeen } from '../model/file.ts'
import type { OptimizeRequest, OptimizeResult, VacuumRequest, VacuumResult } from '../model/maintenance.ts'
import type { Manifest, TakenOutFile, UndoneFiles } from '../model/manifest.ts'
import type { RowDifference } from '../model/report.ts'
import type { RestoredFile, RestorePlan } from '../model/restore.ts'
import type { Column } from '../model/schema.ts'
import type { TableConfig } from '../model/table.ts'
import type { RemovedTwice, ValidateRequest, ValidateResult } from '../model/validation.ts'
import type { TableVerification } from '../model/verification.ts'
import type { HistoryEntry, SchemaVersion, TableVersionAt } from '../stores/store.ts'
import type { AdoptedRestore } from '../tracker/tracker.ts'

/** What a table's log says, for recovery before a load. */
export interface Inspection {
  readonly exists: boolean
  readonly version: bigint | null
  /** The highest batch number in the log of our application id. */
  readonly lastBatch: bigint | null
  readonly highestManifest: bigint | null
  /** Committed batches above `known`, newest first. */
  readonly batches: readonly CommittedBatch[]
}

/** A batch of the log as the tracker adopts it. */
export type CommittedBatch =
  | { readonly kind: 'load'; readonly manifest: Manifest }
  | ({ readonly kind: 'restore' } & Omit<AdoptedRestore, 'version'>)

export interface AheadRequest {
  readonly table: TableConfig
  readonly trackerId: string
  readonly files: readonly BatchFile[]
}

export interface LoadJob {
  readonly table: TableConfig
  readonly batch: Batch
  readonly trackerId: string
  /** The last batch in the log that the tracker has settled; with a later one there the load gives up. */
  readonly lastBatch: bigint | null
  /** Replaces all that the table holds, whatever the strategy (full drop). */
  readonly replaceAll: boolean
  /** Files in a bucket that will probably be the next batch: some of them are fetched while this one loads. */
  readonly next?: readonly FileSeen[]
}

/** What a load would do, found without writing anything. */
export interface Preview {
  readonly outcome: BatchOutcome
  readonly newColumns: readonly Column[]
  /** Row by row, where a strategy for keys was planned. */
  readonly difference: RowDifference | null
}

/**
 * A load runs in a process of its own, which has the engine and the table's commit; the caller has the tracker.
 * Plans, progress and outcomes cross the border, never rows.
 */
export interface LoadWorker {
  inspect(table: TableConfig, trackerId: string, known: bigint | null): Promise<Inspection>
  /** The same under the table's lease, and removes what dead batches left in its folder. */
  recover(table: TableConfig, trackerId: string, known: bigint | null): Promise<Inspection>
  /** Looks at files that will probably be the next batch, so that its load need not; given once the process has been told. */
  lookAhead(request: AheadRequest): Promise<void>
  /** One batch to its commit. A bad file is an outcome; errors are those of the table, the storage, the engine. */
  load(job: LoadJob, onProgress?: (stage: string, fraction: number) => void): Promise<LoadResult>
  /** The same up to the plan; with `count` the rows are really planned and counted. */
  preview(job: LoadJob, count: boolean): Promise<Preview>
  /** What a restore would do, found without writing anything. TableError when the version is not to be had. */
  planRestore(question: RestoreQuestion): Promise<PlannedRestore>
  /** One restore to its commit. */
  restore(job: RestoreJob): Promise<RestoreResult>
  /** How many rows the table has of each of some landing files. TableError where its rows do not tell. */
  planUnload(question: UnloadQuestion): Promise<readonly TakenOutFile[]>
  /** Files that changed keys of a file since it was loaded; null where that cannot be told. */
  laterFiles(question: LaterQuestion): Promise<readonly string[] | null>
  /** One batch that takes rows out to its commit. */
  unload(job: UnloadJob): Promise<UnloadResult>
  /** The tables, `database.table`, of the rows in a file of mended ones. ConfigError for a file that is none. */
  mendedTables(file: string): Promise<readonly string[]>
  /** Whether the rows of a file that belong to the table are in quarantine. ConfigError for those that are not. */
  checkMended(question: MendedQuestion): Promise<void>
  /** The mended rows of one table as a batch, to its commit. ConfigError, FileError: nothing was changed. */
  resubmit(job: ResubmitJob): Promise<ResubmitResult>
  /** Takes rows out of a quarantine for good. */
  discard(job: DiscardJob): Promise<readonly DiscardedRows[]>
  /** Under the table's lease, after its loads or by hand. */
  optimize(table: TableConfig, request: OptimizeRequest): Promise<OptimizeResult>
  vacuum(table: TableConfig, request: VacuumRequest): Promise<VacuumResult>
  /** Looks at all rows; under the table's lease where it repairs. */
  validate(table: TableConfig, request: ValidateRequest): Promise<ValidateResult>
  /** The tracker that loads a table; null for a table that none loads, or that does not exist. */
  trackerOf(table: TableConfig): Promise<string | null>
  /** Looks at log, manifests, files and rows of a table for damage. Under the table's lease. */
  verify(table: TableConfig, trackerId: string): Promise<TableVerification>
  history(table: TableConfig, limit: number): Promise<readonly HistoryEntry[]>
  schemaHistory(table: TableConfig, limit: number): Promise<readonly SchemaVersion[]>
  /** Commits of other writers that doubled rows. */
  removedTwice(table: TableConfig): Promise<readonly RemovedTwice[]>
  /** TableError for an expectation that cannot be checked; by the columns of the table, where it is there. */
  checkExpectations(table: TableConfig): Promise<void>
}

export interface LoadResult {
  readonly outcome: BatchOutcome
  /** True when another batch of this tracker was committed meanwhile: the log is asked again before anything else. */
  readonly overtaken: boolean
  /** Milliseconds of what was done in the load process. */
  readonly stages?: BatchFigures['stages']
  /** Of a dry run alone, which has no commit. */
  readonly preview?: { readonly newColumns: readonly Column[]; readonly counted: boolean; readonly difference: RowDifference | null }
}

export interface RestoreQuestion {
  readonly table: TableConfig
  readonly trackerId: string
  readonly at: TableVersionAt
}

export interface PlannedRestore extends RestorePlan {
  /** The last batch in force at the version. */
  readonly batch: bigint | null
  readonly changed: readonly RestoredFile[]
}

export interface RestoreJob {
  readonly table: TableConfig
  readonly batch: Batch
  readonly trackerId: string
  /** The last batch in the log that the tracker has settled; with a later one there the restore gives up. */
  readonly lastBatch: bigint | null
  /** Version that is restored, and the current one that this was decided by. */
  readonly version: bigint
  readonly from: bigint
  readonly files: UndoneFiles
  /** ISO 8601, UTC. */
  readonly at: string
}

export type RestoreResult =
  | { readonly kind: 'committed'; readonly version: bigint; readonly plan: RestorePlan; readonly adopted: AdoptedRestore }
  /** Nothing was committed: another writer was first. */
  | { readonly kind: 'givenUp'; readonly reason: string }

export interface UnloadQuestion {
  readonly table: TableConfig
  /** Landing files. */
  readonly paths: readonly string[]
}

export interface LaterQuestion {
  readonly table: TableConfig
  readonly path: string
  /** The version that loaded the file; null when it is not known. */
  readonly version: number | null
}

export interface UnloadJob extends UnloadQuestion {
  /** Without files. */
  readonly batch: Batch
  readonly trackerId: string
  /** The last batch in the log that the tracker has settled; with a later one there the batch gives up. */
  readonly lastBatch: bigint | null
  /** ISO 8601, UTC. */
  readonly at: string
}

export type UnloadResult =
  | { readonly kind: 'committed'; readonly version: bigint; readonly manifest: Manifest }
  /** Nothing was committed: another writer was first. */
  | { readonly kind: 'givenUp'; readonly reason: string }

export interface MendedQuestion {
  readonly table: TableConfig
  readonly trackerId: string
  /** Path of the file of mended rows. */
  readonly file: string
}

export interface ResubmitJob extends MendedQuestion {
  /** Without files: those of the rows are told by the manifests of their batches. */
  readonly batch: Batch
  /** The last batch in the log that the tracker has settled; with a later one there the batch gives up. */
  readonly lastBatch: bigint | null
}

export type ResubmitResult =
  | { readonly kind: 'committed'; readonly version: bigint; readonly manifest: Manifest }
  /** Nothing was committed: another writer was first. */
  | { readonly kind: 'givenUp'; readonly reason: string }

export interface DiscardJob {
  readonly table: TableConfig
  readonly trackerId: string
  /** Rows by their ids, or by their landing files; all rows where both are null. ConfigError for ids that are not in quarantine. */
  readonly ids: readonly string[] | null
  readonly files: readonly string[] | null
}

/** Rows of one landing file that were discarded. */
export interface DiscardedRows {
  readonly path: string
  readonly version: string
  readonly rows: bigint
}

/** The application id of the `txn` actions: this tracker, this table. */
export function applicationId(trackerId: string, table: TableConfig): string {
  return `ingestd/${trackerId}/${table.name}`
}
