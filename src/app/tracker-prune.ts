import type { ResolvedConfig } from '../config/config.ts'
import { ConfigError } from '../errors/errors.ts'
import type { PruneReport } from '../model/tracker-report.ts'
import type { Tracker } from '../tracker/tracker.ts'

const DAY_MS = 24 * 3600 * 1000

interface Asked {
  readonly days: number | null
  readonly dryRun: boolean
}

/** Forgets history that is older than so many days. ConfigError where neither the caller nor the config says how many. */
export async function pruneTracker(tracker: Tracker, { days, dryRun }: Asked): Promise<PruneReport> {
  if (days === null) {
    throw new ConfigError('ING-TRACKER-RETENTION', 'how old may history become?', [], {
      hint: 'give --older-than DAYS, or set tracker_retention_days',
    })
  }
  const beforeMs = tracker.now() - days * DAY_MS
  return { dry_run: dryRun, before: new Date(beforeMs).toISOString(), ...(await tracker.prune(beforeMs, dryRun)) }
}

/** With `tracker_retention_days`. */
export async function pruneAfterRun({ trackerCare }: ResolvedConfig, tracker: Tracker): Promise<void> {
  if (trackerCare.retentionDays !== null) await pruneTracker(tracker, { days: trackerCare.retentionDays, dryRun: false })
}
