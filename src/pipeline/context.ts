import type { Session } from '../engine/engine.ts'
import type { Format, FormatContext } from '../formats/format.ts'
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
}
