import type { ResolvedConfig } from '../config/config.ts'
import type { DiscardReport, QuarantinedRow, ResubmitReport } from '../model/quarantine-report.ts'
import type {
  CheckReport,
  ExplainReport,
  HistoryReport,
  OptimizeReport,
  ReloadReport,
  RestoreReport,
  RunEvent,
  RunReport,
  SchemaHistoryReport,
  VacuumReport,
  ValidateReport,
} from '../model/report.ts'
import type { ResourcesReport } from '../model/resources-report.ts'
import type { StatusFile, StatusReport, TableDetail } from '../model/status-report.ts'
import type {
  AdoptReport,
  BackupReport,
  CopyReport,
  ExportReport,
  PruneReport,
  PublishReport,
  RebuildReport,
} from '../model/tracker-report.ts'
import type { UnloadReport } from '../model/undo-report.ts'
import type { VerifyReport } from '../model/verification.ts'
import type { FileFilter, TrackedFile } from '../tracker/tracker.ts'
import type { QuarantineDiscardOptions, QuarantineFilter, QuarantineListOptions } from './quarantine.ts'
import type { TablePoint } from './table-point.ts'
import type { ExportOptions } from './tracker-export.ts'

export interface RunOptions {
  /** Bare or qualified names; all tables when left out. ConfigError `ING-CONFIG-TABLE-UNKNOWN` for an unknown or ambiguous one. */
  readonly tables?: readonly string[] | undefined
  /** Changes nothing anywhere and fills `plan` of each table. */
  readonly dryRun?: boolean
  /** With `dryRun`: really plans, so that the rows are counted. */
  readonly verbose?: boolean
  /** `incremental` turns a full_drop run type into append; `full_drop` reloads all files as one replacing commit. */
  readonly runType?: 'incremental' | 'full_drop' | undefined
  /** Tables loaded at the same time; `max_parallel_jobs` when left out. */
  readonly concurrency?: number | undefined
  /** Only tables whose strategy is of this kind. */
  readonly strategy?: string | undefined
  readonly onEvent?: ((event: RunEvent) => void) | undefined
  /** Puts the small files of each table together after its loads; by itself when left out, as `delta.optimize` says. */
  readonly optimize?: boolean | undefined
  /** Deletes files that no version within the retention has, after the loads of each table. */
  readonly vacuum?: boolean | undefined
  /** Ends the run: batches in flight are released. */
  readonly signal?: AbortSignal | undefined
}

export interface DaemonOptions {
  /** Bare or qualified names; all tables when left out. */
  readonly tables?: readonly string[] | undefined
  readonly onEvent?: ((event: RunEvent) => void) | undefined
  /** Waits until another daemon that has the tracker is gone. */
  readonly standby?: boolean | undefined
  /** Ends the daemon: what runs is finished within `shutdown_timeout_seconds`, or given back. */
  readonly signal?: AbortSignal | undefined
}

export interface OptimizeOptions {
  readonly tables?: readonly string[] | undefined
  /** Bytes of a file; `delta.target_file_size` of the table when left out. */
  readonly targetFileSize?: number | bigint | undefined
  /** Orders the rows so that those that are near in these columns lie together. */
  readonly zOrder?: readonly string[] | undefined
  readonly dryRun?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

export interface ValidateOptions {
  readonly repair?: boolean | undefined
  /** Tells what a repair would do, and changes nothing. */
  readonly dryRun?: boolean | undefined
  /** How many rows are told; 100 by default. */
  readonly limit?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface TrackerCalls {
  /** Makes the tracker anew from the tables alone. ConfigError `ING-TRACKER-NOT-EMPTY` for one that knows of loaded files, unless forced. */
  rebuild(options?: { readonly force?: boolean | undefined }): Promise<RebuildReport>
  /** Copies the tracker while it is used; to `<checkpoint_path>/backups` where no file is named. Overwrites nothing. */
  backup(options?: { readonly file?: string | undefined }): Promise<BackupReport>
  /** Takes the tracker to another place: a URL of Postgres, or a file. ConfigError `ING-TRACKER-COPY` for a target that holds files. */
  copy(options: { readonly from?: string | undefined; readonly to: string }): Promise<CopyReport>
  /** Forgets history and batches that are older; never what is known of a file. `tracker_retention_days` where no days are given. */
  prune(options?: { readonly olderThanDays?: number | undefined; readonly dryRun?: boolean | undefined }): Promise<PruneReport>
  /** Writes what the tracker knows of files to a new file. */
  export(options: ExportOptions): Promise<ExportReport>
  /** Commits what the tracker knows of files and batches as tables of their own, which other readers see; nothing where they say it already. */
  publish(options?: { readonly signal?: AbortSignal | undefined }): Promise<PublishReport>
  /** Takes a table over that another tracker loaded. */
  adopt(table: string): Promise<AdoptReport>
}

export interface VerifyOptions {
  readonly tables?: readonly string[] | undefined
  /** How long a table that another process works on is waited for; half a minute when left out. */
  readonly waitMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface VacuumOptions {
  readonly tables?: readonly string[] | undefined
  /** The retention of each table when left out. */
  readonly retentionMs?: number | undefined
  /** Lets the retention be shorter than the table's; only when no other reader or writer is at work. */
  readonly force?: boolean | undefined
  readonly dryRun?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

export interface QueryResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  /** Chunks of rows; values as JSON holds them, integers beyond 2^53 and decimals as strings. */
  readonly chunks: AsyncIterable<readonly (readonly unknown[])[]>
}

export interface QueryOptions {
  /** Versions of tables, by bare or qualified name; a table that is not named is seen at its current version. */
  readonly at?: Readonly<Record<string, TablePoint>> | undefined
}

export interface RestoreOptions {
  /** The version, or a time at which it was current. */
  readonly at: TablePoint
  /** What becomes of files that were loaded later: loaded again by the next run, or never. */
  readonly files: 'pending' | 'skipped'
  /** Changes nothing. */
  readonly dryRun?: boolean | undefined
  /** The current version by which this was decided: with another one there ConflictError, and nothing is changed. */
  readonly fromVersion?: number | undefined
}

/** All that ingestd does; the command line is a thin face of it. */
export interface Ingest extends AsyncDisposable {
  readonly config: ResolvedConfig
  run(options?: RunOptions): Promise<RunReport>
  /** Loads what comes until its signal is aborted. UnavailableError for a tracker that cannot be worked with, or that another daemon has. */
  daemon(options?: DaemonOptions): Promise<void>
  /** Makes the daemon that runs here read its config again. One that is broken changes nothing. */
  reload(): Promise<ReloadReport>
  status(options?: { readonly tables?: readonly string[] | undefined }): Promise<StatusReport>
  /** Memory, spill, cores and small files, and what to change about them; changes nothing. */
  resources(options?: { readonly signal?: AbortSignal | undefined }): Promise<ResourcesReport>
  /** A table looked at closely. */
  tableDetail(table: string): Promise<TableDetail>
  /** Files whose path has the text in it, whatever its case; 200 by default. */
  findFiles(
    text: string,
    options?: { readonly tables?: readonly string[] | undefined; readonly limit?: number | undefined },
  ): Promise<readonly StatusFile[]>
  files(filter?: FileFilter): AsyncIterable<TrackedFile>
  /** One report for each table whose source could hold the path; one without a table when none does. */
  explain(path: string): Promise<readonly ExplainReport[]>
  /** Config, paths and tables; with `againstData` also whether the files that are there would load. Changes nothing. */
  check(options?: { readonly againstData?: boolean | undefined }): Promise<CheckReport>
  /** failed | skipped → pending; the number of files. ConfigError `ING-FILE-UNKNOWN` for a path that the tracker lacks. */
  retry(filter: FileFilter): Promise<number>
  /** Lets held files load with the next run; the number of files. */
  approve(filter: FileFilter): Promise<number>
  /** pending | failed → skipped. */
  skip(filter: FileFilter): Promise<number>
  /** No file of these tables is taken until they are resumed, but by a run that names them; all tables when none is named. Gives those that were not paused. */
  pause(options?: { readonly tables?: readonly string[] | undefined }): Promise<readonly string[]>
  /** The tables that were paused until now. */
  resume(options?: { readonly tables?: readonly string[] | undefined }): Promise<readonly string[]>
  /** Newest first. */
  history(table: string, options?: { readonly limit?: number | undefined }): Promise<readonly HistoryReport[]>
  /** Versions that changed the columns, newest first: what, and by which landing file. */
  schemaHistory(table: string, options?: { readonly limit?: number | undefined }): Promise<readonly SchemaHistoryReport[]>
  /** Puts small files together, or rows in z-order. What stops one table is its own result. */
  optimize(options?: OptimizeOptions): Promise<OptimizeReport>
  /** Deletes files that no version within the retention has. */
  vacuum(options?: VacuumOptions): Promise<VacuumReport>
  /** Looks for rows that break the rules of merge or scd2, and mends them if asked. UnavailableError `ING-TABLE-BUSY` where another process is at work. */
  validate(table: string, options?: ValidateOptions): Promise<ValidateReport>
  /** Looks at tables, their files and rows, and what the tracker knows of them for damage; changes nothing. */
  verify(options?: VerifyOptions): Promise<VerifyReport>
  /** What is done with the tracker itself. */
  readonly tracker: TrackerCalls
  /** Rejected rows that are in quarantine. */
  quarantined(options?: QuarantineListOptions): AsyncIterable<QuarantinedRow>
  /** Writes them to a new file, CSV or NDJSON by its suffix, to be mended; the number of rows. */
  exportQuarantine(file: string, options?: QuarantineFilter): Promise<number>
  /** Takes mended rows back in under their landing files. ConfigError `ING-QUARANTINE-UNKNOWN` for rows that are not in quarantine. */
  resubmit(file: string, options?: { readonly tables?: readonly string[] | undefined }): Promise<readonly ResubmitReport[]>
  /** Gives rows up for good; all where nothing else is said. */
  discard(options?: QuarantineDiscardOptions): Promise<readonly DiscardReport[]>
  /** Runs SQL over the configured tables, each seen as `database.table` at its current version, or at the one of `at`. */
  query(sql: string, use: (result: QueryResult) => Promise<void>, options?: QueryOptions): Promise<void>
  /**
   * Takes the rows of landing files out of append tables; the files are skipped from then on. TableError `ING-TABLE-UNDO` where that cannot be
   * done file by file.
   */
  unload(files: readonly string[], options?: UnloadOptions): Promise<readonly UnloadReport[]>
  /** Loads files again, as they are now; the rows that an append table has of them leave with the same commit. */
  replay(files: readonly string[], options?: ReplayOptions): Promise<RunReport>
  /** Makes the content of a table that of an older version, as one new version; the tracker follows. */
  restore(table: string, options: RestoreOptions): Promise<RestoreReport>
}

export interface UnloadOptions {
  /** Bare or qualified names; all tables that know the files when left out. */
  readonly tables?: readonly string[] | undefined
  /** Counts the rows, and changes nothing. */
  readonly dryRun?: boolean | undefined
}

export interface ReplayOptions {
  readonly tables?: readonly string[] | undefined
  readonly signal?: AbortSignal | undefined
}

/** What a caller of the library may pass. */
export interface CreateOptions {
  /** Path of the YAML file; `ingest.yaml` in the working directory when neither this nor `config` is given. */
  readonly configFile?: string | undefined
  /** The config itself, with the keys of the YAML file, or its text. */
  readonly config?: Readonly<Record<string, unknown>> | string | undefined
  /** `key=value` or `tables.NAME.key=value`, as `--var`. */
  readonly overrides?: readonly string[] | undefined
  readonly logLevel?: string | undefined
  /** Takes each log line, without its newline, instead of stderr: a live display would be torn by a line beside it. */
  readonly logTo?: ((line: string) => void) | undefined
}
