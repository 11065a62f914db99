/** What `tracker rebuild --json` prints. */
export interface RebuildReport {
  /** The uuid of the tracker; null where no table names one, and nothing was made. */
  readonly tracker: string | null
  /** The tracker that was there before. */
  readonly backup: string | null
  readonly tables: readonly {
    readonly table: string
    /** The tracker that loaded the table until now, where it is another. */
    readonly from_tracker: string | null
    readonly batches: number
    readonly files: { readonly completed: number; readonly pending: number; readonly skipped: number }
    readonly rows: number
  }[]
}

/** What `tracker backup --json` prints. */
export interface BackupReport {
  readonly file: string
  readonly bytes: number
}

/** What `tracker copy --json` prints. */
export interface CopyReport {
  /** Without passwords. */
  readonly from: string
  readonly to: string
  /** The uuid, which is that of both. */
  readonly tracker: string
  readonly tables: number
  readonly files: number
  readonly batches: number
  /** Entries in the histories of files. */
  readonly events: number
}

/** What was, or would be, taken out. */
export interface Pruned {
  /** Entries in the histories of files. */
  readonly events: number
  readonly batches: number
  readonly expectations: number
}

/** What `tracker prune --json` prints; of a dry run what would be taken out. */
export interface PruneReport extends Pruned {
  readonly dry_run: boolean
  /** What is older was taken out. */
  readonly before: string
}

/** What `tracker adopt --json` prints. */
export interface AdoptReport {
  readonly table: string
  /** Null where the table belonged to this tracker already. */
  readonly from_tracker: string | null
  readonly tracker: string
  /** Of the commit that hands the table over; null where none was needed. */
  readonly version: number | null
  /** Batches that this tracker did not know. */
  readonly batches: number
  /** Files of the table that are loaded. */
  readonly files: number
}

/** What `tracker export --output FILE --json` prints. */
export interface ExportReport {
  readonly file: string
  readonly format: string
  readonly files: number
  readonly bytes: number
}

/** What `tracker publish --json` prints. */
export interface PublishReport {
  /** The table of files, and that of batches. */
  readonly tables: readonly {
    readonly table: string
    readonly target: string
    readonly rows: number
    readonly version: number | null
    /** False where the table had these rows already, and nothing was committed. */
    readonly changed: boolean
  }[]
}
