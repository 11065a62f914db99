import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { KnownFiles } from '../../../src/pipeline/known-listing.ts'
import { openSqliteTracker } from '../../../src/tracker/sqlite.ts'
import type { Tracker } from '../../../src/tracker/tracker.ts'
import type { ListingPage } from '../../../src/watcher/watcher.ts'
import { FakeClock, OPTIONS, seen, TABLE } from '../../contract/tracker.support.ts'

let folder: string
let tracker: Tracker
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ingestd-known-'))
  tracker = await openSqliteTracker({ file: join(folder, 'metadata.db'), table: 't', trackerOptions: OPTIONS, clock: new FakeClock() })
})
afterEach(async () => {
  await tracker[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

test('the next listing passes over what was known, without what was not and what has gone', async () => {
  await listed((known) => {
    known.compared(page(['a', 'b'], 9000), true)
    known.compared(page(['c'], 9000), false)
  })
  await listed((known) => {
    expect(['a', 'b', 'c'].map((chunk) => known.has(chunk))).toEqual([true, true, false])
  })
  expect(await chunks()).toEqual(['a', 'b'])
  await listed((known) => {
    known.has('b')
    known.compared({ ...page(['d'], 1), known: 15_000 }, true)
  })
  expect(await chunks()).toEqual(['b', 'd'])
})

test('of a small listing nothing is remembered, and what events told is no listing', async () => {
  await listed((known) => known.compared(page(['a'], 10_000), true))
  expect(await chunks()).toEqual([])
  await listed((known) => known.compared(page(['a'], 10_001), true))
  await listed((known) => known.compared({ files: page([], 20_000).files, waiting: [], problems: [] }, true))
  expect(await chunks()).toEqual(['a'])
})

test('a version that changed while the listing went on makes it void', async () => {
  await tracker.admit(TABLE, [seen('/in/x.csv')], 'load')
  await listed(async (known) => {
    known.compared(page(['a'], 20_000), true)
    await tracker.admit(TABLE, [seen('/in/x.csv', { size: 9n })], 'load')
  })
  expect(await chunks()).toEqual([])
})

async function listed(work: (known: KnownFiles) => void | Promise<void>): Promise<void> {
  const known = await KnownFiles.of(tracker, TABLE)
  await work(known)
  await known.remember()
}

async function chunks(): Promise<readonly string[]> {
  return (await tracker.knownListing(TABLE)).chunks
}

function page(digests: readonly string[], files: number): ListingPage {
  return { files: Array.from({ length: files }, () => seen('/in/a.csv')), waiting: [], problems: [], chunks: digests }
}
