import type { ErrorReport } from '../errors/errors.ts'
import type { ExpectationCount } from './expectation.ts'
import type { BatchFile, RowCounts } from './file.ts'

/** Files of one table that go in one commit. */
export interface Batch {
  /** UUID; what makes «already committed» certain. */
  readonly id: string
  /** Grows per table and is never used twice: the `txn` version. */
  readonly number: bigint
  /** `database.table` */
  readonly table: string
  readonly files: readonly BatchFile[]
  /** Of files that are tried apart from others, since the process that loaded them died: their group. */
  readonly suspects?: string | undefined
}

/** What became of one file of a batch. */
export type FileOutcome =
  | { readonly kind: 'completed'; readonly path: string; readonly rows: RowCounts }
  /** With a group it is tried again without other files. */
  | { readonly kind: 'failed'; readonly path: string; readonly error: ErrorReport; readonly group?: string }
  /** Back to pending: it changed while it was read, or the batch was given up. */
  | { readonly kind: 'released'; readonly path: string; readonly reason: string }
  | { readonly kind: 'skipped'; readonly path: string; readonly reason: string }
  /** Back to pending, until it is approved by hand. */
  | { readonly kind: 'held'; readonly path: string; readonly reason: string }
  /**
   * Back to pending, to be tried with the files of its group alone. With `alone` that was an attempt of the file, which fails with this error
   * when none is left.
   */
  | { readonly kind: 'suspect'; readonly path: string; readonly group: string; readonly reason: string; readonly alone: ErrorReport | null }

/** Rows as the strategy counts them; loaded = inserted + updated + deleted + unchanged + superseded. */
export interface StrategyRows {
  readonly inserted: bigint
  readonly updated: bigint
  readonly deleted: bigint
  readonly unchanged: bigint
  readonly superseded: bigint
}

export const NO_STRATEGY_ROWS: StrategyRows = { inserted: 0n, updated: 0n, deleted: 0n, unchanged: 0n, superseded: 0n }

/** How a batch ended; `settle` turns it into states, by what the log says. */
export interface BatchOutcome {
  readonly batchId: string
  readonly number: bigint
  /** The Delta version it committed, null when nothing was committed. */
  readonly version: bigint | null
  readonly files: readonly FileOutcome[]
  readonly rows: StrategyRows
  /** Bytes of the source files that were loaded. */
  readonly bytes: bigint
  readonly warnings: readonly Warning[]
  /** Of a table with expectations: what they found. */
  readonly expectations?: readonly ExpectationCount[]
}

export interface Warning {
  readonly code: string
  readonly message: string
  readonly file?: string | undefined
}
