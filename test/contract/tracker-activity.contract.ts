import { expect, test } from 'vitest'
import type { ActivityNote } from '../../src/model/activity.ts'
import type { Tracker } from '../../src/tracker/tracker.ts'
import {
  claimAll,
  completed,
  describeTracker,
  failed,
  type Harness,
  load,
  OTHER,
  OWNER,
  outcome,
  START,
  seen,
  TABLE,
} from './tracker.support.ts'

const AT = new Date(START).toISOString()

/** What a tracker tells of processes at work and of the last minutes. */
export function trackerActivityContract(name: string, make: () => Promise<Harness>): void {
  describeTracker(`${name}: activity`, make, (tracker, harness) => {
    activityTests(tracker, harness)
    scheduleTests(tracker)
    throughputTests(tracker, harness)
    countTests(tracker, harness)
    lookTests(tracker, harness)
  })
}

function activityTests(tracker: () => Tracker, harness: () => Harness): void {
  test('what an owner does replaces what it did before, and another owner is not touched', async () => {
    await tracker().noteActivity(OWNER, [note('a.one'), note('a.two')])
    await tracker().noteActivity(OTHER, [note('a.three')])
    harness().clock.ms += 1500
    await tracker().noteActivity(OWNER, [note('a.two', { files_done: 3, bytes_done: 2 ** 40, fraction: 0.4567 })])
    expect(await tracker().activity()).toEqual([
      { ...note('a.three'), owner: OTHER, updated_at: AT },
      {
        ...note('a.two', { files_done: 3, bytes_done: 2 ** 40, fraction: 0.456 }),
        owner: OWNER,
        updated_at: '2026-01-01T00:00:01.500Z',
      },
    ])
    await tracker().noteActivity(OWNER, [])
    expect((await tracker().activity()).map(({ table_name: table }) => table)).toEqual(['a.three'])
  })

  test('what a process left behind that is gone is not told', async () => {
    await tracker().noteActivity(OWNER, [note('a.one')])
    harness().clock.ms += 61_000
    expect(await tracker().activity()).toEqual([])
    await tracker().noteActivity(OTHER, [note('a.two')])
    harness().clock.ms -= 61_000
    expect((await tracker().activity()).map(({ owner }) => owner)).toEqual([OTHER])
  })

  test('a daemon is known from its first note to its end', async () => {
    const daemon = { pid: 77, host: 'h', version: '1.2.3', started_at: AT, http: null, state: 'running' as const }
    await tracker().noteDaemon(OTHER, { ...daemon, state: 'standby' })
    harness().clock.ms += 1000
    const later = '2026-01-01T00:00:01.000Z'
    await tracker().noteDaemon(OWNER, daemon)
    await tracker().noteDaemon(OWNER, { ...daemon, http: 'http://127.0.0.1:9464' })
    expect(await tracker().daemons()).toEqual([
      { ...daemon, owner: OWNER, heartbeat_at: later, http: 'http://127.0.0.1:9464' },
      { ...daemon, owner: OTHER, heartbeat_at: AT, state: 'standby' },
    ])
    await tracker().noteDaemon(OWNER, null)
    expect((await tracker().daemons()).map(({ owner }) => owner)).toEqual([OTHER])
  })

  test('daemons share the work while they run and are heard of', async () => {
    const daemon = { pid: 77, host: 'h', version: '1.2.3', started_at: AT, http: null, state: 'running' as const }
    await tracker().noteDaemon(OWNER, daemon)
    harness().clock.ms += 15_000
    await tracker().noteDaemon(OTHER, daemon)
    await tracker().noteDaemon('host:3:cccc', { ...daemon, state: 'stopping' })
    expect(await tracker().peers(20_000)).toEqual([OWNER, OTHER])
    harness().clock.ms += 5001
    expect(await tracker().peers(20_000)).toEqual([OTHER])
    harness().clock.ms += 86_400_000
    await tracker().noteDaemon('host:3:cccc', null)
    expect(await tracker().daemons()).toEqual([])
  })
}

function scheduleTests(tracker: () => Tracker): void {
  test('a note of a table changes only what it names, and leaves its lock and its files alone', async () => {
    await tracker().lockTable(TABLE, OWNER, () => true)
    await tracker().noteTable(TABLE, { last_listed_at: AT, listing_error: 'gone' })
    await tracker().noteTable(TABLE, { next_run_at: '2026-01-01T00:01:00.000Z', listing_error: null })
    await tracker().noteTable('other.table', {})
    expect(await tracker().schedules()).toEqual([
      { table_name: TABLE, last_listed_at: AT, listing_error: null, next_run_at: '2026-01-01T00:01:00.000Z' },
    ])
    expect(await tracker().lockTable(TABLE, OTHER, () => true)).toBe(false)
  })
}

function throughputTests(tracker: () => Tracker, harness: () => Harness): void {
  test('commits are summed by table and minute, and what committed nothing does not count', async () => {
    const { clock } = harness()
    await load(tracker(), [seen('/in/a.csv')], 0n)
    clock.ms += 10_000
    await load(tracker(), [seen('/in/b.csv'), seen('/in/c.csv')], 1n)
    clock.ms += 60_000
    await tracker().admit(TABLE, [seen('/in/d.csv')], 'load')
    const batch = await claimAll(tracker())
    await tracker().settle(TABLE, OWNER, { ...outcome(batch, 2n, [completed('/in/d.csv', 5n)]), bytes: 123n })
    await tracker().admit(TABLE, [seen('/in/e.csv')], 'load')
    await tracker().settle(TABLE, OWNER, outcome(await claimAll(tracker()), null, []))
    const first = { table_name: TABLE, minute: AT, batches: 2, files: 3, rows: 30, bytes: 0 }
    const second = { table_name: TABLE, minute: '2026-01-01T00:01:00.000Z', batches: 1, files: 1, rows: 5, bytes: 123 }
    expect(await tracker().throughput(2)).toEqual([first, second])
    expect(await tracker().throughput(1, [TABLE])).toEqual([second])
    expect(await tracker().throughput(2, ['other.table'])).toEqual([])
    expect(await tracker().throughput(2, [])).toEqual([])
  })
}

function countTests(tracker: () => Tracker, harness: () => Harness): void {
  test('the counts of a table follow every move, and tell since when the next file waits', async () => {
    const { clock } = harness()
    await load(tracker(), [seen('/in/a.csv'), seen('/in/b.csv', { size: 7n })], 0n)
    clock.ms += 5000
    await tracker().admit(
      TABLE,
      ['/in/c.csv', '/in/d.csv', '/in/e.csv'].map((path) => seen(path)),
      'load',
    )
    await tracker().skipPending(TABLE, ['/in/e.csv'], 'not wanted')
    const [counts] = await tracker().counts([TABLE])
    expect(counts).toMatchObject({ pending: 2, held: 0, processing: 0, completed: 2, failed: 0, skipped: 1, rows_loaded: 20 })
    expect(counts).toMatchObject({ rows_rejected: 2, bytes: 107, last_loaded_at: AT, waiting_since: '2026-01-01T00:00:05.000Z' })
    const batch = await claimAll(tracker())
    const held = { kind: 'held', path: '/in/d.csv', reason: 'too small' } as const
    await tracker().settle(TABLE, OWNER, outcome(batch, null, [failed('/in/c.csv', 'later'), held]))
    await tracker().replay(TABLE, ['/in/b.csv'], 'again')
    await tracker().retry({ paths: ['/in/e.csv'] })
    expect((await tracker().counts([TABLE]))[0]).toMatchObject({
      pending: 3,
      held: 1,
      completed: 1,
      failed: 1,
      skipped: 0,
      rows_loaded: 10,
      rows_rejected: 1,
      bytes: 100,
      next_attempt_at: '2026-01-01T00:00:10.000Z',
    })
    expect((await tracker().counts(['other.table']))[0]).toMatchObject({ completed: 0, waiting_since: null, last_loaded_at: null })
    expect((await tracker().counts()).map(({ table_name: table }) => table)).toEqual([TABLE])
  })
}

function lookTests(tracker: () => Tracker, harness: () => Harness): void {
  test('the files that were settled last, whatever became of them', async () => {
    await load(tracker(), [seen('/in/a.csv')], 0n)
    harness().clock.ms += 1000
    await tracker().admit(TABLE, [seen('/in/b.csv')], 'load')
    await tracker().settle(TABLE, OWNER, outcome(await claimAll(tracker()), null, [failed('/in/b.csv')]))
    harness().clock.ms += 1000
    await load(tracker(), [seen('/in/c.csv')], 1n)
    expect((await tracker().recent(2)).map(({ file_path: path }) => path)).toEqual(['/in/c.csv', '/in/b.csv'])
    expect(await tracker().recent(9, ['other.table'])).toEqual([])
    expect(await tracker().failures(9)).toEqual([
      {
        table_name: TABLE,
        file_path: '/in/b.csv',
        error_code: 'ING-FILE-VALUE',
        error_message: "/in/b.csv line 3: 'x' is no number",
        failed_at: '2026-01-01T00:00:01.000Z',
      },
    ])
  })

  test('a path is found by a part of it, in any case; no character stands for others', async () => {
    await tracker().admit(
      TABLE,
      ['/in/Orders_1.csv', '/in/orders-1.csv', '/in/100%.csv', '/in/back\\slash.csv'].map((path) => seen(path)),
      'load',
    )
    const found = async (text: string) => (await tracker().search(text, 10)).map(({ file_path: path }) => path)
    expect(await found('ORDERS')).toEqual(['/in/Orders_1.csv', '/in/orders-1.csv'])
    expect(await found('s_1')).toEqual(['/in/Orders_1.csv'])
    expect(await found('0%.')).toEqual(['/in/100%.csv'])
    expect(await found('k\\s')).toEqual(['/in/back\\slash.csv'])
    expect(await tracker().search('orders', 1)).toHaveLength(1)
    expect(await tracker().search('orders', 10, ['other.table'])).toEqual([])
  })
}

function note(table: string, more: Partial<ActivityNote> = {}): ActivityNote {
  return {
    table_name: table,
    stage: 'loading',
    batch_id: 'b-1',
    files: 10,
    files_done: 1,
    bytes: 1000,
    bytes_done: 100,
    rows: 7,
    fraction: null,
    started_at: AT,
    ...more,
  }
}
