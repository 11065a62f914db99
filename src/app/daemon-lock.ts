import { setTimeout as sleep } from 'node:timers/promises'
import { UnavailableError } from '../errors/errors.ts'
import { type HeldLock, takeSqliteLock } from '../tracker/sqlite/lock.ts'

/** How often one that waits looks whether the other daemon is gone. */
const LOOK_MS = 1000

export interface DaemonLockOptions {
  /** Null where the tracker is one that many daemons share. */
  readonly trackerFile: string | null
  /** Who takes it: `host:pid:uuid`. */
  readonly owner: string
  /** Waits until the other daemon is gone; UnavailableError `ING-DAEMON-RUNNING` otherwise. */
  readonly standby?: boolean | undefined
  /** Ends the wait; the lock is undefined then. */
  readonly signal: AbortSignal
  /** Told once, when there is another daemon to wait for. */
  readonly onWait?: ((holder: string) => void) | undefined
}

/**
 * One daemon works with a SQLite tracker. The lock lies beside the tracker and is one of the operating system: it goes with its process, whether
 * that is stopped or killed.
 */
export async function lockDaemon({ trackerFile, owner, standby, signal, onWait }: DaemonLockOptions): Promise<HeldLock | undefined> {
  if (trackerFile === null) return { isIntact: () => true, [Symbol.dispose]: () => {} }
  for (let isTold = false; !signal.aborted; isTold = true) {
    const taken = takeSqliteLock(`${trackerFile}-daemon`, owner)
    if (taken.kind === 'held') return taken.lock
    const holder = shownAs(taken.holder)
    if (standby !== true) throw running(trackerFile, holder)
    if (!isTold) onWait?.(holder)
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined)
  }
  return undefined
}

/** `pid 123 on host` of an owner. */
function shownAs(owner: string | null): string {
  const [pid, ...host] = owner?.split(':').toReversed().slice(1) ?? []
  return pid === undefined ? 'another process' : `pid ${pid} on ${host.toReversed().join(':')}`
}

function running(trackerFile: string, holder: string): UnavailableError {
  return new UnavailableError('ING-DAEMON-RUNNING', `a daemon is running with the tracker ${trackerFile} already: ${holder}`, {
    hint: 'stop it, or start this one with --standby, which waits until it is gone',
    context: { file: trackerFile, holder },
  })
}

/** What is written to a file that was deleted is lost when the daemon ends. */
export function trackerGone(file: string): UnavailableError {
  return new UnavailableError('ING-TRACKER-UNAVAILABLE', `the tracker ${file} was deleted or replaced while the daemon was using it`, {
    hint: 'put a backup in its place, or make it again with `ingest tracker rebuild`, and start the daemon again',
    context: { file },
  })
}
