import type { TrackerCalls } from './ingest.ts'
import type { TableWork } from './table-work.ts'
import { adoptTracked } from './tracker-adopt.ts'
import { type RebuildWork, rebuildTracker } from './tracker-rebuild.ts'

interface TrackerAt {
  /** Closes the tracker; the next call opens it again. */
  readonly closed: () => Promise<void>
  readonly rebuilding: <T>(act: (work: RebuildWork) => Promise<T>) => Promise<T>
  readonly working: <T>(act: (work: TableWork) => Promise<T>) => Promise<T>
}

/** What is done with the tracker itself. */
export function trackerCalls({ closed, rebuilding, working }: TrackerAt): TrackerCalls {
  return {
    rebuild: async ({ force = false } = {}) => {
      await closed()
      return rebuilding((work) => rebuildTracker({ force }, work))
    },
    adopt: (table) => working((work) => adoptTracked(table, work)),
  }
}
