import { ConfigError } from '../errors/errors.ts'
import type { Clock } from '../lib/clock.ts'
import type { TrackerPlace } from '../model/tracker-place.ts'
import type { Copied, CopyOptions } from './copy.ts'
import type { Ledger } from './ledger.ts'
import { exists } from './sqlite/copy.ts'
import { IN_MEMORY } from './sqlite/open.ts'
import { openSqliteLedger, openSqlitePrivate, openSqliteSnapshot, openSqliteTracker } from './sqlite.ts'
import type { Tracker, TrackerOptions } from './tracker.ts'

export interface TrackerAt {
  readonly place: TrackerPlace
  /** `file_tracker_table`, as the user named it. */
  readonly table: string
  readonly trackerOptions: TrackerOptions
  /** Of a SQLite tracker; one in Postgres goes by the clock of its server. */
  readonly clock: Clock
}

/** Makes the tracker where it is missing. The driver of a server is loaded where there is one. */
export async function openTracker({ place, ...at }: TrackerAt): Promise<Tracker> {
  if (place.kind === 'sqlite') return openSqliteTracker({ ...at, file: place.file })
  const { openPostgresTracker } = await import('./postgres.ts')
  return openPostgresTracker({ ...place, table: at.table, trackerOptions: at.trackerOptions })
}

/** Whether there is a tracker; nothing is made. */
export async function isTrackerThere({ place, table }: TrackerAt): Promise<boolean> {
  if (place.kind === 'sqlite') return exists(place.file)
  const { isPostgresThere } = await import('./postgres/open.ts')
  return isPostgresThere({ ...place, table })
}

/** A private copy, for a dry run: it may be written like the original, which stays as it is, and goes when it is closed. */
export async function openTrackerSnapshot(at: TrackerAt): Promise<Tracker> {
  const { place, ...rest } = at
  if (place.kind === 'sqlite') return openSqliteSnapshot({ ...rest, file: place.file })
  if (!(await isTrackerThere(at))) return openSqliteTracker({ ...rest, file: IN_MEMORY })
  // What became of files earlier changes nothing that a run does.
  return openSqlitePrivate({ ...rest, file: 'tracker.db' }, (file) =>
    copyTracker(at, { ...at, place: { kind: 'sqlite', file } }, { history: false, replace: false }),
  )
}

/** Copies all that a tracker knows, as of one moment, with its uuid. ConfigError `ING-TRACKER-COPY` for a target that holds files. */
export async function copyTracker(from: TrackerAt, to: TrackerAt, options: CopyOptions): Promise<Copied> {
  if (!(await isTrackerThere(from))) {
    throw new ConfigError('ING-TRACKER-COPY', 'there is no tracker to copy', [], { hint: 'it is made by the first run' })
  }
  const { copyRows } = await import('./copy.ts')
  const source = await openLedger(from)
  try {
    const target = await openLedger(to)
    try {
      return await copyRows(source, target, options)
    } finally {
      await target.db.destroy()
    }
  } finally {
    await source.db.destroy()
  }
}

async function openLedger({ place, ...at }: TrackerAt): Promise<Ledger> {
  if (place.kind === 'sqlite') return (await openSqliteLedger({ ...at, file: place.file })).ledger
  const { openPostgresLedger } = await import('./postgres.ts')
  return (await openPostgresLedger({ ...place, table: at.table, trackerOptions: at.trackerOptions })).ledger
}
