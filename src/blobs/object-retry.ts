import { setTimeout as sleep } from 'node:timers/promises'

/** What became of a request that failed, by what is known of it. */
export interface Failure {
  /** What went wrong passes: throttling, a server's fault, a cut connection. */
  readonly passes: boolean
  /** The server may have done what it was asked for, and its answer was lost. */
  readonly ambiguous: boolean
  /** Nobody is there, which seldom changes within seconds. */
  readonly isDown?: boolean
}

const ATTEMPTS = 8
const ATTEMPTS_DOWN = 4
const FIRST_WAIT_MS = 50
const LONGEST_WAIT_MS = 8_000

/**
 * Repeats what fails for a while. Waits are random between nothing and a bound that doubles, so that many clients that were
 * turned away together do not come back together.
 */
export async function repeated<T>(
  work: (attempt: number) => Promise<T>,
  failureOf: (error: unknown) => Failure,
  signal?: AbortSignal,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted()
    try {
      return await work(attempt)
    } catch (error) {
      signal?.throwIfAborted()
      const { passes, isDown = false } = failureOf(error)
      if (!passes || attempt >= (isDown ? ATTEMPTS_DOWN : ATTEMPTS)) throw error
      await sleep(
        Math.random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt),
        undefined,
        signal === undefined ? {} : { signal },
      )
    }
  }
}
