import { setImmediate } from 'node:timers/promises'
import type { TableConfig } from '../model/table.ts'
import type { Tracker } from '../tracker/tracker.ts'

/** What the tracker remembers of a table with `include_existing: false` once it was listed. */
export const FIRST_LISTING = 'first_listing'

/** Why files of such a table are skipped. */
export const EXISTED = 'it was there before the first run (include_existing: false)'

const AT_ONCE = { maxFiles: 2500, maxBytes: 2n ** 62n }

interface FirstListing {
  readonly table: TableConfig
  readonly tracker: Tracker
  readonly signal: AbortSignal
}

/** Some thousand at a time, since there may be millions; what a run that died left over, the next one skips. */
export async function skipExisting({ table, tracker, signal }: FirstListing): Promise<void> {
  for (;;) {
    const files = await tracker.pendingFiles(table.name, AT_ONCE)
    const paths = files.map(({ path }) => path)
    if ((await tracker.skipPending(table.name, paths, EXISTED)) === 0) return
    signal.throwIfAborted()
    await setImmediate()
  }
}
