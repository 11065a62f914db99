import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { copySqlite } from '../../src/tracker/sqlite/copy.ts'
import { openSqliteSnapshot, openSqliteTracker, type SqliteTrackerOptions } from '../../src/tracker/sqlite.ts'
import type { Tracker } from '../../src/tracker/tracker.ts'
import { trackerContract } from './tracker.contract.ts'
import { ALL, FakeClock, type Harness, load, OPTIONS, OWNER, seen, statusOf, TABLE } from './tracker.support.ts'
import { trackerActivityContract } from './tracker-activity.contract.ts'
import { trackerLeasesContract } from './tracker-leases.contract.ts'
import { trackerPauseContract } from './tracker-pause.contract.ts'
import { trackerRecoveryContract } from './tracker-recovery.contract.ts'
import { trackerRestoreContract } from './tracker-restore.contract.ts'

const AWKWARD = 'it\'s a "tracker" as t.x'

async function sqliteHarness(): Promise<Harness> {
  const folder = await mkdtemp(join(tmpdir(), 'ingestd-test-'))
  const clock = new FakeClock()
  const opened: Tracker[] = []
  return {
    clock,
    open: async () => {
      const tracker = await openSqliteTracker({ file: join(folder, 'metadata.db'), table: AWKWARD, trackerOptions: OPTIONS, clock })
      opened.push(tracker)
      return tracker
    },
    close: async () => {
      for (const tracker of opened) await tracker[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

trackerContract('SQLite', sqliteHarness)
trackerLeasesContract('SQLite', sqliteHarness)
trackerRecoveryContract('SQLite', sqliteHarness)
trackerRestoreContract('SQLite', sqliteHarness)
trackerActivityContract('SQLite', sqliteHarness)
trackerPauseContract('SQLite', sqliteHarness)

describe('a SQLite file', () => {
  let folder: string
  let file: string
  let options: SqliteTrackerOptions
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ingestd-test-'))
    file = join(folder, 'state', 'metadata.db')
    options = { file, table: 'file_processing_tracker', trackerOptions: OPTIONS, clock: new FakeClock(), lockWaitMs: 100 }
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  async function filled(): Promise<void> {
    await using tracker = await openSqliteTracker(options)
    await load(tracker, [seen('/in/a.csv')], 0n)
    await tracker.admit(TABLE, [seen('/in/b.csv')], 'load')
  }

  test('its folder is made, and it is opened again with its id and its files', async () => {
    const first = await openSqliteTracker(options)
    await first.admit(TABLE, [seen('/in/a.csv')], 'load')
    await first[Symbol.asyncDispose]()
    await using second = await openSqliteTracker(options)
    expect(second.id).toBe(first.id)
    expect(await statusOf(second, '/in/a.csv')).toBe('pending')
  })

  test('it is made once when several processes open it at the same time', async () => {
    const trackers = await Promise.all(Array.from({ length: 4 }, () => openSqliteTracker({ ...options, lockWaitMs: 10_000 })))
    expect(new Set(trackers.map(({ id }) => id)).size).toBe(1)
    for (const tracker of trackers) await tracker[Symbol.asyncDispose]()
  })

  test('trackers with other table names in one database know nothing of each other', async () => {
    await filled()
    await using other = await openSqliteTracker({ ...options, table: AWKWARD })
    expect(await other.counts()).toEqual([])
    await other.admit(TABLE, [seen('/in/a.csv')], 'load')
    await using first = await openSqliteTracker(options)
    expect(await statusOf(first, '/in/a.csv')).toBe('completed')
    expect(other.id).not.toBe(first.id)
  })

  test('what is committed is synced, in a write-ahead log', async () => {
    await using tracker = await openSqliteTracker(options)
    await tracker.remember(TABLE, 'key', 'value')
    expect(await readdir(join(folder, 'state'))).toContain('metadata.db-wal')
  })

  test('a lock that is not given up in time is an error that says so, and nothing is written', async () => {
    await using tracker = await openSqliteTracker(options)
    const holder = new BetterSqlite(file)
    holder.exec('begin immediate')
    await expect(tracker.admit(TABLE, [seen('/in/a.csv')], 'load')).rejects.toMatchObject({
      name: 'UnavailableError',
      code: 'ING-TRACKER-LOCKED',
      message: `the tracker ${file} is locked by another process`,
      hint: 'wait until the other process is done, or stop it, and try again',
    })
    expect(await tracker.pendingCount(TABLE)).toBe(0)
    holder.exec('rollback')
    holder.close()
    expect((await tracker.admit(TABLE, [seen('/in/a.csv')], 'load')).admitted).toBe(1)
  })

  test('a lock that is given up in time is waited for', async () => {
    await using tracker = await openSqliteTracker({ ...options, lockWaitMs: 10_000 })
    const holder = new BetterSqlite(file)
    holder.exec('begin immediate')
    setTimeout(() => holder.exec('rollback'), 150)
    expect((await tracker.admit(TABLE, [seen('/in/a.csv')], 'load')).admitted).toBe(1)
    holder.close()
  })

  test('a reader waits for the moment in which nobody may read', async () => {
    await filled()
    const holder = new BetterSqlite(file)
    holder.exec('pragma locking_mode = exclusive; begin exclusive; create table x (y)')
    setTimeout(() => holder.close(), 150)
    await using reader = await openSqliteTracker({ ...options, lockWaitMs: 10_000 })
    expect(await statusOf(reader, '/in/a.csv')).toBe('completed')
  })

  test('a new tracker that another process holds is locked, too', async () => {
    await mkdir(join(folder, 'state'))
    const holder = new BetterSqlite(file)
    holder.exec('begin exclusive; create table x (y)')
    await expect(openSqliteTracker(options)).rejects.toMatchObject({ code: 'ING-TRACKER-LOCKED' })
    holder.close()
  })

  test('a file that is no database is damaged', async () => {
    await mkdir(join(folder, 'state'))
    await writeFile(file, 'this is not a database, but it is longer than the header of one'.repeat(20))
    await expect(openSqliteTracker(options)).rejects.toMatchObject({
      code: 'ING-TRACKER-CORRUPT',
      message: `the tracker ${file} is damaged: file is not a database`,
      hint: `restore a backup of ${file}, or make it anew from the tables: ingest tracker rebuild`,
    })
  })

  test('a damaged page is found when it is read', async () => {
    await filled()
    const bytes = await readFile(file)
    bytes.fill(0xff, 4096)
    await writeFile(file, bytes)
    const attempt = async () => {
      await using tracker = await openSqliteTracker(options)
      await tracker.admit(TABLE, [seen('/in/c.csv')], 'load')
    }
    await expect(attempt()).rejects.toMatchObject({ code: 'ING-TRACKER-CORRUPT' })
  })

  test('a tracker of a newer version is refused and left alone', async () => {
    await filled()
    const database = new BetterSqlite(file)
    database.exec("insert into file_processing_tracker_migrations values ('9999-future', '2030-01-01T00:00:00.000Z')")
    database.close()
    await expect(openSqliteTracker(options)).rejects.toMatchObject({
      code: 'ING-TRACKER-NEWER',
      message: `the tracker ${file} was written by a newer version of ingestd`,
    })
  })

  test('a place where no folder can be is unavailable', async () => {
    await writeFile(join(folder, 'state'), '')
    await expect(openSqliteTracker(options)).rejects.toMatchObject({ code: 'ING-TRACKER-UNAVAILABLE' })
    await expect(openSqliteTracker({ ...options, file: folder })).rejects.toMatchObject({ code: 'ING-TRACKER-UNAVAILABLE' })
  })
})

describe('a private copy of a tracker', () => {
  let folder: string
  let file: string
  let options: SqliteTrackerOptions
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ingestd-test-'))
    await mkdir(join(folder, 'state'))
    await mkdir(join(folder, 'temporary'))
    vi.stubEnv('TMPDIR', join(folder, 'temporary'))
    file = join(folder, 'state', 'metadata.db')
    options = { file, table: 'tracker', trackerOptions: OPTIONS, clock: new FakeClock() }
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    expect(await readdir(join(folder, 'temporary'))).toEqual([])
    await rm(folder, { recursive: true, force: true })
  })

  async function contents(): Promise<Readonly<Record<string, string>>> {
    const state = join(folder, 'state')
    const names = (await readdir(state)).sort()
    return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await readFile(join(state, name), 'base64')] as const)))
  }

  async function loadEverything(tracker: Tracker): Promise<void> {
    await tracker.lockTable(TABLE, OWNER, () => true)
    await load(tracker, [seen('/in/new.csv')], 9n)
  }

  test('a missing tracker is empty and is not made', async () => {
    await using copy = await openSqliteSnapshot({ ...options, file: join(folder, 'missing', 'metadata.db') })
    await loadEverything(copy)
    expect(await statusOf(copy, '/in/new.csv')).toBe('completed')
    expect(existsSync(join(folder, 'missing'))).toBe(false)
  })

  test('a closed tracker is copied, and its folder stays as it is byte for byte', async () => {
    const tracker = await openSqliteTracker(options)
    await load(tracker, [seen('/in/a.csv')], 0n)
    await tracker.admit(TABLE, [seen('/in/b.csv')], 'load')
    await tracker[Symbol.asyncDispose]()
    const before = await contents()
    expect(Object.keys(before)).toEqual(['metadata.db'])
    {
      await using copy = await openSqliteSnapshot(options)
      expect(copy.id).toBe(tracker.id)
      await loadEverything(copy)
      expect((await copy.counts()).map(({ completed: files }) => files)).toEqual([3])
      expect(await contents()).toEqual(before)
    }
    expect(await contents()).toEqual(before)
  })

  test('a tracker that another process has open is copied with what stands in its log', async () => {
    await using tracker = await openSqliteTracker(options)
    await tracker.admit(TABLE, [seen('/in/a.csv')], 'load')
    const before = await contents()
    expect(Object.keys(before)).toEqual(['metadata.db', 'metadata.db-shm', 'metadata.db-wal'])
    await using copy = await openSqliteSnapshot(options)
    await loadEverything(copy)
    expect(await statusOf(copy, '/in/a.csv')).toBe('completed')
    expect(await contents()).toEqual(before)
    expect(await statusOf(tracker, '/in/a.csv')).toBe('pending')
    expect((await tracker.claim(TABLE, OWNER, ALL))?.files).toHaveLength(1)
  })

  test('what a killed process left in its log is in the copy, and stays in the log', async () => {
    const tracker = await openSqliteTracker(options)
    await tracker.admit(TABLE, [seen('/in/a.csv')], 'load')
    const left = await contents()
    await tracker[Symbol.asyncDispose]()
    for (const name of ['metadata.db', 'metadata.db-wal'])
      await writeFile(join(folder, 'state', name), Buffer.from(left[name] ?? '', 'base64'))
    const before = await contents()
    await using copy = await openSqliteSnapshot(options)
    expect(await statusOf(copy, '/in/a.csv')).toBe('pending')
    expect(await contents()).toEqual(before)
  })

  test('a copy that is taken while the tracker is written is one state of it', async () => {
    await using tracker = await openSqliteTracker(options)
    const pages = Array.from({ length: 20 }, (_, page) => Array.from({ length: 200 }, (_, index) => seen(`/in/${page}/${index}.csv`)))
    const writing = (async () => {
      for (const page of pages) {
        await tracker.admit(TABLE, page, 'load')
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    for (let round = 0; round < 5; round += 1) {
      await using copy = await openSqliteSnapshot(options)
      expect((await copy.pendingCount(TABLE)) % 200).toBe(0)
    }
    await writing
    expect(await tracker.pendingCount(TABLE)).toBe(4_000)
  })

  test('a tracker that never rests is copied through its own lock', async () => {
    await using tracker = await openSqliteTracker(options)
    await tracker.admit(TABLE, [seen('/in/a.csv')], 'load')
    const copied = join(folder, 'copy.db')
    await copySqlite(file, copied, 0)
    await using copy = await openSqliteTracker({ ...options, file: copied })
    expect(await statusOf(copy, '/in/a.csv')).toBe('pending')
  })

  test('errors name the original', async () => {
    await writeFile(file, 'no database'.repeat(500))
    await expect(openSqliteSnapshot(options)).rejects.toMatchObject({
      code: 'ING-TRACKER-CORRUPT',
      message: `the tracker ${file} is damaged: file is not a database`,
    })
  })
})
