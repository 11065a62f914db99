import { expect, test } from 'vitest'
import type { FileSeen } from '../../src/model/file.ts'
import type { Tracker } from '../../src/tracker/tracker.ts'
import {
  ALL,
  claimAll,
  completed,
  describeTracker,
  failed,
  type Harness,
  load,
  movesOf,
  OTHER,
  OWNER,
  outcome,
  seen,
  statusOf,
  TABLE,
} from './tracker.support.ts'
import { settleTests } from './tracker-settle.contract.ts'

/** What every tracker does from the listing to the settlement of a batch. */
export function trackerContract(name: string, make: () => Promise<Harness>): void {
  describeTracker(`${name}: admit, claim, settle`, make, (tracker, harness) => {
    admitTests(tracker)
    claimTests(tracker, harness)
    settleTests(tracker, harness)
  })
}

function admitTests(tracker: () => Tracker): void {
  test('a new file becomes pending, and the same page again changes nothing', async () => {
    const page = [seen('/in/a.csv'), seen('/in/b.csv')]
    expect(await tracker().admit(TABLE, page, 'load')).toEqual({
      admitted: 2,
      changed: 0,
      known: 0,
      ignored: [],
      ignoredCount: 0,
      allKnown: true,
    })
    expect(await tracker().admit(TABLE, page, 'load')).toEqual({
      admitted: 0,
      changed: 0,
      known: 2,
      ignored: [],
      ignoredCount: 0,
      allKnown: true,
    })
    expect(await movesOf(tracker(), '/in/a.csv')).toEqual(['>pending seen'])
    expect(await tracker().pendingCount(TABLE)).toBe(2)
  })

  test('what will be pending is announced before it is written', async () => {
    await tracker().admit(TABLE, [seen('/in/a.csv'), seen('/in/b.csv')], 'load')
    const told: string[] = []
    const pending: number[] = []
    const announce = async (files: readonly FileSeen[]) => {
      told.push(...files.map(({ path }) => path))
      pending.push(await tracker().pendingCount(TABLE))
    }
    await tracker().admit(TABLE, [seen('/in/a.csv'), seen('/in/b.csv', { size: 9n }), seen('/in/c.csv')], 'load', announce)
    expect(told.toSorted()).toEqual(['/in/b.csv', '/in/c.csv'])
    expect(pending).toEqual([2])
    await tracker().admit(TABLE, [seen('/in/a.csv')], 'load', announce)
    expect(pending).toEqual([2])
  })

  test('what a listing may pass over is remembered until a known file is given another version', async () => {
    const nothing = await tracker().knownListing(TABLE)
    expect(nothing.chunks).toEqual([])
    await tracker().admit(TABLE, [seen('/in/a.csv')], 'load')
    await tracker().rememberListing(TABLE, { chunks: ['a', 'b'], at: nothing.at })
    // New files change nothing of what is known.
    await tracker().admit(TABLE, [seen('/in/b.csv')], 'load')
    expect((await tracker().knownListing(TABLE)).chunks).toEqual(['a', 'b'])
    expect((await tracker().knownListing(OTHER)).chunks).toEqual([])
    await tracker().admit(TABLE, [seen('/in/a.csv', { size: 9n })], 'load')
    const changed = await tracker().knownListing(TABLE)
    expect(changed.chunks).toEqual([])
    // A listing that began before the change tells nothing of what is known after it.
    await tracker().rememberListing(TABLE, { chunks: ['a', 'b'], at: nothing.at })
    expect((await tracker().knownListing(TABLE)).chunks).toEqual([])
    await tracker().rememberListing(TABLE, { chunks: ['c'], at: changed.at })
    expect((await tracker().knownListing(TABLE)).chunks).toEqual(['c'])
  })

  test('the same path in two tables is two files', async () => {
    await tracker().admit(TABLE, [seen('/in/a.csv')], 'load')
    expect((await tracker().admit('other.table', [seen('/in/a.csv')], 'load')).admitted).toBe(1)
  })

  test('an empty page is nothing', async () => {
    expect(await tracker().admit(TABLE, [], 'load')).toEqual({
      admitted: 0,
      changed: 0,
      known: 0,
      ignored: [],
      ignoredCount: 0,
      allKnown: true,
    })
  })

  test('a path that stands twice in a page is one file', async () => {
    expect((await tracker().admit(TABLE, [seen('/in/a.csv'), seen('/in/a.csv')], 'load')).admitted).toBe(1)
  })

  test('new content at a completed path is pending again under load', async () => {
    await load(tracker(), [seen('/in/a.csv')], 0n)
    const result = await tracker().admit(TABLE, [seen('/in/a.csv', { size: 200n })], 'load')
    expect(result).toEqual({ admitted: 0, changed: 1, known: 0, ignored: [], ignoredCount: 0, allKnown: false })
    expect(await movesOf(tracker(), '/in/a.csv')).toEqual([
      '>pending seen',
      'pending>processing',
      'processing>completed',
      'completed>pending new content',
    ])
    const file = await tracker().file(TABLE, '/in/a.csv')
    expect(file).toMatchObject({
      status: 'pending',
      file_size: 200,
      file_version: '200-1700000000000000001',
      rows_loaded: null,
      batch_id: null,
    })
  })

  test.each(['ignore', 'fail'] as const)('new content at a completed path is reported and left alone under %s', async (policy) => {
    await load(tracker(), [seen('/in/a.csv'), seen('/in/b.csv')], 0n)
    const result = await tracker().admit(TABLE, [seen('/in/a.csv', { size: 200n }), seen('/in/b.csv')], policy)
    expect(result).toEqual({ admitted: 0, changed: 0, known: 1, ignored: ['/in/a.csv'], ignoredCount: 1, allKnown: false })
    expect(await tracker().file(TABLE, '/in/a.csv')).toMatchObject({ status: 'completed', file_size: 100 })
  })

  test('of many ignored files a hundred are named', async () => {
    const files = Array.from({ length: 150 }, (_, index) => seen(`/in/${index}.csv`))
    await load(tracker(), files, 0n)
    const result = await tracker().admit(
      TABLE,
      files.map((file) => ({ ...file, version: 'new' })),
      'ignore',
    )
    expect(result.ignoredCount).toBe(150)
    expect(result.ignored).toHaveLength(100)
  })

  test('new content at a failed, a skipped and a pending path is loaded whatever the policy', async () => {
    await tracker().admit(TABLE, [seen('/in/failed.csv')], 'ignore')
    const batch = await claimAll(tracker())
    await tracker().settle(TABLE, OWNER, outcome(batch, null, [failed('/in/failed.csv')]))
    await tracker().admit(TABLE, [seen('/in/pending.csv'), seen('/in/skipped.csv')], 'ignore')
    await tracker().skip({ tables: [TABLE], paths: ['/in/skipped.csv'] }, 'not wanted')
    const page = ['/in/failed.csv', '/in/pending.csv', '/in/skipped.csv'].map((path) => seen(path, { size: 7n }))
    expect(await tracker().admit(TABLE, page, 'ignore')).toMatchObject({ admitted: 0, changed: 3, known: 0, ignoredCount: 0 })
    expect((await tracker().pendingFiles(TABLE)).map((file) => file.size)).toEqual([7n, 7n, 7n])
    expect(await tracker().file(TABLE, '/in/failed.csv')).toMatchObject({ error_message: null, error_code: null, retry_count: 0 })
    expect(await movesOf(tracker(), '/in/pending.csv')).toEqual(['>pending seen', 'pending>pending new content'])
  })

  test('new content at a path that is being loaded is left to its batch', async () => {
    await tracker().admit(TABLE, [seen('/in/a.csv')], 'load')
    await claimAll(tracker())
    expect(await tracker().admit(TABLE, [seen('/in/a.csv', { size: 5n })], 'load')).toMatchObject({ changed: 0, known: 1 })
    expect(await tracker().file(TABLE, '/in/a.csv')).toMatchObject({ status: 'processing', file_size: 100 })
  })

  test('every path survives: quotes, newlines, percent, emoji, glob characters and SQL', async () => {
    const names = [
      'a\'b"c`.csv',
      'new\nline\r\t.csv',
      '100%_%41.csv',
      '😀 é ﬀ.csv',
      '[x]*?{y}.csv',
      "'); drop table file; --",
      '\\u0041',
      '{"k":1}',
      ' ',
      '__proto__',
    ]
    const page = names.map((name) => seen(`/in/${name}`))
    expect((await tracker().admit(TABLE, page, 'load')).admitted).toBe(names.length)
    expect((await tracker().admit(TABLE, page, 'load')).known).toBe(names.length)
    const batch = await claimAll(tracker())
    expect(new Set(batch.files.map(({ path }) => path))).toEqual(new Set(page.map(({ path }) => path)))
    await tracker().settle(
      TABLE,
      OWNER,
      outcome(
        batch,
        1n,
        page.map(({ path }) => completed(path)),
      ),
    )
    for (const { path } of page) expect(await statusOf(tracker(), path)).toBe('completed')
  })

  test('sizes and times beyond 2^53 come back exactly, and a time beyond 64 bits is the latest', async () => {
    const exact = seen('/in/a.csv', { size: 2n ** 60n + 1n, modifiedNs: 2n ** 62n + 1n, rawPath: 'L2luL2E=' })
    await tracker().admit(TABLE, [exact, seen('/in/late.csv', { modifiedNs: 2n ** 70n }), seen('/in/old.csv', { modifiedNs: -5n })], 'load')
    const files = await tracker().pendingFiles(TABLE)
    expect(files.map(({ path }) => path)).toEqual(['/in/old.csv', '/in/a.csv', '/in/late.csv'])
    expect(files[1]).toEqual(exact)
    expect(await tracker().pendingFiles(TABLE, { maxFiles: 1, maxBytes: 2n ** 62n })).toEqual(files.slice(0, 1))
    expect(await tracker().pendingFiles(TABLE, { maxFiles: 3, maxBytes: exact.size })).toEqual(files.slice(0, 1))
    expect(files[2]?.modifiedNs).toBe(2n ** 63n - 1n)
  })
}

function claimTests(tracker: () => Tracker, harness: () => Harness): void {
  const times = (...ns: readonly bigint[]) => ns.map((modifiedNs, index) => seen(`/in/${index}.csv`, { modifiedNs }))

  test('a claim takes files in file order and numbers them', async () => {
    await tracker().admit(
      TABLE,
      [seen('/in/b.csv', { modifiedNs: 2n }), seen('/in/c.csv', { modifiedNs: 1n }), seen('/in/a.csv', { modifiedNs: 2n })],
      'load',
    )
    const batch = await claimAll(tracker())
    expect(batch.files.map(({ path, ordinal, unit }) => [path, ordinal, unit])).toEqual([
      ['/in/c.csv', 0, '/in/c.csv'],
      ['/in/a.csv', 1, '/in/a.csv'],
      ['/in/b.csv', 2, '/in/b.csv'],
    ])
    expect(batch).toMatchObject({ number: 1n, table: TABLE })
    expect(await tracker().file(TABLE, '/in/a.csv')).toMatchObject({
      status: 'processing',
      batch_id: batch.id,
      lease_owner: OWNER,
      lease_expires_at: '2026-01-01T00:01:00.000Z',
      processing_start_time: '2026-01-01T00:00:00.000Z',
    })
    expect(await tracker().claim(TABLE, OWNER, ALL)).toBeUndefined()
  })

  test('a claim ends at its limits, but its first file is always taken', async () => {
    await tracker().admit(TABLE, times(1n, 2n, 3n, 4n), 'load')
    const paths = async (limits: object) => (await tracker().claim(TABLE, OWNER, { ...ALL, ...limits }))?.files.map(({ path }) => path)
    expect(await paths({ maxBytes: 5n })).toEqual(['/in/0.csv'])
    expect(await paths({ maxBytes: 200n })).toEqual(['/in/1.csv', '/in/2.csv'])
    expect(await paths({ maxFiles: 1 })).toEqual(['/in/3.csv'])
  })

  test('a claim of given paths takes no other, with the units that are given', async () => {
    await tracker().admit(TABLE, times(1n, 2n, 3n), 'load')
    const units = new Map([['/in/2.csv', '/in']])
    const batch = await tracker().claim(TABLE, OWNER, { ...ALL, units }, ['/in/2.csv', '/in/1.csv', '/in/unknown.csv'])
    expect(batch?.files.map(({ path, unit }) => [path, unit])).toEqual([
      ['/in/1.csv', '/in/1.csv'],
      ['/in/2.csv', '/in'],
    ])
    expect(await tracker().claim(TABLE, OWNER, ALL, ['/in/1.csv'])).toBeUndefined()
  })

  test('batch numbers grow and are never used twice, also above those of the log', async () => {
    await tracker().admit(TABLE, times(1n, 2n, 3n), 'load')
    const first = await tracker().claim(TABLE, OWNER, { ...ALL, maxFiles: 1 })
    await tracker().settle(TABLE, OWNER, { ...outcome(first ?? (await claimAll(tracker())), null, []) })
    expect((await tracker().claim(TABLE, OWNER, { ...ALL, maxFiles: 1 }))?.number).toBe(2n)
    expect((await tracker().claim(TABLE, OWNER, { ...ALL, maxFiles: 1, above: 2n ** 60n }))?.number).toBe(2n ** 60n + 1n)
    expect((await tracker().claim(TABLE, OWNER, { ...ALL, maxFiles: 1, above: 5n }))?.number).toBe(2n ** 60n + 2n)
  })

  test('two processes that race never hold the same file', async () => {
    const other = await harness().open()
    await tracker().admit(
      TABLE,
      Array.from({ length: 50 }, (_, index) => seen(`/in/${index}.csv`)),
      'load',
    )
    const claims = Array.from({ length: 10 }, (_, index) =>
      (index % 2 === 0 ? tracker() : other).claim(TABLE, index % 2 === 0 ? OWNER : OTHER, { ...ALL, maxFiles: 5 }),
    )
    const batches = await Promise.all(claims)
    const paths = batches.flatMap((batch) => batch?.files.map(({ path }) => path) ?? [])
    expect(paths).toHaveLength(50)
    expect(new Set(paths).size).toBe(50)
    expect(new Set(batches.map((batch) => batch?.number)).size).toBe(10)
  })

  test('two processes that admit the same page know each file once', async () => {
    const other = await harness().open()
    const page = Array.from({ length: 100 }, (_, index) => seen(`/in/${index}.csv`))
    const [a, b] = await Promise.all([tracker().admit(TABLE, page, 'load'), other.admit(TABLE, page, 'load')])
    expect(a.admitted + b.admitted).toBe(100)
    expect(await movesOf(tracker(), '/in/7.csv')).toEqual(['>pending seen'])
  })
}
