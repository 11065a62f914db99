import type { Clock } from '../../lib/clock.ts'

/**
 * The clock of the server, as it was told last and as time went on since: leases of several machines are compared with one clock, and a clock that
 * is set here moves nothing.
 */
export class ServerClock implements Clock {
  #toldMs = Date.now()
  #at = performance.now()

  now(): number {
    return this.#toldMs + performance.now() - this.#at
  }

  told(ms: number): void {
    this.#toldMs = ms
    this.#at = performance.now()
  }
}
