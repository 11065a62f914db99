import { ConfigError } from '../errors/errors.ts'
import type { DaemonParts, RunningDaemon } from './daemon/daemon.ts'
import type { Ingest } from './ingest.ts'
import { caredForDaily } from './tracker-care.ts'

/** What the library says of daemons; all that they need is loaded when one starts. */
export function daemonCalls(parts: DaemonParts): Pick<Ingest, 'daemon' | 'reload'> {
  let running: RunningDaemon | undefined
  return {
    daemon: async (asked = {}) => {
      const { runDaemon } = await import('./daemon/daemon.ts')
      const warn = (problem: string, err: unknown) => parts.log.warn({ err }, problem)
      await caredForDaily({ ...parts, warn }, () =>
        runDaemon(asked, parts, (daemon) => {
          running = daemon
        }),
      )
    },
    reload: async () => {
      if (running === undefined) throw new ConfigError('ING-USAGE', 'no daemon is running here whose config could be read again')
      return running.reload()
    },
  }
}
