/** What giving back what did not finish may take of the time to stop, at most. */
const GIVING_BACK_MS = 10_000

/** How the time that a daemon has to stop is divided, so that all of it lies within. */
export interface StopTimes {
  /** Batches may finish until then. */
  readonly finishMs: number
  /** Statements that were interrupted have so long to end before their process is killed; as much is left to settle what they did. */
  readonly graceMs: number
}

export function stopTimes(shutdownTimeoutMs: number): StopTimes {
  const givingBackMs = Math.min(GIVING_BACK_MS, shutdownTimeoutMs / 2)
  return { finishMs: shutdownTimeoutMs - givingBackMs, graceMs: givingBackMs / 2 }
}
