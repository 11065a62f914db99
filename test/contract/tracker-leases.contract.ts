import { expect, test } from 'vitest'
import type { Tracker } from '../../src/tracker/tracker.ts'
import { alive, claimAll, dead, describeTracker, type Harness, OTHER, OWNER, outcome, seen, TABLE } from './tracker.support.ts'

/** What every tracker does about who is at work, and who is not any more. */
export function trackerLeasesContract(name: string, make: () => Promise<Harness>): void {
  describeTracker(`${name}: leases`, make, leaseTests)
}

function leaseTests(tracker: () => Tracker, harness: () => Harness): void {
  test('a table has one writer until it is unlocked, its lease ends or its process is gone', async () => {
    const other = await harness().open()
    expect(await tracker().lockTable(TABLE, OWNER, alive)).toBe(true)
    expect(await tracker().lockTable(TABLE, OWNER, alive)).toBe(true)
    expect(await other.lockTable(TABLE, OTHER, alive)).toBe(false)
    expect(await other.lockTable('other.table', OTHER, alive)).toBe(true)
    await other.unlockTable(TABLE, OTHER)
    expect(await other.lockTable(TABLE, OTHER, alive)).toBe(false)
    expect(await other.lockTable(TABLE, OTHER, dead)).toBe(true)
    await other.unlockTable(TABLE, OTHER)
    expect(await tracker().lockTable(TABLE, OWNER, alive)).toBe(true)
    harness().clock.ms += 59_999
    expect(await other.lockTable(TABLE, OTHER, alive)).toBe(false)
    harness().clock.ms += 1
    expect(await other.lockTable(TABLE, OTHER, alive)).toBe(true)
  })

  test('a heartbeat keeps the table and its batches', async () => {
    await tracker().lockTable(TABLE, OWNER, alive)
    await tracker().admit(TABLE, [seen('/in/a.csv')], 'load')
    await claimAll(tracker())
    harness().clock.ms += 50_000
    await tracker().renew(OWNER)
    harness().clock.ms += 50_000
    expect(await tracker().lockTable(TABLE, OTHER, alive)).toBe(false)
    expect(await tracker().abandoned(TABLE, alive)).toEqual([])
    expect((await tracker().file(TABLE, '/in/a.csv'))?.lease_expires_at).toBe('2026-01-01T00:01:50.000Z')
  })

  test('a batch is abandoned when its process is gone or its lease has ended, and can be taken over', async () => {
    await tracker().admit(TABLE, [seen('/in/b.csv', { modifiedNs: 2n }), seen('/in/a.csv', { modifiedNs: 1n })], 'load')
    const batch = await claimAll(tracker())
    expect(await tracker().abandoned(TABLE, alive)).toEqual([])
    expect(await tracker().abandoned(TABLE, (owner) => owner !== OWNER)).toEqual([batch])
    harness().clock.ms += 60_000
    expect(await tracker().abandoned(TABLE, alive)).toEqual([batch])
    await tracker().takeOver(batch.id, OTHER)
    expect(await tracker().abandoned(TABLE, alive)).toEqual([])
    expect(await tracker().settle(TABLE, OTHER, outcome(batch, null, []))).toBe(true)
    expect(await tracker().pendingCount(TABLE)).toBe(2)
    expect(await tracker().abandoned(TABLE, dead)).toEqual([])
  })

  test('a clock that is set back a day keeps what the living have and gives free what the dead had; numbers go on', async () => {
    await tracker().lockTable(TABLE, OWNER, alive)
    await tracker().admit(TABLE, [seen('/in/a.csv')], 'load')
    const batch = await claimAll(tracker())
    harness().clock.ms -= 86_400_000
    expect(await tracker().lockTable(TABLE, OTHER, alive)).toBe(false)
    expect(await tracker().abandoned(TABLE, alive)).toEqual([])
    expect(await tracker().lockTable(TABLE, OTHER, dead)).toBe(true)
    expect(await tracker().abandoned(TABLE, dead)).toEqual([batch])
    await tracker().takeOver(batch.id, OTHER)
    expect(await tracker().settle(TABLE, OTHER, outcome(batch, null, []))).toBe(true)
    expect((await claimAll(tracker(), OTHER)).number).toBe(2n)
  })

  test('a clock that is set ahead ends leases; whoever had them learns it when it settles', async () => {
    await tracker().lockTable(TABLE, OWNER, alive)
    await tracker().admit(TABLE, [seen('/in/a.csv')], 'load')
    const batch = await claimAll(tracker())
    harness().clock.ms += 86_400_000
    expect(await tracker().lockTable(TABLE, OTHER, alive)).toBe(true)
    await tracker().takeOver(batch.id, OTHER)
    expect(await tracker().settle(TABLE, OWNER, outcome(batch, 1n, []))).toBe(false)
    expect(await tracker().settle(TABLE, OTHER, outcome(batch, null, []))).toBe(true)
  })
}
