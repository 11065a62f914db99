import type { Clock } from '../../lib/clock.ts'

/** A clock that is kept right while it runs changes by less between two looks. */
const JUMP_MS = 5000

/** Finds out that the clock of the machine was set, or that the machine slept, by one that nobody sets and that stands still in its sleep. */
export class ClockWatch {
  readonly #clock: Clock
  #leadMs: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#leadMs = clock.now() - performance.now()
  }

  /** By how much the clock was set since the last look, forward or, below 0, back; 0 when it was not. */
  jumpMs(): number {
    const beforeMs = this.#leadMs
    this.#leadMs = this.#clock.now() - performance.now()
    const jumpMs = this.#leadMs - beforeMs
    return Math.abs(jumpMs) < JUMP_MS ? 0 : jumpMs
  }
}
