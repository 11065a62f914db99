import { expect, test } from 'vitest'
import type { Tracker } from '../../src/tracker/tracker.ts'
import {
  ALL,
  claimAll,
  completed,
  failed,
  type Harness,
  manifest,
  movesOf,
  OTHER,
  OWNER,
  outcome,
  START,
  seen,
  statusOf,
  TABLE,
} from './tracker.support.ts'

/** How a batch ends: each file by its outcome, nothing without the lease. */
export function settleTests(tracker: () => Tracker, harness: () => Harness): void {
  const names = ['/in/done.csv', '/in/bad.csv', '/in/late.csv', '/in/moved.csv', '/in/old.csv', '/in/unnamed.csv']

  async function settleEach() {
    await tracker().admit(
      TABLE,
      names.map((path) => seen(path)),
      'load',
    )
    const batch = await claimAll(tracker())
    harness().clock.ms = START + 2_000
    const settled = await tracker().settle(
      TABLE,
      OWNER,
      outcome(batch, 4n, [
        completed('/in/done.csv', 12n),
        failed('/in/bad.csv'),
        failed('/in/late.csv', 'later'),
        { kind: 'released', path: '/in/moved.csv', reason: 'it changed while it was read' },
        { kind: 'skipped', path: '/in/old.csv', reason: 'an older snapshot' },
      ]),
    )
    return { batch, settled }
  }

  test('each file gets the state of its outcome, and those without one wait again', async () => {
    const { batch, settled } = await settleEach()
    expect(settled).toBe(true)
    expect(await tracker().file(TABLE, '/in/done.csv')).toMatchObject({
      status: 'completed',
      ...{ rows_read: 15, rows_loaded: 12, rows_rejected: 1, rows_filtered: 1, rows_deduplicated: 1 },
      ...{ bytes: 100, table_version: 4, batch_id: batch.id, lease_owner: null, lease_expires_at: null },
      processing_end_time: '2026-01-01T00:00:02.000Z',
    })
    const error = { error_code: 'ING-FILE-VALUE', error_class: 'FileError', error_message: "/in/bad.csv line 3: 'x' is no number" }
    expect(await tracker().file(TABLE, '/in/bad.csv')).toMatchObject({
      status: 'failed',
      next_attempt_at: null,
      table_version: null,
      ...error,
    })
    expect(await tracker().file(TABLE, '/in/late.csv')).toMatchObject({ status: 'failed', next_attempt_at: '2026-01-01T00:00:07.000Z' })
    expect(await tracker().file(TABLE, '/in/moved.csv')).toMatchObject({
      status: 'pending',
      status_reason: 'it changed while it was read',
      batch_id: null,
    })
    expect(await tracker().file(TABLE, '/in/old.csv')).toMatchObject({ status: 'skipped', status_reason: 'an older snapshot' })
    expect(await tracker().file(TABLE, '/in/unnamed.csv')).toMatchObject({ status: 'pending', status_reason: 'its batch ended without it' })
    expect(await tracker().batches(TABLE, 1)).toMatchObject([{ status: 'committed', table_version: 4, files: 6, rows_loaded: 12 }])
  })

  test('every settlement stands in the history with its batch', async () => {
    const { batch } = await settleEach()
    const last = await Promise.all(names.map(async (path) => (await tracker().history(TABLE, path)).at(-1)))
    expect(last.map((event) => [event?.from_status, event?.to_status, event?.reason])).toEqual([
      ['processing', 'completed', null],
      ['processing', 'failed', "/in/bad.csv line 3: 'x' is no number"],
      ['processing', 'failed', "/in/late.csv line 3: 'x' is no number"],
      ['processing', 'pending', 'it changed while it was read'],
      ['processing', 'skipped', 'an older snapshot'],
      ['processing', 'pending', 'its batch ended without it'],
    ])
    expect(last.every((event) => event?.batch_id === batch.id && event.at === '2026-01-01T00:00:02.000Z')).toBe(true)
  })

  test('a batch is settled once', async () => {
    const { batch } = await settleEach()
    expect(await tracker().settle(TABLE, OWNER, outcome(batch, 5n, [completed('/in/bad.csv')]))).toBe(false)
    expect(await statusOf(tracker(), '/in/bad.csv')).toBe('failed')
  })

  test('a settlement whose lease was lost changes nothing', async () => {
    await tracker().admit(TABLE, [seen('/in/a.csv')], 'load')
    const batch = await claimAll(tracker())
    await tracker().takeOver(batch.id, OTHER)
    expect(await tracker().settle(TABLE, OWNER, outcome(batch, 1n, [completed('/in/a.csv')]))).toBe(false)
    expect(await tracker().file(TABLE, '/in/a.csv')).toMatchObject({ status: 'processing', lease_owner: OTHER, rows_loaded: null })
    expect(await movesOf(tracker(), '/in/a.csv')).toEqual(['>pending seen', 'pending>processing'])
    expect(await tracker().settle(TABLE, OTHER, outcome(batch, 1n, [completed('/in/a.csv')]))).toBe(true)
    expect(await statusOf(tracker(), '/in/a.csv')).toBe('completed')
  })

  test('a batch without a version is empty when files failed, and released when all wait again', async () => {
    await tracker().admit(TABLE, [seen('/in/a.csv')], 'load')
    await tracker().settle(TABLE, OWNER, outcome(await claimAll(tracker()), null, []))
    await tracker().settle(TABLE, OWNER, outcome(await claimAll(tracker()), null, [failed('/in/a.csv')]))
    expect((await tracker().batches(TABLE, 9)).map(({ batch_number, status }) => [batch_number, status])).toEqual([
      [2, 'empty'],
      [1, 'released'],
    ])
    expect(await tracker().lastCommittedBatch(TABLE)).toBeNull()
  })

  test('an outcome cannot touch a file of another batch', async () => {
    await tracker().admit(TABLE, [seen('/in/a.csv', { modifiedNs: 1n }), seen('/in/b.csv', { modifiedNs: 2n })], 'load')
    const first = await tracker().claim(TABLE, OWNER, { ...ALL, maxFiles: 1 })
    const second = await claimAll(tracker())
    expect(second.files.map(({ path }) => path)).toEqual(['/in/b.csv'])
    await tracker().settle(TABLE, OWNER, outcome(second, 1n, [completed('/in/a.csv'), completed('/in/b.csv')]))
    expect(await tracker().file(TABLE, '/in/a.csv')).toMatchObject({ status: 'processing', batch_id: first?.id })
  })

  test('ten thousand files are admitted, claimed and settled in one page each', async () => {
    const page = Array.from({ length: 10_000 }, (_, index) => seen(`/in/${index}.csv`))
    expect((await tracker().admit(TABLE, page, 'load')).admitted).toBe(10_000)
    expect((await tracker().admit(TABLE, page, 'load')).known).toBe(10_000)
    const batch = await claimAll(tracker())
    const files = page.map(({ path }, index) => (index % 10 === 0 ? failed(path) : completed(path, 1n)))
    expect(await tracker().settle(TABLE, OWNER, outcome(batch, 0n, files))).toBe(true)
    expect(await tracker().counts([TABLE])).toMatchObject([
      { completed: 9_000, failed: 1_000, pending: 0, processing: 0, rows_loaded: 9_000 },
    ])
  })

  test('a message with a NUL is kept readable', async () => {
    await tracker().admit(TABLE, [seen('/in/a.csv')], 'load')
    const error = { code: 'ING-FILE-VALUE', message: 'a\0b', hint: null, errorClass: 'FileError', retry: 'never' } as const
    await tracker().settle(TABLE, OWNER, outcome(await claimAll(tracker()), null, [{ kind: 'failed', path: '/in/a.csv', error }]))
    expect((await tracker().file(TABLE, '/in/a.csv'))?.error_message).toBe('a\\0b')
  })

  test('a held file waits, and is passed over until it is approved or has new content', async () => {
    const [held, other] = ['/in/held.csv', '/in/other.csv'] as const
    await tracker().admit(TABLE, [seen(held), seen(other)], 'load')
    const batch = await claimAll(tracker())
    await tracker().settle(TABLE, OWNER, outcome(batch, 4n, [completed(other), { kind: 'held', path: held, reason: 'it has 0 rows' }]))
    expect(await tracker().file(TABLE, held)).toMatchObject({
      status: 'pending',
      held_reason: 'it has 0 rows',
      lease_owner: null,
      batch_id: null,
    })
    expect(await tracker().pendingCount(TABLE)).toBe(0)
    expect(await tracker().claim(TABLE, OWNER, ALL)).toBeUndefined()

    expect(await tracker().approve({ paths: [other] })).toBe(0)
    expect(await tracker().approve({ paths: [held] })).toBe(1)
    expect(await tracker().file(TABLE, held)).toMatchObject({ held_reason: null, status_reason: 'approved by hand' })
    const approved = await claimAll(tracker())
    expect(approved.files).toMatchObject([{ path: held, approved: true }])
    await tracker().settle(TABLE, OWNER, outcome(approved, null, [{ kind: 'released', path: held, reason: 'again' }]))

    // What was approved is one version of the file.
    await tracker().admit(TABLE, [seen(held, { version: 'v2' })], 'load')
    expect((await claimAll(tracker())).files[0]?.approved).toBeUndefined()
  })

  test('new content is judged anew', async () => {
    await tracker().admit(TABLE, [seen('/in/held.csv')], 'load')
    const batch = await claimAll(tracker())
    await tracker().settle(TABLE, OWNER, outcome(batch, null, [{ kind: 'held', path: '/in/held.csv', reason: 'it has 0 rows' }]))
    await tracker().admit(TABLE, [seen('/in/held.csv', { version: 'v2' })], 'load')
    expect(await tracker().file(TABLE, '/in/held.csv')).toMatchObject({ status: 'pending', held_reason: null })
    expect(await tracker().pendingCount(TABLE)).toBe(1)
  })

  test('what rules found is kept with the batch and with each file that broke them, and is adopted once', async () => {
    const found = [
      { name: 'positive', onViolation: 'drop', checked: 10n, violated: 3n, files: [{ path: '/in/a.csv', violated: 3n }] },
      { name: 'known', onViolation: 'warn', checked: 10n, violated: 0n, files: [] },
    ] as const
    await tracker().admit(TABLE, [seen('/in/a.csv')], 'load')
    const batch = await claimAll(tracker())
    await tracker().settle(TABLE, OWNER, { ...outcome(batch, 1n, [completed('/in/a.csv')]), expectations: found })
    const told = [
      { batch_id: batch.id, name: 'known', on_violation: 'warn', checked: 10, violated: 0, files: 0 },
      { batch_id: batch.id, name: 'positive', on_violation: 'drop', checked: 10, violated: 3, files: 1 },
    ]
    expect(await tracker().expectationsOfBatches(TABLE, [batch.id, 'other'])).toEqual(told)
    await tracker().adoptManifest({ ...manifest(batch.id, batch.number, [seen('/in/a.csv')]), expectations: found }, 1n)
    expect(await tracker().expectationsOfBatches(TABLE, [batch.id])).toEqual(told)
    expect(await tracker().expectationsOfFile(TABLE, '/in/a.csv')).toEqual([
      { at: '2026-01-01T00:00:00.000Z', batch_id: batch.id, name: 'positive', on_violation: 'drop', violated: 3 },
    ])
    await tracker().adoptManifest({ ...manifest('new', 9n, [seen('/in/b.csv')]), expectations: found }, 2n)
    expect(await tracker().expectationsOfBatches(TABLE, ['new'])).toHaveLength(2)
  })
}
