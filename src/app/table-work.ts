import type { ResolvedConfig } from '../config/config.ts'
import { UnavailableError } from '../errors/errors.ts'
import type { Clock } from '../lib/clock.ts'
import type { TableConfig } from '../model/table.ts'
import type { Owner } from '../pipeline/recover.ts'
import type { Tracker } from '../tracker/tracker.ts'
import type { LoadProcess } from './load-process.ts'
import { LEASE_MS } from './tracker-options.ts'

/** What work on tables that is no load needs. */
export interface TableWork {
  readonly config: ResolvedConfig
  readonly owner: Owner
  readonly clock: Clock
  readonly worker: LoadProcess
  readonly tracker: Tracker
}

type Leasing = Pick<TableWork, 'tracker' | 'owner'>

/** Keeps the leases of this process while something is at work. */
export async function withHeartbeat<T>({ tracker, owner }: Leasing, act: () => Promise<T>): Promise<T> {
  const heartbeat = setInterval(() => void tracker.renew(owner.id).catch(() => undefined), LEASE_MS / 3)
  try {
    return await act()
  } finally {
    clearInterval(heartbeat)
  }
}

/** Under the lease of a table: of its loads and its maintenance only one is at work. `busy` tells that it is another's. */
export async function leased<T>(table: TableConfig, { tracker, owner }: Leasing, act: () => Promise<T>, busy: () => T): Promise<T> {
  if (!(await tracker.lockTable(table.name, owner.id, owner.isAlive))) return busy()
  try {
    return await act()
  } finally {
    await tracker.unlockTable(table.name, owner.id)
  }
}

/** The same for a command about one table, with a heartbeat. UnavailableError `ING-TABLE-BUSY`; `verb` is what to do again. */
export async function leasedAlone<T>(table: TableConfig, verb: string, work: Leasing, act: () => Promise<T>): Promise<T> {
  return withHeartbeat(work, () =>
    leased(table, work, act, () => {
      throw new UnavailableError('ING-TABLE-BUSY', `another process is working on ${table.name}`, {
        hint: `wait for it, and ${verb} again`,
      })
    }),
  )
}
