import { notifyService, type ServiceNote, watchdogMs } from '../../lib/sd-notify.ts'
import type { Logger } from '../log.ts'

/** A daemon that has not turned for so long hangs, and is better started again. */
const HANGS_MS = 30_000

/** Tells systemd how the daemon is, where it was started by it. */
export class Service implements Disposable {
  readonly #log: Logger
  readonly #sinceTurnMs: () => number
  #watchdog: NodeJS.Timeout | undefined
  #isTold = false

  /** `sinceTurnMs` tells how long ago the daemon looked at its tables. */
  constructor(log: Logger, sinceTurnMs: () => number) {
    this.#log = log
    this.#sinceTurnMs = sinceTurnMs
  }

  async ready(status: string): Promise<void> {
    await this.#tell({ state: 'ready', status })
    const everyMs = watchdogMs(process.env, process.pid)
    if (everyMs === undefined) return
    this.#watchdog ??= setInterval(() => {
      if (this.#sinceTurnMs() < HANGS_MS) void this.#tell({ state: 'watchdog' })
    }, everyMs / 3)
  }

  reloading(): Promise<void> {
    return this.#tell({ state: 'reloading' })
  }

  stopping(): Promise<void> {
    return this.#tell({ state: 'stopping', status: 'finishing what runs' })
  }

  [Symbol.dispose](): void {
    clearInterval(this.#watchdog)
  }

  async #tell(note: ServiceNote): Promise<void> {
    const error = await notifyService(note)
    if (error === undefined || this.#isTold) return
    this.#isTold = true
    this.#log.warn({ problem: error.message }, 'systemd cannot be told how the daemon is')
  }
}
