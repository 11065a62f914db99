import { expect, test } from 'vitest'
import type { Blobs } from '../../../src/blobs/blobs.ts'
import { localBlobs } from '../../../src/blobs/local.ts'
import { sql } from '../../../src/engine/sql.ts'
import { UnavailableError } from '../../../src/errors/errors.ts'
import type { CommitRequest } from '../../../src/stores/store.ts'
import { metaData, PROTOCOL, writeCommit } from '../delta/support.ts'
import { type Bench, batchIdOf, benchForEach, COLUMNS, load, manifestOf, staged } from './support.ts'

let bench: Bench
benchForEach((made) => {
  bench = made
})

const OTHER_APP = 'another-writer'

/** A table with one batch, opened twice. */
async function twice() {
  const first = await bench.open()
  await load(first, { batch: 1n, add: sql`select 1, 'x'` })
  const second = await bench.open()
  return { first, second }
}

test('an append goes on top of the appends of others', async () => {
  const { first, second } = await twice()
  const request = await staged(first, { batch: 2n, add: sql`select 2, 'ours'` })
  await load(second, { batch: 7n, appId: OTHER_APP, add: sql`select 7, 'theirs'` })
  await load(second, { batch: 8n, appId: OTHER_APP, add: sql`select 8, 'theirs'` })
  expect(await first.commit(request)).toEqual({ kind: 'committed', version: 3n })
  expect(await bench.rowsOf(first)).toHaveLength(4)
})

test('an append goes on top of an overwrite', async () => {
  const { first, second } = await twice()
  const request = await staged(first, { batch: 2n, add: sql`select 2, 'ours'` })
  await load(second, { batch: 7n, appId: OTHER_APP, add: sql`select 7, 'theirs'`, remove: 'everything' })
  expect(await first.commit(request)).toEqual({ kind: 'committed', version: 2n })
  expect(await bench.rowsOf(first)).toEqual(['{"id":2,"name":"ours"}', '{"id":7,"name":"theirs"}'])
})

test('an append that read the table conflicts with new rows', async () => {
  const { first, second } = await twice()
  const request = await staged(first, { batch: 2n, add: sql`select 2, 'ours'`, blindAppend: false })
  await load(second, { batch: 7n, appId: OTHER_APP, add: sql`select 7, 'theirs'` })
  expect(await first.commit(request)).toEqual({
    kind: 'conflict',
    version: 1n,
    reason: 'version 1 added rows to those that the plan rests on',
  })
})

test('an append that read the table goes on top of a commit that only rearranged rows', async () => {
  const { first } = await twice()
  const request = await staged(first, { batch: 2n, add: sql`select 2, 'ours'`, blindAppend: false })
  writeCommit(bench.root, 1, [
    { commitInfo: { operation: 'OPTIMIZE' } },
    { add: { path: 'nowhere.parquet', partitionValues: {}, size: 1, modificationTime: 1, dataChange: false } },
  ])
  expect(await first.commit(request)).toEqual({ kind: 'committed', version: 2n })
})

test('an overwrite conflicts with every change of files, and its data files are gone once discarded', async () => {
  const { first, second } = await twice()
  const request = await staged(first, { batch: 2n, add: sql`select 2, 'ours'`, remove: 'everything' })
  await load(second, { batch: 7n, appId: OTHER_APP, add: sql`select 7, 'theirs'` })
  expect(await first.commit(request)).toMatchObject({ kind: 'conflict', version: 1n })
  await first.discard(request.staged)
  await first.clean(2n)
  const files = await bench.session.rows(sql`select count(*) as n from glob(${`${bench.root}/**/part-*`})`)
  expect(files).toEqual([{ n: 2n }])
})

test('an overwrite goes on top of a commit that touched no file', async () => {
  const { first } = await twice()
  const request = await staged(first, { batch: 2n, add: sql`select 2, 'ours'`, remove: 'everything' })
  writeCommit(bench.root, 1, [{ commitInfo: { operation: 'x' } }, { txn: { appId: 'someone', version: 1 } }])
  expect(await first.commit(request)).toEqual({ kind: 'committed', version: 2n })
  expect(await bench.rowsOf(first)).toEqual(['{"id":2,"name":"ours"}'])
})

test('a change of the schema conflicts with every commit', async () => {
  const { first, second } = await twice()
  const request = await staged(first, { batch: 2n, add: sql`select 2, 'ours'` })
  const columns = [...COLUMNS, { name: 'more', type: 'BIGINT', nullable: true }]
  await load(second, { batch: 7n, appId: OTHER_APP, add: sql`select 7, 'theirs', 1`, columns })
  expect(await first.commit(request)).toEqual({
    kind: 'conflict',
    version: 1n,
    reason: 'version 1 changed the schema or the properties of the table',
  })
})

test('a protocol that was raised meanwhile is gated, and an append goes on', async () => {
  const { first } = await twice()
  const request = await staged(first, { batch: 2n, add: sql`select 2, 'ours'` })
  writeCommit(bench.root, 1, [{ protocol: { minReaderVersion: 1, minWriterVersion: 3 } }])
  expect(await first.commit(request)).toEqual({ kind: 'committed', version: 2n })
})

test('a feature that was added meanwhile and that we do not know stops the commit', async () => {
  const { first } = await twice()
  const request = await staged(first, { batch: 2n, add: sql`select 2, 'ours'` })
  writeCommit(bench.root, 1, [{ protocol: { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['rowTracking'] } }])
  await expect(first.commit(request)).rejects.toMatchObject({ code: 'ING-TABLE-FEATURE' })
})

test('a batch that is in the log already is not committed again', async () => {
  const { first, second } = await twice()
  expect(await load(first, { batch: 2n, add: sql`select 2, 'x'` })).toEqual({ kind: 'committed', version: 1n })
  expect(await second.commit(await staged(second, { batch: 2n, add: sql`select 2, 'x'` }))).toEqual({
    kind: 'alreadyCommitted',
    version: 1n,
  })
  const third = await bench.open()
  expect(await third.commit(await staged(third, { batch: 2n, add: sql`select 2, 'x'` }))).toEqual({ kind: 'alreadyCommitted', version: 1n })
  expect(await bench.rowsOf(third)).toHaveLength(2)
})

test('a number that another batch of ours has taken is overtaken, before and after opening', async () => {
  const { first, second } = await twice()
  await load(first, { batch: 2n, add: sql`select 2, 'x'` })
  const other = await staged(second, { batch: 2n, batchId: batchIdOf(99n), add: sql`select 2, 'y'` })
  expect(await second.commit(other)).toEqual({ kind: 'overtaken', batch: 2n, version: 1n })
  const third = await bench.open()
  const late = await staged(third, { batch: 1n, batchId: batchIdOf(98n), add: sql`select 2, 'y'` })
  expect(await third.commit(late)).toEqual({ kind: 'overtaken', batch: 2n, version: 1n })
})

test('a lower number of ours that was committed since is overtaken too', async () => {
  const { first, second } = await twice()
  const request = await staged(second, { batch: 8n, add: sql`select 8, 'successor'` })
  await load(first, { batch: 7n, add: sql`select 7, 'thought dead'` })
  expect(await second.commit(request)).toEqual({ kind: 'overtaken', batch: 7n, version: 1n })
})

test('a batch is known by the chain of manifests when its log entry is gone', async () => {
  const first = await bench.open()
  for (let batch = 1n; batch <= 12n; batch += 1n) await load(first, { batch, add: sql`select ${batch}, 'x'` })
  const blobs = localBlobs(bench.root)
  for (let version = 0; version < 10; version += 1) await blobs.remove(`_delta_log/${String(version).padStart(20, '0')}.json`)
  const again = await bench.open()
  expect(await again.commit(await staged(again, { batch: 3n, add: sql`select 3, 'x'` }))).toEqual({
    kind: 'alreadyCommitted',
    version: 11n,
  })
  const stranger = await staged(again, { batch: 3n, batchId: batchIdOf(77n), add: sql`select 3, 'x'` })
  expect(await again.commit(stranger)).toEqual({ kind: 'overtaken', batch: 12n, version: 11n })
})

test('two writers that create the table at once: one makes it, the other plans again', async () => {
  const first = await bench.open()
  const second = await bench.open()
  const request = await staged(second, { batch: 1n, appId: OTHER_APP, add: sql`select 2, 'y'` })
  await load(first, { batch: 1n, add: sql`select 1, 'x'` })
  expect(await second.commit(request)).toEqual({ kind: 'conflict', version: 0n, reason: 'another writer created the table' })
})

test('ten appends at once all arrive, each under its own version', async () => {
  await load(await bench.open(), { batch: 1n, add: sql`select 1, 'x'` })
  const benches = await Promise.all(Array.from({ length: 10 }, () => bench.open()))
  const requests: CommitRequest[] = []
  for (const [index, table] of benches.entries())
    requests.push(await staged(table, { batch: 1n, appId: `writer ${index}`, add: sql`select ${index}, 'y'` }))
  const outcomes = await Promise.all(benches.map((table, index) => table.commit(requests[index] ?? never())))
  expect(outcomes.map((outcome) => outcome.kind)).toEqual(Array.from({ length: 10 }, () => 'committed'))
  expect(outcomes.map((outcome) => Number('version' in outcome && outcome.version)).toSorted((a, b) => a - b)).toEqual([
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
  ])
})

test('a lost answer is looked up in the log: the commit is there', async () => {
  const { first } = await twice()
  await first[Symbol.asyncDispose]()
  const table = await bench.open({}, (root) => failing(root, 'after'))
  expect(await table.commit(await staged(table, { batch: 2n, add: sql`select 2, 'x'` }))).toEqual({ kind: 'committed', version: 1n })
  expect(await bench.rowsOf(table)).toHaveLength(2)
})

test('a put that failed before it wrote is an error, and nothing is committed', async () => {
  await twice()
  const table = await bench.open({}, (root) => failing(root, 'before'))
  await expect(table.commit(await staged(table, { batch: 2n, add: sql`select 2, 'x'` }))).rejects.toMatchObject({
    code: 'ING-STORAGE-FULL',
  })
  expect((await bench.open()).state?.version).toBe(0n)
})

test('after an answer that cannot be looked up the data files stay, and the next commit finds the batch', async () => {
  await twice()
  let broken = true
  const blobs = (root: string): Blobs => {
    const lost = failing(root, 'after')
    return Object.assign(Object.create(lost), {
      root,
      read: (path: string) =>
        broken && path.startsWith('_delta_log/0') ? Promise.reject(new UnavailableError('ING-STORAGE', 'gone')) : lost.read(path),
    })
  }
  const table = await bench.open({}, blobs)
  const request = await staged(table, { batch: 2n, add: sql`select 2, 'x'` })
  await expect(table.commit(request)).rejects.toThrow('it is not known whether version 1 was written')
  await table.discard(request.staged)
  broken = false
  expect(await table.commit(request)).toEqual({ kind: 'alreadyCommitted', version: 1n })
  expect(await bench.rowsOf(await bench.open())).toHaveLength(2)
})

test('a table of another tracker is refused with both names', async () => {
  const { first } = await twice()
  const request = await staged(first, { batch: 2n, add: sql`select 2, 'x'`, trackerId: 'someone-else' })
  await expect(first.commit(request)).rejects.toMatchObject({
    code: 'ING-TABLE-OTHER-TRACKER',
    hint: 'the table belongs to tracker 11111111-1111-4111-8111-111111111111, this one is someone-else: use that tracker, or take the table over (ingest tracker adopt t); one that was lost is made anew by ingest tracker rebuild',
  })
})

test('a table that nobody tracks becomes ours with the first commit', async () => {
  writeCommit(bench.root, 0, [PROTOCOL, metaData({ configuration: { 'delta.appendOnly': 'true' }, name: 'theirs' })])
  const table = await bench.open()
  expect(table.state?.trackerId).toBeNull()
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  const again = await bench.open()
  expect(again.state).toMatchObject({ trackerId: '11111111-1111-4111-8111-111111111111', tableId: 'e0b0c0d0-0000-4000-8000-000000000000' })
  expect(again.state?.properties['delta.appendOnly']).toBe('true')
})

test('an append-only table refuses a removal and takes an append', async () => {
  writeCommit(bench.root, 0, [PROTOCOL, metaData({ configuration: { 'delta.appendOnly': 'true' } })])
  const table = await bench.open()
  await expect(load(table, { batch: 1n, add: sql`select 1, 'x'`, remove: 'everything' })).rejects.toMatchObject({
    code: 'ING-TABLE-APPEND-ONLY',
  })
  expect(await load(table, { batch: 2n, add: sql`select 1, 'x'` })).toMatchObject({ kind: 'committed' })
})

test('manifests are written once for a number, and read back with every digit', async () => {
  const { first } = await twice()
  const file = {
    path: '/in/a "b".csv',
    rawPath: null,
    version: '1-2',
    size: 9_007_199_254_740_993n,
    modifiedNs: 1_700_000_000_123_456_789n,
    unit: '/in',
    rows: { read: 3n, loaded: 2n, rejected: 1n, filtered: 0n, deduplicated: 0n },
  }
  const manifest = {
    ...manifestOf({ batch: 5n, add: sql`` }),
    files: [file],
    reader: { delimiter: ';', nested: [1, null] },
    sideFiles: ['x'],
  }
  expect(await first.writeManifest(manifest)).toBe('created')
  expect(await first.writeManifest({ ...manifest, batchId: 'other' })).toBe('exists')
  expect(await first.readManifest(5n)).toEqual(manifest)
  expect(await first.readManifest(6n)).toBeUndefined()
  expect(await first.highestManifest()).toBe(5n)
})

/** A storage whose putIfAbsent of a commit fails, before or after it wrote. */
function failing(root: string, when: 'before' | 'after'): Blobs {
  const blobs = localBlobs(root)
  return Object.assign(Object.create(blobs), {
    root: blobs.root,
    list: blobs.list.bind(blobs),
    folders: blobs.folders.bind(blobs),
    read: blobs.read.bind(blobs),
    put: blobs.put.bind(blobs),
    remove: blobs.remove.bind(blobs),
    removeFolder: blobs.removeFolder.bind(blobs),
    createFolder: blobs.createFolder.bind(blobs),
    localPath: blobs.localPath.bind(blobs),
    fetch: blobs.fetch.bind(blobs),
    tidy: blobs.tidy.bind(blobs),
    keepsConditions: blobs.keepsConditions.bind(blobs),
    publish: blobs.publish.bind(blobs),
    putIfAbsent: async (path: string, content: Uint8Array) => {
      if (!/^_delta_log.*json$/.test(path)) return await blobs.putIfAbsent(path, content)
      if (when === 'before') throw new UnavailableError('ING-STORAGE-FULL', 'no room')
      await blobs.putIfAbsent(path, content)
      throw new UnavailableError('ING-STORAGE', 'the answer was lost')
    },
  })
}

function never(): never {
  throw new Error('unreachable')
}
