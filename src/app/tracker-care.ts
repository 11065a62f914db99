import type { ResolvedConfig } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Tracker } from '../tracker/tracker.ts'
import { backUpBeforeRun } from './tracker-backup.ts'
import { pruneAfterRun } from './tracker-prune.ts'

export interface TrackerCareAt {
  readonly config: ResolvedConfig
  readonly clock: Clock
  readonly tracker: () => Promise<Tracker>
  /** Told of what went wrong beside the work. */
  readonly warn: (problem: string, cause: unknown) => void
}

const DAY_MS = 24 * 3600 * 1000

/** A run with what the config asks for around it: a backup before, and old history forgotten after. */
export async function caredFor<T>(at: TrackerCareAt, work: () => Promise<T>): Promise<T> {
  await backUpBeforeRun(at.config, at.clock)
  const result = await work()
  await prune(at)
  return result
}

/** The same around a daemon, which forgets once a day. */
export async function caredForDaily<T>(at: TrackerCareAt, work: () => Promise<T>): Promise<T> {
  await backUpBeforeRun(at.config, at.clock)
  const timer = setInterval(() => void prune(at), DAY_MS)
  try {
    return await work()
  } finally {
    clearInterval(timer)
  }
}

/** What is loaded is loaded, whatever becomes of old history. */
async function prune({ config, tracker, warn }: TrackerCareAt): Promise<void> {
  try {
    await pruneAfterRun(config, await tracker())
  } catch (error) {
    warn('old history of the tracker could not be pruned', error)
  }
}
