import { expect, test } from 'vitest'
import type { Tracker } from '../../src/tracker/tracker.ts'
import {
  ALL,
  claimAll,
  describeTracker,
  failed,
  type Harness,
  list,
  load,
  manifest,
  movesOf,
  OWNER,
  outcome,
  START,
  seen,
  statusOf,
  TABLE,
} from './tracker.support.ts'

/** What every tracker does when something went wrong, by hand, and when it is asked. */
const NO_CLEAN_UPS = { due: 0, failed: 0, last_error: null, next_attempt_at: null }

export function trackerRecoveryContract(name: string, make: () => Promise<Harness>): void {
  describeTracker(`${name}: retries, recovery, reading`, make, (tracker, harness) => {
    retryTests(tracker, harness)
    adoptTests(tracker)
    manualTests(tracker)
    readTests(tracker, harness)
  })
}

function retryTests(tracker: () => Tracker, harness: () => Harness): void {
  test('a transient failure is tried again by backoff until the attempts are used up', async () => {
    const { clock } = harness()
    await tracker().admit(TABLE, [seen('/in/a.csv')], 'load')
    const waits: (number | null)[] = []
    for (let attempt = 0; attempt < 4; attempt += 1) {
      await tracker().settle(TABLE, OWNER, outcome(await claimAll(tracker()), null, [failed('/in/a.csv', 'later')]))
      const file = await tracker().file(TABLE, '/in/a.csv')
      expect(file?.retry_count).toBe(attempt)
      waits.push(file?.next_attempt_at == null ? null : Date.parse(file.next_attempt_at) - clock.ms)
      clock.ms += 4_999
      expect(await tracker().requeueDue(TABLE)).toBe(0)
      clock.ms += 10_001
      expect(await tracker().requeueDue(TABLE)).toBe(attempt < 3 ? 1 : 0)
    }
    expect(waits).toEqual([5_000, 10_000, 15_000, null])
    expect(await tracker().file(TABLE, '/in/a.csv')).toMatchObject({ status: 'failed', retry_count: 3, error_code: 'ING-STORAGE' })
    expect((await movesOf(tracker(), '/in/a.csv')).filter((move) => move.startsWith('failed>'))).toEqual(
      Array(3).fill('failed>pending automatic retry'),
    )
  })

  test('a failure of the content waits for a hand', async () => {
    await tracker().admit(TABLE, [seen('/in/a.csv')], 'load')
    await tracker().settle(TABLE, OWNER, outcome(await claimAll(tracker()), null, [failed('/in/a.csv')]))
    harness().clock.ms += 1_000_000_000
    expect(await tracker().requeueDue(TABLE)).toBe(0)
    expect(await tracker().retry({ tables: [TABLE] })).toBe(1)
    expect(await movesOf(tracker(), '/in/a.csv')).toContain('failed>pending retried by hand')
  })
}

function adoptTests(tracker: () => Tracker): void {
  test('a manifest of the log makes its files completed, whatever the tracker thought', async () => {
    const files = ['new', 'pending', 'failed', 'skipped'].map((name) => seen(`/in/${name}.csv`))
    await tracker().admit(TABLE, [seen('/in/failed.csv')], 'load')
    await tracker().settle(TABLE, OWNER, outcome(await claimAll(tracker()), null, [failed('/in/failed.csv', 'later')]))
    await tracker().admit(TABLE, [seen('/in/pending.csv'), seen('/in/skipped.csv')], 'load')
    await tracker().skip({ paths: ['/in/skipped.csv'] }, 'by hand')
    expect(await tracker().adoptManifest(manifest('batch-7', 7n, files), 3n)).toBe(true)
    for (const { path } of files) {
      expect(await tracker().file(TABLE, path)).toMatchObject({
        ...{ status: 'completed', batch_id: 'batch-7', table_version: 3, rows_read: 10, rows_loaded: 7, bytes: 100 },
        ...{ error_message: null, next_attempt_at: null, status_reason: null },
      })
      expect((await movesOf(tracker(), path)).at(-1)).toMatch(/>completed found in the table's log$/)
    }
    expect(await tracker().lastCommittedBatch(TABLE)).toBe(7n)
    expect(await tracker().adoptManifest(manifest('batch-7', 7n, files), 3n)).toBe(false)
    await tracker().admit(TABLE, [seen('/in/next.csv')], 'load')
    expect((await claimAll(tracker())).number).toBe(8n)
  })

  test('the same number under another id is another batch', async () => {
    await tracker().admit(TABLE, [seen('/in/a.csv')], 'load')
    const own = await claimAll(tracker())
    await tracker().settle(TABLE, OWNER, outcome(own, null, []))
    expect(await tracker().adoptManifest(manifest('batch-of-the-log', own.number, [seen('/in/a.csv')]), 0n)).toBe(true)
    expect(await statusOf(tracker(), '/in/a.csv')).toBe('completed')
  })

  test('a batch that was in flight when its process died is adopted, and its settlement comes too late', async () => {
    await tracker().admit(TABLE, [seen('/in/a.csv'), seen('/in/b.csv')], 'load')
    const batch = await claimAll(tracker())
    expect(await tracker().adoptManifest(manifest(batch.id, batch.number, [seen('/in/a.csv')]), 0n)).toBe(true)
    expect(await tracker().settle(TABLE, OWNER, outcome(batch, null, []))).toBe(false)
    expect(await statusOf(tracker(), '/in/a.csv')).toBe('completed')
  })

  test('manifests may be adopted in any order: the newest load of a path stays', async () => {
    const newer = seen('/in/a.csv', { size: 200n })
    await tracker().adoptManifest(manifest('batch-2', 2n, [newer], 1n), 1n)
    await tracker().adoptManifest(manifest('batch-1', 1n, [seen('/in/a.csv')]), 0n)
    expect(await tracker().file(TABLE, '/in/a.csv')).toMatchObject({ batch_id: 'batch-2', file_size: 200 })
    expect(await tracker().lastCommittedBatch(TABLE)).toBe(2n)
  })

  test('a batch that committed late takes its files from the batch that followed', async () => {
    await tracker().admit(TABLE, [seen('/in/a.csv'), seen('/in/b.csv')], 'load')
    const batch = await claimAll(tracker())
    await tracker().adoptManifest(manifest('late', 1n, [seen('/in/a.csv')]), 0n)
    await tracker().settle(TABLE, OWNER, outcome(batch, null, []))
    expect(await statusOf(tracker(), '/in/a.csv')).toBe('completed')
    expect(await statusOf(tracker(), '/in/b.csv')).toBe('pending')
  })
}

function manualTests(tracker: () => Tracker): void {
  test('skip takes pending and failed files, retry brings failed and skipped ones back', async () => {
    await load(tracker(), [seen('/in/done.csv')], 0n)
    await tracker().admit(TABLE, [seen('/in/bad.csv')], 'load')
    await tracker().settle(TABLE, OWNER, outcome(await claimAll(tracker()), null, [failed('/in/bad.csv')]))
    await tracker().admit(TABLE, [seen('/in/new.csv')], 'load')
    expect(await tracker().skip({ tables: [TABLE] }, 'not wanted')).toBe(2)
    expect(await tracker().file(TABLE, '/in/new.csv')).toMatchObject({ status: 'skipped', status_reason: 'not wanted' })
    expect(await tracker().retry({ paths: ['/in/bad.csv', '/in/done.csv', '/in/unknown.csv'] })).toBe(1)
    expect(await tracker().retry({ status: 'failed' })).toBe(0)
    expect(await tracker().retry({ status: 'pending' })).toBe(0)
    expect(await tracker().retry({ tables: ['other.table'] })).toBe(0)
    expect(await tracker().retry({})).toBe(1)
    expect(await statusOf(tracker(), '/in/done.csv')).toBe('completed')
    expect(await movesOf(tracker(), '/in/new.csv')).toEqual([
      '>pending seen',
      'pending>skipped not wanted',
      'skipped>pending retried by hand',
    ])
  })

  test('a limit takes the first files by path', async () => {
    await tracker().admit(
      TABLE,
      ['c', 'a', 'b'].map((name) => seen(`/in/${name}.csv`)),
      'load',
    )
    expect(await tracker().skip({ limit: 1 }, 'x')).toBe(1)
    expect(await tracker().skip({ limit: 1, paths: ['/in/c.csv', '/in/b.csv'] }, 'x')).toBe(1)
    expect((await list(tracker(), { status: 'skipped' })).map((file) => file.file_path)).toEqual(['/in/a.csv', '/in/b.csv'])
  })

  test('older snapshots are passed over with their reason', async () => {
    await tracker().admit(TABLE, [seen('/in/1.csv'), seen('/in/2.csv')], 'load')
    expect(await tracker().skipPending(TABLE, ['/in/1.csv'], 'an older snapshot')).toBe(1)
    expect(await tracker().skipPending(TABLE, ['/in/1.csv'], 'an older snapshot')).toBe(0)
    expect(await tracker().skipPending(TABLE, [], 'an older snapshot')).toBe(0)
    expect((await tracker().pendingFiles(TABLE)).map(({ path }) => path)).toEqual(['/in/2.csv'])
  })

  test('replay brings completed files back, some or all', async () => {
    await load(
      tracker(),
      ['a', 'b', 'c'].map((name) => seen(`/in/${name}.csv`)),
      0n,
    )
    expect(await tracker().replay(TABLE, ['/in/b.csv', '/in/unknown.csv'], 'by hand')).toBe(1)
    expect(await tracker().file(TABLE, '/in/b.csv')).toMatchObject({
      status: 'pending',
      status_reason: 'by hand',
      rows_loaded: null,
      table_version: null,
    })
    expect(await tracker().replay(TABLE, null, 'full drop')).toBe(2)
    expect(await tracker().replay(TABLE, [], 'nothing')).toBe(0)
    expect(await movesOf(tracker(), '/in/a.csv')).toContain('completed>pending full drop')
  })

  test('a reopened folder is its own files, not those below it or beside it', async () => {
    const paths = ['/in/d/a.csv', '/in/d/%.csv', '/in/d/sub/b.csv', '/in/d-2/c.csv', '/in/d0.csv', '/in/d', '/top.csv']
    await load(
      tracker(),
      paths.map((path) => seen(path)),
      0n,
    )
    expect(await tracker().reopenFolders(TABLE, ['/in/d'], 'a late file')).toBe(2)
    expect((await tracker().pendingFiles(TABLE)).map(({ path }) => path)).toEqual(['/in/d/%.csv', '/in/d/a.csv'])
    expect(await tracker().reopenFolders(TABLE, ['/'], 'a late file')).toBe(1)
    expect(await tracker().reopenFolders(TABLE, [], 'a late file')).toBe(0)
  })

  test('the newest loaded unit is by modified time, then path', async () => {
    expect(await tracker().newestLoaded(TABLE)).toBeUndefined()
    await load(
      tracker(),
      [seen('/in/b.csv', { modifiedNs: 5n }), seen('/in/a.csv', { modifiedNs: 5n }), seen('/in/z.csv', { modifiedNs: 4n })],
      0n,
    )
    await tracker().admit(TABLE, [seen('/in/pending.csv', { modifiedNs: 9n })], 'load')
    expect(await tracker().newestLoaded(TABLE)).toEqual({ unit: '/in/b.csv', modifiedNs: 5n, path: '/in/b.csv' })
  })
}

function readTests(tracker: () => Tracker, harness: () => Harness): void {
  test('files stream by table and path, filtered and limited', async () => {
    await tracker().admit(
      TABLE,
      Array.from({ length: 2_500 }, (_, index) => seen(`/in/${index}.csv`)),
      'load',
    )
    await tracker().admit('a.first', [seen('/in/x.csv')], 'load')
    await tracker().skip({ paths: ['/in/7.csv', '/in/2400.csv'] }, 'x')
    const files = await list(tracker())
    expect(files).toHaveLength(2_501)
    expect(files[0]?.table_name).toBe('a.first')
    const paths = files.slice(1).map((file) => file.file_path)
    expect(paths).toEqual([...paths].sort())
    expect((await list(tracker(), { tables: [TABLE], limit: 3 })).map((file) => file.file_path)).toEqual([
      '/in/0.csv',
      '/in/1.csv',
      '/in/10.csv',
    ])
    expect((await list(tracker(), { status: 'skipped' })).map((file) => file.file_path)).toEqual(['/in/2400.csv', '/in/7.csv'])
    expect(await list(tracker(), { status: 'failed' })).toEqual([])
    expect((await list(tracker(), { paths: ['/in/x.csv', '/in/5.csv'] })).map((file) => file.file_path)).toEqual(['/in/x.csv', '/in/5.csv'])
    expect(await list(tracker(), { tables: ['unknown.table'] })).toEqual([])
  })

  test('a tracked file has every column, with times in UTC', async () => {
    await tracker().admit(TABLE, [seen('/in/a.csv')], 'load')
    expect(await tracker().file(TABLE, '/in/a.csv')).toEqual({
      ...{ file_path: '/in/a.csv', file_size: 100, file_modified_time: '2023-11-14T22:13:20.000Z', table_name: TABLE, status: 'pending' },
      ...{ processing_start_time: null, processing_end_time: null, error_message: null, retry_count: 0 },
      ...{ created_at: '2026-01-01T00:00:00.000Z', updated_at: '2026-01-01T00:00:00.000Z', file_version: '100-1700000000000000001' },
      ...{ batch_id: null, table_version: null, next_attempt_at: null, lease_owner: null, lease_expires_at: null },
      ...{ held_reason: null, status_reason: null, rows_read: null, rows_loaded: null, rows_rejected: null, rows_filtered: null },
      ...{ rows_deduplicated: null, bytes: null, error_code: null, error_class: null },
      ...{ replaces: false, clean_up_status: null, clean_up_path: null, clean_up_reason: null, clean_up_attempts: null },
      ...{ clean_up_next_at: null },
    })
    expect(await tracker().file(TABLE, '/in/unknown.csv')).toBeUndefined()
    expect(await tracker().history(TABLE, '/in/unknown.csv')).toEqual([])
  })

  test('counts sum up each table, also one that is unknown', async () => {
    await load(tracker(), [seen('/in/a.csv'), seen('/in/b.csv')], 0n)
    harness().clock.ms = START + 1_000
    await tracker().admit(TABLE, [seen('/in/c.csv'), seen('/in/d.csv')], 'load')
    const batch = await tracker().claim(TABLE, OWNER, { ...ALL, maxFiles: 1 })
    if (batch) await tracker().settle(TABLE, OWNER, outcome(batch, null, [failed('/in/c.csv')]))
    const orders = {
      ...{
        table_name: TABLE,
        pending: 1,
        processing: 0,
        completed: 2,
        failed: 1,
        skipped: 0,
        rows_loaded: 20,
        rows_rejected: 2,
        bytes: 200,
      },
      ...{ last_loaded_at: '2026-01-01T00:00:00.000Z', last_error: "/in/c.csv line 3: 'x' is no number", paused: false },
      ...{ held: 0, waiting_since: '2026-01-01T00:00:01.000Z', next_attempt_at: null, clean_ups: NO_CLEAN_UPS },
    }
    const unknown = {
      ...{
        table_name: 'new.table',
        pending: 0,
        processing: 0,
        completed: 0,
        failed: 0,
        skipped: 0,
        rows_loaded: 0,
        rows_rejected: 0,
        bytes: 0,
      },
      ...{
        last_loaded_at: null,
        last_error: null,
        paused: false,
        held: 0,
        waiting_since: null,
        next_attempt_at: null,
        clean_ups: NO_CLEAN_UPS,
      },
    }
    expect(await tracker().counts()).toEqual([orders])
    expect(await tracker().counts(['new.table', TABLE])).toEqual([unknown, orders])
  })

  test('what is remembered of a table is recalled by another process', async () => {
    await tracker().remember(TABLE, 'delta id', '"a"')
    await tracker().remember(TABLE, 'delta id', '"b"')
    const other = await harness().open()
    expect(await other.recall(TABLE, 'delta id')).toBe('"b"')
    expect(await other.recall('other.table', 'delta id')).toBeUndefined()
    expect(other.id).toBe(tracker().id)
    expect(tracker().id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  })

  test('batches come newest first', async () => {
    await load(tracker(), [seen('/in/a.csv')], 0n)
    await load(tracker(), [seen('/in/b.csv')], 1n)
    await tracker().admit(TABLE, [seen('/in/c.csv')], 'load')
    await claimAll(tracker())
    expect((await tracker().batches(TABLE, 2)).map(({ batch_number, status, ended_at }) => [batch_number, status, ended_at])).toEqual([
      [3, 'processing', null],
      [2, 'committed', '2026-01-01T00:00:00.000Z'],
    ])
    expect(await tracker().lastCommittedBatch(TABLE)).toBe(2n)
  })
}
