import type { TableLog } from '../delta/table-log.ts'
import type { TableConfig } from '../model/table.ts'
import type { Cleaning, Keeps } from './cleaning.ts'
import type { StoreDeps } from './deps.ts'

/** A table whose files are rewritten or deleted. */
export interface RewriteTarget {
  readonly table: TableConfig
  readonly log: TableLog
  readonly deps: StoreDeps
  readonly keeps: Keeps
  readonly cleaning: Cleaning
}
