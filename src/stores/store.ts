import type { Session } from '../engine/engine.ts'
import type { Sql } from '../engine/sql.ts'
import type { Manifest } from '../model/manifest.ts'
import type { Column } from '../model/schema.ts'
import type { TableConfig } from '../model/table.ts'

/** Where plans land. */
export interface Store {
  readonly name: string
  /**
   * Opens a table at its current version and checks that we may read and write it.
   * TableError: an unknown feature, a damaged log, a folder that is not ours.
   */
  open(table: TableConfig, session: Session): Promise<OpenTable>
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

export interface CommitRequest {
  readonly manifest: Manifest
  readonly staged: readonly Staged[]
  /** `positions` come with the issue «Merge and SCD2». */
  readonly remove: 'nothing' | 'everything' | 'partitions'
  readonly columns: readonly TableColumn[]
  readonly blindAppend: boolean
  /** Written into a new table, or where it is missing: the tracker's uuid. */
  readonly trackerId: string
  /** `append`, `overwrite` …, for commitInfo. */
  readonly strategy: string
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
  /** Milliseconds since the epoch. */
  readonly timestampMs: number
  readonly operation: string
  readonly batch: bigint | null
  readonly batchId: string | null
  readonly files: { readonly added: number; readonly removed: number }
  readonly rows: bigint | null
  readonly engine: string | null
}

/** A table opened at one version. Closing it drops what it keeps in the session. */
export interface OpenTable extends AsyncDisposable {
  readonly state: TableState | null
  /** Reads the log from the last known version on. */
  refresh(): Promise<void>
  /** A query of the current rows with the table's columns in order; for a new table none is to be had (BugError). */
  current(): Promise<Sql>
  /**
   * A query of the partitions of the table: its partition columns, typed, and `sequence` VARCHAR, the greatest tag
   * `ingestd.sequence` among the partition's files (null where none has one).
   */
  partitionSequences(): Promise<Sql>
  /** Writes the rows as Parquet under `_ingestd/`, with statistics, unseen by every reader. Killed at any time, it leaves only what `clean` removes. */
  stage(request: StageRequest): Promise<Staged>
  /** Moves staged files to their place and writes one log entry: THE COMMIT POINT. Tries again while the other commits are compatible. */
  commit(request: CommitRequest): Promise<CommitOutcome>
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
  /** Newest first. */
  history(limit: number): Promise<readonly HistoryEntry[]>
}
