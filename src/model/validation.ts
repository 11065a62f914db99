/** What `validate` looks for. */
export type Problem =
  | 'null_key'
  | 'duplicate_key'
  | 'no_start'
  | 'duplicate_version'
  | 'end_before_start'
  | 'overlap'
  | 'gap'
  | 'several_current'
  | 'wrong_flag'

/** A row with a problem; a row may have several. */
export interface Finding {
  readonly problem: Problem
  /** In JSON. */
  readonly key: string
  /** The row in JSON. */
  readonly row: string
}

export interface ValidateRequest {
  readonly trackerId: string
  readonly repair: boolean
  readonly dryRun: boolean
  /** Findings that are told with their rows. */
  readonly limit: number
}

export interface ValidateResult {
  /** The version that was looked at; null for a table that does not exist yet. */
  readonly version: bigint | null
  readonly rows: bigint
  readonly problems: readonly { readonly problem: Problem; readonly rows: bigint }[]
  readonly findings: readonly Finding[]
  /** Of a repair, also of one that is only foreseen: rows that go, and rows that come in their place. */
  readonly repair: { readonly removed: bigint; readonly added: bigint; readonly version: bigint | null } | null
}

/** A commit that put other files in the place of some that an earlier commit had taken away: their rows are then there twice. */
export interface RemovedTwice {
  readonly version: bigint
  /** Files that it took away once more. */
  readonly files: number
  /** As its `commitInfo` tells; null where it does not. */
  readonly operation: string | null
  readonly engine: string | null
}
