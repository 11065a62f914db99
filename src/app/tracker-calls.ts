import type { ResolvedConfig } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Owner } from '../pipeline/recover.ts'
import type { TrackedFile, Tracker } from '../tracker/tracker.ts'
import type { TrackerCalls } from './ingest.ts'
import type { TableWork } from './table-work.ts'
import { adoptTracked } from './tracker-adopt.ts'
import { backUpTracker } from './tracker-backup.ts'
import { copyTrackerTo } from './tracker-copy.ts'
import { pruneTracker } from './tracker-prune.ts'
import { publishTracker } from './tracker-publish.ts'
import { type RebuildWork, rebuildTracker } from './tracker-rebuild.ts'

interface TrackerAt {
  readonly config: ResolvedConfig
  readonly owner: Owner
  readonly clock: Clock
  readonly opened: () => Promise<Tracker>
  /** Closes the tracker; the next call opens it again. */
  readonly closed: () => Promise<void>
  readonly rebuilding: <T>(act: (work: RebuildWork) => Promise<T>) => Promise<T>
  /** The tracker's rows of files; none without a tracker. */
  readonly files: (tables: readonly string[] | undefined) => AsyncIterable<TrackedFile>
  readonly working: <T>(act: (work: TableWork) => Promise<T>, signal?: AbortSignal) => Promise<T>
}

/** What is done with the tracker itself. */
export function trackerCalls({ config, owner, clock, opened, closed, files, rebuilding, working }: TrackerAt): TrackerCalls {
  return {
    rebuild: async ({ force = false } = {}) => {
      await closed()
      return rebuilding((work) => rebuildTracker({ force }, work))
    },
    backup: ({ file } = {}) => backUpTracker(config, file, clock),
    copy: async (asked) => {
      await closed()
      return copyTrackerTo(asked, { config, owner, clock })
    },
    prune: async ({ olderThanDays, dryRun = false } = {}) =>
      pruneTracker(await opened(), { days: olderThanDays ?? config.trackerCare.retentionDays, dryRun }),
    export: async (asked) => (await import('./tracker-export.ts')).exportTracker(files(asked.tables), asked, config),
    publish: ({ signal } = {}) => working(publishTracker, signal),
    adopt: (table) => working((work) => adoptTracked(table, work)),
  }
}
