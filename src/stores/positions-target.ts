import type { TableLog } from '../delta/table-log.ts'
import type { Keeps } from './cleaning.ts'
import type { StoreDeps } from './deps.ts'
import type { StagedFiles, StageTarget } from './staging.ts'
import type { StageRequest } from './store.ts'

/** The table that rows are taken from, as it is before the batch. */
export interface RemovalTarget {
  readonly log: TableLog
  readonly deps: StoreDeps
  readonly keeps: Keeps
  /** The table's properties as the batch leaves them. */
  readonly properties: Readonly<Record<string, string>>
  /** Writes rows as data files of the table. */
  readonly stage: (request: StageRequest) => Promise<StagedFiles>
  /** Where and how `stage` would write such rows. */
  readonly stageTarget: (request: Pick<StageRequest, 'columns' | 'batchId'>) => StageTarget
  /** Writes rows with one more column, `_change_type`, as files of the change feed. */
  readonly stageFeed: (request: StageRequest) => Promise<StagedFiles>
}
