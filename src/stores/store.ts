import type { Session } from '../engine/engine.ts'
import type { Sql } from '../engine/sql.ts'
import type { OptimizeRequest, OptimizeResult, VacuumRequest, VacuumResult } from '../model/maintenance.ts'
import type { Manifest } from '../model/manifest.ts'
import type { RestorePlan } from '../model/restore.ts'
import type { Column, SchemaChange } from '../model/schema.ts'
import type { TableConfig } from '../model/table.ts'
import type { RemovedTwice } from '../model/validation.ts'
import type { DamageFound } from '../model/verification.ts'

/** Where plans land. */
export interface Store {
  /**
   * Opens a table at its current version and checks that we may read and write it.
   * TableError: an unknown feature, a damaged log, a folder that is not ours.
   */
  open(table: TableConfig, session: Session): Promise<OpenTable>
  /**
   * The table at one version, for reading alone: all that is asked is that we can read it. The current version without `at`.
   * TableError `ING-TABLE-VERSION` for a version that is not to be had.
   */
  openAt(table: TableConfig, session: Session, at?: TableVersionAt): Promise<TableVersion>
  /**
   * A query of what versions changed: the table's columns, `_change_type`, `_commit_version`, `_commit_timestamp`. It lives as
   * long as the session. TableError `ING-TABLE-VERSION`, or `ING-TABLE-CHANGE-FEED` for versions that kept no changes.
   */
  changes(table: TableConfig, session: Session, range: ChangeRange): Promise<Sql>
  /**
   * Looks at log, manifests and files of a table, whatever is wrong with them. Under the table's lease. Without an application id
   * its batches have no manifests, as those of a quarantine.
   */
  verify(table: TableConfig, appId: string | null, session: Session): Promise<StoreVerification>
}

/** What a table says of itself, without a look at its rows. */
export interface StoreVerification {
  /** Null for a table that does not exist, or cannot be read. */
  readonly version: bigint | null
  readonly commits: number
  readonly checkpoints: number
  readonly batches: number
  readonly dataFiles: number
  /** In the data files, deleted ones among them. */
  readonly rows: bigint
  readonly found: readonly DamageFound[]
  /** The last batch of the application id. */
  readonly lastBatch: bigint | null
  /** The tracker that loads the table. */
  readonly trackerProperty: string | null
  /** All manifests of the chain by number; null where it is broken. */
  readonly manifests: ReadonlyMap<bigint, Manifest> | null
}

/** Versions from one to another, both included; to the newest without `to`. */
export interface ChangeRange {
  readonly from: TableVersionAt
  readonly to?: TableVersionAt | undefined
}

/** By number, or the newest that was there at a time. */
export type TableVersionAt = { readonly version: bigint } | { readonly timestampMs: number }

/** A table at one version, which does not move on. */
export interface TableVersion extends AsyncDisposable {
  /** Null when the table does not exist. */
  readonly state: TableState | null
  /** A query of the rows with the table's columns in order. */
  current(): Promise<Sql>
  /** Versions up to the newest of the log, newest first. */
  history(limit: number): Promise<readonly HistoryEntry[]>
  /** Versions that changed the columns, newest first. */
  schemaHistory(limit: number): Promise<readonly SchemaVersion[]>
  /** Commits of other writers that doubled rows, as far as the log goes back. */
  removedTwice(): Promise<readonly RemovedTwice[]>
}

/** A column of the table: a DuckDB type, and whether rows may lack it. */
export interface TableColumn extends Column {
  readonly nullable: boolean
}

/** What is known of the table at one version; null where it does not exist yet. */
export interface TableState {
  readonly version: bigint
  /** `metaData.id` */
  readonly tableId: string
  readonly columns: readonly TableColumn[]
  readonly partitionColumns: readonly string[]
  readonly properties: Readonly<Record<string, string>>
  /** Property `ingestd.tracker`: the tracker that loads this table; null for a table that we never wrote. */
  readonly trackerId: string | null
  /** Milliseconds since the epoch of the last commit. */
  readonly committedAtMs: number
}

export interface StagedFile {
  /** Relative to the table's folder, final; what `add.path` says, decoded. */
  readonly path: string
  readonly rows: bigint
  readonly bytes: bigint
}

/** Data files that are written, but not visible; the store keeps what it needs to commit them. */
export interface Staged {
  readonly files: readonly StagedFile[]
  readonly rows: bigint
  /** Local paths of the staged Parquet files, so that rows can be counted by `_source_file`. */
  readonly localPaths: readonly string[]
  /** Whether a partition column held an empty text, which the log holds as null. */
  readonly emptyPartitions: boolean
}

/** Rows that the table forbids. */
export interface Violation {
  /** The landing file that they come from; null for rows of none. */
  readonly path: string | null
  /** `the constraint positive (amount > 0)`, `NOT NULL of column id` … */
  readonly rule: string
  readonly rows: bigint
}

export interface StageRequest {
  /** Query of exactly `columns` in order. */
  readonly add: Sql
  /** All columns of the table after this batch, partition columns among them. */
  readonly columns: readonly TableColumn[]
  readonly batchId: string
  /** Bytes of the source files, by which the shape of the output is chosen. */
  readonly sourceBytes: bigint
  /** Tags for each added file, as `ingestd.sequence`. */
  readonly tags?: Readonly<Record<string, string>>
}

/** Single rows that a batch takes out of the table. */
export interface RemovalRequest {
  /** Query of (file VARCHAR, row BIGINT), as `located` gives them. */
  readonly positions: Sql
  /** Query of exactly `columns`: the rows that the batch adds, as many as `addedRows`. */
  readonly added: Sql
  readonly addedRows: bigint
  /** Query of the columns and `_change_type`, for tables with a change feed; null where removed rows are deleted and added ones inserted. */
  readonly changes: Sql | null
  /** All columns of the table after this batch. */
  readonly columns: readonly TableColumn[]
  readonly batchId: string
}

/** Keys that are looked for: a relation that has the key columns; rows without one of them are looked for nowhere. */
export interface KeyRows {
  readonly rows: Sql
  readonly columns: readonly string[]
}

/** What observations of keys are made of. */
export interface ObservationShape {
  /** All columns, typed. */
  readonly columns: readonly Column[]
  readonly keys: readonly string[]
  /** Columns that order the versions of a key, most significant first. */
  readonly order: readonly string[]
  /** Which of a key later plans need. */
  readonly observes: 'newest' | 'every'
  readonly lateWindowMs: number
}

export interface ObserveRequest extends ObservationShape {
  /** Query with the columns by their names. */
  readonly observe: Sql
  /** Side files in force before the batch. */
  readonly previous: readonly string[]
  readonly batch: bigint
  readonly batchId: string
}

/** Rows of a table that are mended. */
export interface RepairRequest {
  /** Query of (file VARCHAR, row BIGINT), as `located` gives them: rows that go. */
  readonly positions: Sql
  /** Query of the table's columns: rows that come. It must give the same rows each time. */
  readonly added: Sql
  readonly trackerId: string
}

/** What takes the place of files that lose rows; closing it drops what it keeps in the session. */
export interface StagedRemoval extends AsyncDisposable {
  /** Rewritten files, deletion vectors, change files: to be committed and discarded with the batch's own. */
  readonly staged: readonly Staged[]
  readonly removedRows: bigint
  /** Rows that stay, and were written again. */
  readonly rewrittenRows: bigint
}

export interface CommitRequest {
  readonly manifest: Manifest
  readonly staged: readonly Staged[]
  readonly remove: 'nothing' | 'everything' | 'partitions' | 'positions'
  /** With `positions`; its files are among `staged`. */
  readonly removal: StagedRemoval | null
  readonly columns: readonly TableColumn[]
  /** What is new in the columns. */
  readonly changes: readonly SchemaChange[]
  readonly blindAppend: boolean
  /** Written into a new table, or where it is missing: the tracker's uuid. */
  readonly trackerId: string
  /** `append`, `overwrite` …, for commitInfo. */
  readonly strategy: string
}

/** A restore that was planned on the table as it was read last; closing it drops what it keeps in the session. */
export interface TableRestore extends AsyncDisposable {
  readonly plan: RestorePlan
  /** The last batch of the application id at the older version; null without any. */
  readonly batch: bigint | null
}

/** Who loads the table. */
export interface Loader {
  readonly trackerId: string
  readonly appId: string
}

/** A commit ends in one of these; only storage and table failures are errors. */
export type CommitOutcome =
  | { readonly kind: 'committed'; readonly version: bigint }
  /** Our own earlier attempt, whose answer was lost. */
  | { readonly kind: 'alreadyCommitted'; readonly version: bigint }
  /**
   * Another batch of our application id was committed since the table was opened, whatever its number: a writer that
   * was thought dead, or our successor. Settle that one, and plan ours again under a new number.
   */
  | { readonly kind: 'overtaken'; readonly batch: bigint; readonly version: bigint }
  /** Another writer changed what the plan rests on: open the table again and plan again. */
  | { readonly kind: 'conflict'; readonly version: bigint; readonly reason: string }

export interface HistoryEntry {
  readonly version: bigint
  /** Milliseconds since the epoch, by which a version is found; null where nothing tells. */
  readonly timestampMs: number | null
  /** As its writer named it; null where nothing tells. */
  readonly operation: string | null
  readonly parameters: Readonly<Record<string, string>>
  readonly metrics: Readonly<Record<string, string>>
  /** The log was cleaned up: a checkpoint has the content of this version, and nothing tells what made it. */
  readonly onlyInCheckpoint: boolean
  readonly batch: bigint | null
  readonly batchId: string | null
  /** Landing files of the batch. */
  readonly landingFiles: bigint | null
  /** Data files; null where nothing tells. */
  readonly files: { readonly added: number; readonly removed: number } | null
  readonly rows: bigint | null
  readonly engine: string | null
  readonly userMetadata: string | null
}

/** A version that changed the columns. */
export interface SchemaVersion {
  readonly version: bigint
  /** Milliseconds since the epoch; null where nothing tells. */
  readonly timestampMs: number | null
  readonly batch: bigint | null
  readonly batchId: string | null
  readonly engine: string | null
  readonly changes: readonly SchemaChange[]
}

/** A table opened at one version. Closing it drops what it keeps in the session. */
export interface OpenTable extends AsyncDisposable {
  readonly state: TableState | null
  /** Reads the log from the last known version on. */
  refresh(): Promise<void>
  /** Reads what `current` and `located` rest on, before they are asked for. */
  prepare(): Promise<void>
  /** A query of the current rows with the table's columns in order; for a new table none is to be had (BugError). */
  current(): Promise<Sql>
  /**
   * The same with `__file` VARCHAR and `__position` BIGINT: where each row lies. With `keys` files that can hold none of
   * them, by the log, are left out; the query holds until the next one is asked for.
   */
  located(keys?: KeyRows): Promise<Sql>
  /** A query of what earlier batches observed of keys. TableError where a side file is missing, or was made for other keys. */
  observations(sideFiles: readonly string[], shape: ObservationShape): Promise<Sql>
  /** Writes what a batch observed, durable, without effect until a manifest names it. Gives the side files that are then in force. */
  stageObservations(request: ObserveRequest): Promise<readonly string[]>
  /**
   * A query of the partitions of the table: its partition columns, typed, and `sequence` VARCHAR, the greatest tag
   * `ingestd.sequence` among the partition's files (null where none has one).
   */
  partitionSequences(): Promise<Sql>
  /**
   * Counts the rows that the table forbids: nulls where it wants none, a CHECK constraint that does not hold. `rows` is a
   * query of the columns and `__path`.
   */
  violations(rows: Sql, columns: readonly TableColumn[]): Promise<readonly Violation[]>
  /** A query ("row", rule) of those rows, with the first rule that each violates; `rows` has `__row` beside the columns. Null without rules. */
  violating(rows: Sql, columns: readonly TableColumn[]): Sql | null
  /** Writes the rows as Parquet under `_ingestd/`, with statistics, unseen by every reader. Killed at any time, it leaves only what `clean` removes. TableError `ING-TABLE-CONSTRAINT` for a row that the table forbids. */
  stage(request: StageRequest): Promise<Staged>
  /**
   * Takes single rows out, unseen until the commit: files that lose rows are written again, or get a deletion vector
   * where the table keeps them; changes are written where it keeps a change feed. Leaves nothing behind when it fails.
   * TableError: a position that the table does not have, changes that are not what the batch does.
   */
  stageRemoval(request: RemovalRequest): Promise<StagedRemoval>
  /** Moves staged files to their place and writes one log entry: THE COMMIT POINT. Tries again while the other commits are compatible. */
  commit(request: CommitRequest): Promise<CommitOutcome>
  /**
   * Finds what would make the content that of an older version; nothing is written. TableError: the version is not to be
   * had, files that it needs are gone, the table may not shrink.
   */
  planRestore(at: TableVersionAt, loader: Loader): Promise<TableRestore>
  /** Commits a planned restore as the batch of the manifest. Any change by another writer since the plan is a conflict. */
  restore(restore: TableRestore, manifest: Manifest, loader: Loader): Promise<CommitOutcome>
  /**
   * Puts small files together, or rows in z-order, in one or more commits that change no row. Only under the table's lease.
   * ConflictError: other writers took the files away again and again. TableError: the order is not to be had.
   */
  optimize(request: OptimizeRequest): Promise<OptimizeResult>
  /**
   * Deletes files that no version within the retention has. Only under the table's lease. TableError
   * `ING-TABLE-RETENTION` for a retention that is too short.
   */
  vacuum(request: VacuumRequest): Promise<VacuumResult>
  /**
   * Takes rows out and puts others in their place, in one commit that is no batch. Only under the table's lease.
   * ConflictError: another writer changed the table meanwhile; nothing was changed.
   */
  repair(request: RepairRequest): Promise<bigint>
  /** Hands the table over to a tracker; the version of that commit, null where no other tracker loads the table. */
  adopt(loader: Loader): Promise<bigint | null>
  /** Removes staged files of a batch that will not be committed. */
  discard(staged: readonly Staged[]): Promise<void>
  /**
   * Removes what dead batches left behind: all staged files, and moved data files of batches up to `settled`, the last
   * one in the log. A batch above it may yet be committed by a writer that only seems dead; the next commit rules that
   * out and removes its files. Only under the table's lease, with no batch of one's own under way.
   */
  clean(settled: bigint | null): Promise<void>
  /** The highest batch number of the application id in the log, or null. */
  lastBatch(appId: string): Promise<bigint | null>
  /** The highest batch number that any manifest under `_ingestd/` bears, committed or not; null without any. */
  highestManifest(): Promise<bigint | null>
  /** Written by put-if-absent and synced; `exists` when the number is taken. */
  writeManifest(manifest: Manifest): Promise<'created' | 'exists'>
  readManifest(batch: bigint): Promise<Manifest | undefined>
}
