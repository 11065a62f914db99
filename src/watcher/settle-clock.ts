import type { Clock } from '../lib/clock.ts'

/** Clocks that are kept right while they run drift by less between two looks. */
const JUMP_MS = 1000

/**
 * The time by which files are old enough. When the machine's clock is set forward, a file that is being written looks old at once: so the time
 * before goes on for as long as files settle.
 */
export function settleClock(clock: Clock, settleMs: number): Clock {
  let leadMs = clock.now() - performance.now()
  let heldUntilMs: number | undefined
  return {
    now() {
      const steadyMs = performance.now()
      const nowMs = clock.now()
      if (nowMs - steadyMs - leadMs > JUMP_MS) {
        heldUntilMs ??= steadyMs + settleMs
        if (steadyMs < heldUntilMs) return steadyMs + leadMs
      }
      heldUntilMs = undefined
      leadMs = nowMs - steadyMs
      return nowMs
    },
  }
}

/**
 * The clock of files whose times lie in the future: it is ahead of this machine's, or this machine's was set back. Such files settle as others do, by
 * what has passed since the newest of them was seen.
 */
export class FutureClock {
  #leadMs = Number.NEGATIVE_INFINITY

  /** What time it is at least by the clock that gave a file this time. */
  nowAfter(fileMs: number): number {
    const steadyMs = performance.now()
    this.#leadMs = Math.max(this.#leadMs, fileMs - steadyMs)
    return steadyMs + this.#leadMs
  }
}
