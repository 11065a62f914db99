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
