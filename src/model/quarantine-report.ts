/** A row in quarantine. */
export interface QuarantinedRow {
  readonly id: string
  readonly table: string
  readonly file: string
  /** From 1; null where the format cannot tell. */
  readonly line: number | null
  /** From 1. */
  readonly row_number: number | null
  readonly column: string | null
  /** `type`, `ragged`, `key` …, or the name of an expectation. */
  readonly rule: string
  readonly reason: string
  /** The record as its file has it; null where it is no text, or has masked values. */
  readonly raw: string | null
  readonly batch: number
  readonly batch_id: string
  readonly file_version: string
  readonly rejected_at: string
}

/** What `quarantine resubmit` did to one table. */
export interface ResubmitReport {
  readonly table: string
  readonly batch: number
  readonly batch_id: string
  /** Of the commit; null where it is not known any more. */
  readonly version: number | null
  readonly files: number
  readonly rows: {
    readonly resubmitted: number
    readonly loaded: number
    /** Still bad, and in quarantine with the new reason. */
    readonly rejected: number
    readonly filtered: number
    readonly deduplicated: number
  }
}

/** What `quarantine discard` did to one table. */
export interface DiscardReport {
  readonly table: string
  readonly rows: number
  readonly files: number
}
