import type { Activity, ActivityNote, DaemonNote, ScheduleNote, TableSchedule, ThroughputMinute } from '../model/activity.ts'
import type { Batch, BatchOutcome } from '../model/batch.ts'
import type { Failure } from '../model/error-cause.ts'
import type { FileExpectation, ReportExpectation } from '../model/expectation.ts'
import type { CleanUpState, CleanUpStatus, FileSeen, FileStatus } from '../model/file.ts'
import type { Manifest, RestorePoint } from '../model/manifest.ts'
import type { RestoredFile, RestoreMoves } from '../model/restore.ts'
import type { Pruned } from '../model/tracker-report.ts'

/** A row of the tracker, with the names that users know. Timestamps are ISO 8601 in UTC. */
export interface TrackedFile {
  readonly file_path: string
  readonly file_size: number
  readonly file_modified_time: string
  /** `database.table` */
  readonly table_name: string
  readonly status: FileStatus
  readonly processing_start_time: string | null
  readonly processing_end_time: string | null
  readonly error_message: string | null
  readonly retry_count: number
  readonly created_at: string
  readonly updated_at: string
  readonly file_version: string
  readonly batch_id: string | null
  readonly table_version: number | null
  readonly next_attempt_at: string | null
  readonly lease_owner: string | null
  readonly lease_expires_at: string | null
  readonly held_reason: string | null
  readonly status_reason: string | null
  readonly rows_read: number | null
  readonly rows_loaded: number | null
  readonly rows_rejected: number | null
  readonly rows_filtered: number | null
  readonly rows_deduplicated: number | null
  readonly bytes: number | null
  readonly error_code: string | null
  readonly error_class: string | null
  /** Whether the table may have rows of it that its next load takes out. */
  readonly replaces: boolean
  /** What became of a loaded file at its source, where `after_load` asks for something. */
  readonly clean_up_status: CleanUpStatus | null
  /** Where it was archived. */
  readonly clean_up_path: string | null
  readonly clean_up_reason: string | null
  readonly clean_up_attempts: number | null
  readonly clean_up_next_at: string | null
}

/** One move of one file. */
export interface FileEvent {
  readonly at: string
  readonly from_status: FileStatus | null
  readonly to_status: FileStatus
  readonly file_version: string
  readonly batch_id: string | null
  readonly reason: string | null
}

export interface BatchRow {
  readonly batch_id: string
  readonly batch_number: number
  readonly table_name: string
  readonly status: 'processing' | 'committed' | 'empty' | 'released'
  readonly lease_owner: string | null
  readonly table_version: number | null
  readonly files: number
  readonly rows_loaded: number | null
  readonly started_at: string
  readonly ended_at: string | null
}

/** What a rule found in a batch. */
export interface BatchExpectation extends ReportExpectation {
  readonly batch_id: string
}

/** What happens when new content lies at a completed path (spec 10.3, `auto` already resolved by strategy). */
export type ChangedFilePolicy = 'load' | 'replace' | 'ignore' | 'fail'

/** Whether new content is loaded at all. */
export function loadsChanged(policy: ChangedFilePolicy): policy is 'load' | 'replace' {
  return policy === 'load' || policy === 'replace'
}

/** Is told of the files of a page that will be pending, before they are written. */
export type Announce = (files: readonly FileSeen[]) => Promise<void>

export interface AdmitResult {
  /** New to the tracker. */
  readonly admitted: number
  /** Known with other content, and pending again. */
  readonly changed: number
  readonly known: number
  /** New content at completed paths that the policy ignores, to be warned of; capped at 100. */
  readonly ignored: readonly string[]
  readonly ignoredCount: number
  /** Each file of the page is now known in the version that was seen. */
  readonly allKnown: boolean
}

/** What the next listing of a source may pass over. */
export interface KnownListing {
  /** Each stands for files that are all known in the version that was seen. */
  readonly chunks: readonly string[]
  /** Goes back with what is to be remembered: if a known file was given another version since, that is void. */
  readonly at: string
}

/** The first files that claims would take, whatever keeps some of them apart from others. */
export interface PendingLimits {
  readonly maxFiles: number
  /** The first file is among them whatever its size. */
  readonly maxBytes: bigint
}

export interface ClaimLimits {
  readonly maxFiles: number
  /** Bytes of source files; one file larger than this is a batch of its own. */
  readonly maxBytes: bigint
  /** The number shall be above this, too: the highest in manifests and log. Null when there is none. */
  readonly above: bigint | null
  /** The overwrite unit by path, where it is not the path itself. */
  readonly units?: ReadonlyMap<string, string> | undefined
  /** All files go together, also those that are to be tried apart from others. */
  readonly whole?: boolean | undefined
}

export interface TableCounts {
  readonly table_name: string
  readonly pending: number
  /** Of the pending ones those that wait for `approve`. */
  readonly held: number
  readonly processing: number
  readonly completed: number
  readonly failed: number
  readonly skipped: number
  readonly rows_loaded: number
  readonly rows_rejected: number
  readonly bytes: number
  readonly last_loaded_at: string | null
  readonly last_error: string | null
  /** Since when the next file to load waits; null when none does. */
  readonly waiting_since: string | null
  /** When the next automatic retry is due. */
  readonly next_attempt_at: string | null
  readonly paused: boolean
  /** Loaded files that are still to be archived or deleted at their source. */
  readonly clean_ups: CleanUpState
}

/** What is left to do of a table, as whoever plans its next turn asks. */
export interface DueWork {
  readonly table: string
  /** Files are pending, and not held. */
  readonly pending: boolean
  /** A batch is processing although its lease has ended. */
  readonly abandoned: boolean
  /** When the first automatic retry is due, in milliseconds since the epoch. */
  readonly nextAttemptMs: number | null
  /** The same of the first clean-up of a loaded file. */
  readonly nextCleanUpMs: number | null
}

export interface FileFilter {
  readonly tables?: readonly string[] | undefined
  readonly status?: FileStatus | undefined
  readonly paths?: readonly string[] | undefined
  readonly limit?: number | undefined
}

/** A restore that is in the log. */
export interface AdoptedRestore {
  readonly manifest: Manifest & { readonly restore: RestorePoint }
  /** Version of its commit; null when it is not known any more. */
  readonly version: bigint | null
  readonly files: readonly RestoredFile[]
}

/** A loaded file whose source is to be archived or deleted. */
export interface DueCleanUp {
  readonly path: string
  readonly rawPath: string | null
  readonly version: string
  readonly rejected: bigint
  /** Where an earlier attempt was about to move it. */
  readonly target: string | null
}

export interface CleanUpOutcome {
  readonly path: string
  readonly version: string
  readonly status: Exclude<CleanUpStatus, 'due'>
  readonly target: string | null
  readonly reason: string | null
}

export interface CleanUpCounts {
  readonly due: number
  readonly failed: number
  /** Whether any file of the table was archived or deleted. */
  readonly hasCleaned: boolean
}

/** Newest loaded snapshot of an overwrite table, by (modified time, path). */
export interface LoadedUnit {
  readonly unit: string
  readonly modifiedNs: bigint
  readonly path: string
}

/**
 * What is known of every file. Each method is one transaction; every change of a state is one guarded, set-based
 * statement and is recorded in the file's history. Errors: UnavailableError (`ING-TRACKER-*`).
 * `owner` names one process for leases: a file that is processing belongs to its owner until it is settled, or
 * until the lease ends or the owner is known to be gone.
 */
export interface Tracker extends AsyncDisposable {
  /** UUID, made with the tracker; it names the tracker in every table that it loads. */
  readonly id: string

  /** Compares one page of a listing with what is known: new files and new versions become pending. */
  admit(table: string, page: readonly FileSeen[], policy: ChangedFilePolicy, announce?: Announce): Promise<AdmitResult>
  /** How many of these files are new, or known with another version. */
  unknownCount(table: string, files: readonly FileSeen[]): Promise<number>
  /** failed → pending for automatic retries that are due. */
  requeueDue(table: string): Promise<number>
  /** What is left to do of each table that was looked at once. */
  dueWork(): Promise<readonly DueWork[]>
  /** How many files are pending (and not held). */
  pendingCount(table: string): Promise<number>
  /** All pending files of a table in file order, for strategies that choose among them (overwrite), or the first of them within limits. */
  pendingFiles(table: string, limits?: PendingLimits): Promise<readonly FileSeen[]>
  /**
   * pending → processing for files in file order (`paths` restricts to those), under a lease and a new batch number.
   * Undefined when nothing is pending.
   */
  claim(table: string, owner: string, limits: ClaimLimits, paths?: readonly string[]): Promise<Batch | undefined>
  /** pending → skipped with a reason. */
  skipPending(table: string, paths: readonly string[], reason: string): Promise<number>
  /** Extends the leases of an owner: its table locks and its processing files. */
  renew(owner: string): Promise<void>
  /**
   * processing → completed | failed | pending | skipped by the outcome, where the lease is still `owner`'s; the batch
   * ends with it. A failed file whose error says `later` gets its next attempt by backoff until `retry_attempts`.
   * Returns false when the lease was lost, and nothing changed.
   */
  settle(table: string, owner: string, outcome: BatchOutcome): Promise<boolean>
  /** Batches of a table that are processing although their owner is gone or their lease has ended. */
  abandoned(table: string, isAlive: (owner: string) => boolean): Promise<readonly Batch[]>
  /** Takes an abandoned batch over, so that `settle` may end it. */
  takeOver(batchId: string, owner: string): Promise<void>
  /**
   * Marks all files of a committed manifest completed, whatever the tracker thought, and counts mended rows as loaded; false when it knew
   * already.
   */
  adoptManifest(manifest: Manifest, version: bigint | null): Promise<boolean>
  /**
   * A batch without files, for a restore or mended rows, under a lease and a new batch number; ended by `adoptRestore`, `adoptManifest` or
   * `settle`.
   */
  claimEmpty(table: string, owner: string, above: bigint | null): Promise<Batch>
  /**
   * Ends a restore that is in the log: files whose rows it took out become pending or skipped, as its manifest says, and
   * files whose rows it brought back completed. `policy` decides where another content lies at such a path by now.
   * Undefined when the tracker knew already.
   */
  adoptRestore(restore: AdoptedRestore, policy: ChangedFilePolicy): Promise<RestoreMoves | undefined>
  /** Writes into the history of completed files, of those versions; nothing else changes. */
  noteFiles(table: string, files: readonly { readonly path: string; readonly version: string; readonly reason: string }[]): Promise<void>
  /** Highest number of a batch that the tracker holds as committed; null without any. */
  lastCommittedBatch(table: string): Promise<bigint | null>
  /** The newest completed unit of an overwrite table. */
  newestLoaded(table: string): Promise<LoadedUnit | undefined>
  /** completed → pending for these paths (replay of a folder, full drop); null means all files of the table. */
  replay(table: string, paths: readonly string[] | null, reason: string): Promise<number>

  /** completed | failed → pending for all files directly in these folders: they are part of one snapshot. */
  reopenFolders(table: string, folders: readonly string[], reason: string): Promise<number>

  /** Takes the table for one writer; false when another living owner has it. */
  lockTable(table: string, owner: string, isAlive: (owner: string) => boolean): Promise<boolean>
  unlockTable(table: string, owner: string): Promise<void>
  /** By hand: tables of which no file shall be taken. Gives those that were not so before. */
  pause(tables: readonly string[]): Promise<readonly string[]>
  resume(tables: readonly string[]): Promise<readonly string[]>
  paused(): Promise<ReadonlySet<string>>
  /** Forgets history, batches and what rules found before a time; never a file. What was, or with `dryRun` would be, taken out. */
  prune(beforeMs: number, dryRun: boolean): Promise<Pruned>
  knownListing(table: string): Promise<KnownListing>
  /** In the place of what was remembered before. */
  rememberListing(table: string, listing: KnownListing): Promise<void>
  /** What is remembered of a table beside its files, as a full drop that has begun; text by key. */
  remember(table: string, key: string, value: string): Promise<void>
  recall(table: string, key: string): Promise<string | undefined>

  /** By hand: failed | skipped → pending. */
  retry(filter: FileFilter): Promise<number>
  /** By hand: pending | failed → skipped. */
  skip(filter: FileFilter, reason: string): Promise<number>
  /** By hand: held files load with the next run, in the version that was held, whatever the guard says. */
  approve(filter: FileFilter): Promise<number>

  /** Loaded files of committed batches above a number, settled since about that time, are due to be archived or deleted. */
  markCleanUp(table: string, above: bigint, sinceMs: number): Promise<void>
  /** Files whose clean-up is due, or is to be tried again by now. */
  dueCleanUps(table: string, limit: number): Promise<readonly DueCleanUp[]>
  /** Where they are about to be moved. */
  planCleanUp(table: string, files: readonly { readonly path: string; readonly target: string }[]): Promise<void>
  /** What became of them; nothing of what is loaded changes. What failed is due again after a backoff. */
  settleCleanUp(table: string, outcomes: readonly CleanUpOutcome[]): Promise<void>
  cleanUpCounts(table: string): Promise<CleanUpCounts>

  files(filter: FileFilter): AsyncIterable<TrackedFile>
  file(table: string, path: string): Promise<TrackedFile | undefined>
  history(table: string, path: string): Promise<readonly FileEvent[]>
  counts(tables?: readonly string[]): Promise<readonly TableCounts[]>
  /** The newest first; with `below` only those of a lower number. */
  batches(table: string, limit: number, below?: number): Promise<readonly BatchRow[]>
  /** What the rules of the table found in these batches. */
  expectationsOfBatches(table: string, batchIds: readonly string[]): Promise<readonly BatchExpectation[]>
  /** Rules that a file broke, oldest first. */
  expectationsOfFile(table: string, path: string): Promise<readonly FileExpectation[]>

  /**
   * What the owner does with its tables at the moment, in the place of what it told before; none when it ends. Told once a second, also where
   * nothing changed: what is a minute old counts as left behind.
   */
  noteActivity(owner: string, notes: readonly ActivityNote[]): Promise<void>
  activity(): Promise<readonly Activity[]>
  /** When a table was listed, and when it will be; what the note leaves out stays. */
  noteTable(table: string, note: ScheduleNote): Promise<void>
  schedules(): Promise<readonly TableSchedule[]>
  /** In the place of what is known of this daemon, with the time of now; null when it ends. */
  noteDaemon(owner: string, note: Omit<DaemonNote, 'owner' | 'heartbeat_at'> | null): Promise<void>
  /** Milliseconds since the epoch by the clock that all times here come from: in Postgres that of the server, as it was told last. */
  now(): number
  /** Owners of the daemons that run and were heard of within that time, by the clock of the tracker; in the order of their names. */
  peers(withinMs: number): Promise<readonly string[]>
  /** The newest heartbeat first, also of such as ended without a word. */
  daemons(): Promise<readonly DaemonNote[]>
  /** Files that were settled last, the newest first. */
  recent(limit: number, tables?: readonly string[]): Promise<readonly TrackedFile[]>
  /** Files whose path has the text in it, whatever its case, by table and path. */
  search(text: string, limit: number, tables?: readonly string[]): Promise<readonly TrackedFile[]>
  /** The newest first, at most so many of each table. */
  failures(limit: number, tables?: readonly string[]): Promise<readonly Failure[]>
  /** What was committed in each of the last minutes, oldest first; a minute without a commit has no row. */
  throughput(minutes: number, tables?: readonly string[]): Promise<readonly ThroughputMinute[]>
}

export interface TrackerOptions {
  readonly retryAttempts: number
  readonly retryBackoff: { readonly baseMs: number; readonly factor: number; readonly maxMs: number }
  readonly leaseMs: number
}
