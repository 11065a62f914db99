import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import type { Ledger } from './ledger.ts'
import { sqlTracker } from './sql-tracker.ts'
import { copySqlite, exists } from './sqlite/copy.ts'
import { trackerError } from './sqlite/errors.ts'
import { IN_MEMORY, openSqlite } from './sqlite/open.ts'
import { sqliteDialect } from './sqlite/rows.ts'
import type { Tracker, TrackerOptions } from './tracker.ts'

const LOCK_WAIT_MS = 10_000

export interface SqliteTrackerOptions {
  /** Its folder is made where it is missing. */
  readonly file: string
  /** `file_tracker_table`, as the user named it. */
  readonly table: string
  readonly trackerOptions: TrackerOptions
  readonly clock: Clock
  /** The uuid of a tracker that is made; a new one when left out. */
  readonly id?: string | undefined
  /** How long another process may hold the lock before a call fails with `ING-TRACKER-LOCKED`; ten seconds when left out. */
  readonly lockWaitMs?: number | undefined
}

export async function openSqliteTracker(options: SqliteTrackerOptions): Promise<Tracker> {
  return openAt(options.file, options)
}

async function openAt(file: string, options: SqliteTrackerOptions): Promise<Tracker> {
  const { ledger, id } = await openSqliteLedger(options, file)
  return sqlTracker(ledger, id, () => ledger.db.destroy())
}

/** What the parts of a tracker work with; `file` where it is a private copy. */
export async function openSqliteLedger(
  options: SqliteTrackerOptions,
  file = options.file,
): Promise<{ readonly ledger: Ledger; readonly id: string }> {
  const { table, clock, trackerOptions, lockWaitMs = LOCK_WAIT_MS } = options
  const { db, id } = await openSqlite({ file, shownAs: options.file, table, lockWaitMs, newId: options.id })
  return { ledger: { db, dialect: sqliteDialect, clock, options: trackerOptions }, id }
}

/**
 * A private copy of a tracker, for a dry run: it may be written like the original, and goes when it is closed. The
 * folder of the original stays as it is, byte for byte; a missing tracker is an empty one, in memory.
 */
export async function openSqliteSnapshot(options: SqliteTrackerOptions): Promise<Tracker> {
  try {
    return (await exists(options.file)) ? await openCopy(options) : await openAt(IN_MEMORY, options)
  } catch (error) {
    throw trackerError(error, options.file)
  }
}

async function openCopy(options: SqliteTrackerOptions): Promise<Tracker> {
  return openSqlitePrivate(options, (copy) => copySqlite(options.file, copy))
}

/** A tracker in a temporary file that is filled first, and goes when it is closed; errors name the file of `options`. */
export async function openSqlitePrivate(options: SqliteTrackerOptions, fill: (file: string) => Promise<unknown>): Promise<Tracker> {
  const folder = await mkdtemp(join(tmpdir(), 'ingestd-tracker-'))
  const discard = () => rm(folder, { recursive: true, force: true })
  try {
    const copy = join(folder, 'tracker.db')
    await fill(copy)
    const tracker = await openAt(copy, options)
    const close = async () => {
      await tracker[Symbol.asyncDispose]()
      await discard()
    }
    return { ...tracker, [Symbol.asyncDispose]: close }
  } catch (error) {
    await discard()
    throw error
  }
}
