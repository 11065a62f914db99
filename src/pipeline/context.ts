import type { Session } from '../engine/engine.ts'
import type { Sql } from '../engine/sql.ts'
import type { Format, FormatContext } from '../formats/format.ts'
import type { OpenTable } from '../stores/store.ts'
import type { Strategy } from '../strategies/strategy.ts'
import type { LandingFiles } from './source.ts'

/** What the steps of a load work with; made once for each batch by the load process. */
export interface LoadContext {
  readonly session: Session
  readonly landing: LandingFiles
  readonly format: Format
  readonly formatContext: FormatContext
  readonly strategy: Strategy
  /** Application id of the `txn`. */
  readonly appId: string
  /** ISO 8601, UTC: `_load_timestamp` of every row of the batch. */
  readonly loadedAt: string
  readonly quarantine: QuarantineAccess
  /** Of a batch of mended rows. */
  readonly resubmitted?: ResubmittedRows | undefined
}

/** What a load knows of the quarantine of its table. */
export interface QuarantineAccess {
  /** Opened by the first batch that rejects a row. */
  open(): Promise<OpenTable>
  /** Names of the columns of a file of the batch, as its format found them. */
  columnsOf(path: string): readonly string[]
}

/** Mended rows as a batch reads them: from files of their own, whose records stand for those of the landing files. */
export interface ResubmittedRows {
  /**
   * Relation (path, position BIGINT from 0 in the mended file, rows BIGINT of that file, id, number BIGINT from 0 and line BIGINT in the landing
   * file, raw VARCHAR).
   */
  readonly rows: Sql
  /** Whether the records are texts as the landing files have them, not JSON. */
  readonly isText: boolean
}
