import { mkdir, readdir, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { ResolvedConfig } from '../config/config.ts'
import { ConfigError } from '../errors/errors.ts'
import type { Clock } from '../lib/clock.ts'
import type { BackupReport } from '../model/tracker-report.ts'
import { copyTracker, isTrackerThere } from '../tracker/open.ts'
import { backUpSqlite } from '../tracker/sqlite/backup.ts'
import { shownTracker, trackerAt, trackerPlace } from './tracker-options.ts'

/** Backups of `backup_tracker_before_run` that are kept. */
const KEPT = 10
const BEFORE_RUN = 'before-run'

/** Copies the tracker to a new file, `<checkpoint_path>/backups/…` where none is named. One in Postgres becomes a file of SQLite. */
export async function backUpTracker(config: ResolvedConfig, file: string | undefined, clock: Clock): Promise<BackupReport> {
  if (!(await isTrackerThere(trackerAt(config, clock)))) {
    throw new ConfigError('ING-TRACKER-BACKUP', `there is no tracker ${shownTracker(trackerPlace(config))} to back up`, [], {
      hint: 'it is made by the first run; see checkpoint_path',
    })
  }
  return backedUp(config, file === undefined ? inFolder(config, stampOf(clock)) : resolve(file), clock)
}

/** With `backup_tracker_before_run`, and where there is a tracker: the newest ten are kept. */
export async function backUpBeforeRun(config: ResolvedConfig, clock: Clock): Promise<void> {
  if (!config.trackerCare.backUpBeforeRun || !(await isTrackerThere(trackerAt(config, clock)))) return
  const { file } = await backedUp(config, inFolder(config, `${BEFORE_RUN}-${stampOf(clock)}`), clock)
  const folder = dirname(file)
  const prefix = `${basename(config.trackerFile, '.db')}-${BEFORE_RUN}-`
  const older = (await readdir(folder)).filter((name) => name.startsWith(prefix) && name.endsWith('.db')).sort()
  for (const name of older.slice(0, -KEPT)) await rm(join(folder, name), { force: true })
}

async function backedUp(config: ResolvedConfig, file: string, clock: Clock): Promise<BackupReport> {
  await mkdir(dirname(file), { recursive: true })
  if (config.trackerUrl === null) return { file, bytes: await backUpSqlite(config.trackerFile, file) }
  const copied = `${file}.copy`
  try {
    await removeDatabase(copied)
    await copyTracker(trackerAt(config, clock), trackerAt(config, clock, { kind: 'sqlite', file: copied }), {
      history: true,
      replace: false,
    })
    return { file, bytes: await backUpSqlite(copied, file) }
  } finally {
    await removeDatabase(copied)
  }
}

/** A file of SQLite with what lies beside it. */
export async function removeDatabase(file: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm']) await rm(`${file}${suffix}`, { force: true })
}

function inFolder(config: ResolvedConfig, name: string): string {
  return join(config.checkpointPath, 'backups', `${basename(config.trackerFile, '.db')}-${name}.db`)
}

function stampOf(clock: Clock): string {
  return new Date(clock.now()).toISOString().replaceAll(/[:.]/g, '-')
}
