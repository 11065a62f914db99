import { changedRows } from './changes.ts'
import { openDeltaTable } from './delta-table.ts'
import type { StoreDeps } from './deps.ts'
import type { Store } from './store.ts'
import { openTableVersion } from './table-version.ts'

/** Delta tables: superseded files stay for older versions, and checkpoints keep the log short. */
export function deltaStore(deps: StoreDeps): Store {
  return {
    name: 'delta',
    open: (table, session) => openDeltaTable(table, session, deps, 'all versions'),
    openAt: (table, session, at) => openTableVersion(table, session, at, { deps, keeps: 'all versions' }),
    changes: (table, session, range) => changedRows(table, session, range, { deps, keeps: 'all versions' }),
  }
}
