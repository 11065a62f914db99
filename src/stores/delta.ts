import { changedRows } from './changes.ts'
import type { Keeps } from './cleaning.ts'
import { openDeltaTable } from './delta-table.ts'
import type { StoreDeps } from './deps.ts'
import type { Store } from './store.ts'
import { openTableVersion } from './table-version.ts'
import { verifyDeltaTable } from './verify.ts'

/** Delta tables, whose superseded files stay for older versions or are deleted after each commit. */
export function deltaStore(deps: StoreDeps, keeps: Keeps): Store {
  return {
    open: (table, session) => openDeltaTable(table, session, deps, keeps),
    openAt: (table, session, at) => openTableVersion(table, session, at, { deps, keeps }),
    changes: (table, session, range) => changedRows(table, session, range, { deps, keeps }),
    verify: (table, appId, session) => verifyDeltaTable(table, appId, session, deps),
  }
}
