import { changedRows } from './changes.ts'
import { openDeltaTable } from './delta-table.ts'
import type { StoreDeps } from './deps.ts'
import type { Store } from './store.ts'
import { openTableVersion } from './table-version.ts'

/**
 * A folder of Parquet files that any reader takes as it is: the same Delta table, but data files that a commit supersedes
 * are deleted after it, and nothing else in the folder ends in `.parquet`. So no checkpoint is written; the log is JSON alone.
 */
export function parquetStore(deps: StoreDeps): Store {
  return {
    name: 'parquet',
    open: (table, session) => openDeltaTable(table, session, deps, 'current files only'),
    openAt: (table, session, at) => openTableVersion(table, session, at, { deps, keeps: 'current files only' }),
    changes: (table, session, range) => changedRows(table, session, range, { deps, keeps: 'current files only' }),
  }
}
