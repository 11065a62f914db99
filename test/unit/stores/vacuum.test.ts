import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { encodedUuid } from '../../../src/delta/deletion-vectors/descriptor.ts'
import { sql } from '../../../src/engine/sql.ts'
import type { VacuumRequest } from '../../../src/model/maintenance.ts'
import type { OpenTable } from '../../../src/stores/store.ts'
import { isHidden } from '../../../src/stores/vacuum-candidates.ts'
import { logActions } from '../../support/project.ts'
import { writeCommit } from '../delta/support.ts'
import { hookedBlobs } from './hooked-blobs.ts'
import { Bench, benchForEach, COLUMNS, load, staged, TRACKER } from './support.ts'

const DAY_MS = 86_400_000

let bench: Bench
benchForEach((made) => {
  bench = made
})

function vacuum(table: OpenTable, changes: Partial<VacuumRequest> = {}) {
  return table.vacuum({ trackerId: TRACKER, retentionMs: null, dryRun: false, force: false, ...changes })
}

/** A file of the folder that was written so many days ago. */
function age(path: string, days: number): void {
  const seconds = Date.now() / 1000 - days * 86_400
  utimesSync(join(bench.root, path), seconds, seconds)
}

function put(path: string, days: number): string {
  mkdirSync(dirname(join(bench.root, path)), { recursive: true })
  writeFileSync(join(bench.root, path), 'x')
  age(path, days)
  return path
}

function exists(path: string): boolean {
  return existsSync(join(bench.root, path))
}

function dataFiles(): readonly string[] {
  return readdirSync(bench.root).filter((name) => name.endsWith('.parquet'))
}

/** Makes all that the log says happen some days earlier. */
async function rewriteLog(change: (line: Record<string, Record<string, unknown>>) => void, days: number): Promise<void> {
  const log = join(bench.root, '_delta_log')
  const versions = new Map<string, string[]>()
  for (const { version, action } of logActions(bench.root)) {
    const line = structuredClone(action)
    change(line)
    const name = `${String(version).padStart(20, '0')}.json`
    versions.set(name, [...(versions.get(name) ?? []), JSON.stringify(line)])
  }
  for (const [name, lines] of versions) {
    writeFileSync(join(log, name), `${lines.join('\n')}\n`)
    age(`_delta_log/${name}`, days)
  }
}

test('files that no version within the retention has are deleted, and two entries tell of it', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  const orphan = put('part-orphan.parquet', 8)
  const crc = put('.part-orphan.parquet.crc', 8)
  const inner = put('some/where/else.parquet', 30)
  const result = await vacuum(table)
  expect(result).toEqual({ version: 2n, deleted: { files: 2, bytes: 2n }, paths: [orphan, inner], retentionMs: 7 * DAY_MS, reason: null })
  expect([orphan, crc, inner].filter(exists)).toEqual([])
  expect(await bench.rowsOf(await bench.open())).toEqual(['{"id":1,"name":"x"}'])
  const infos = logActions(bench.root).flatMap(({ version, action }) => (version > 0 && action['commitInfo'] ? [action['commitInfo']] : []))
  expect(infos).toMatchObject([
    {
      operation: 'VACUUM START',
      operationParameters: { retentionCheckEnabled: 'true', defaultRetentionMillis: String(7 * DAY_MS) },
      operationMetrics: { numFilesToDelete: '2', sizeOfDataToDelete: '2' },
      isolationLevel: 'SnapshotIsolation',
      isBlindAppend: true,
    },
    {
      operation: 'VACUUM END',
      operationParameters: { status: 'COMPLETED' },
      operationMetrics: { numDeletedFiles: '2', numVacuumedDirectories: '3' },
    },
  ])
  // With nothing to delete nothing is told.
  expect(await vacuum(table)).toMatchObject({ version: null, deleted: { files: 0 } })
})

test('a dry run names the files and leaves them', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  const orphan = put('part-orphan.parquet', 8)
  expect(await vacuum(table, { dryRun: true })).toMatchObject({ version: null, deleted: { files: 1 }, paths: [orphan] })
  expect(exists(orphan)).toBe(true)
})

test('a superseded file goes when it was removed before the retention, not when it was written before it', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  const [old] = dataFiles()
  await load(table, { batch: 2n, add: sql`select 2, 'y'`, remove: 'everything' })
  for (const file of dataFiles()) age(file, 30)
  expect(await vacuum(table)).toMatchObject({ deleted: { files: 0 } })
  await rewriteLog((line) => {
    if (line['remove']) line['remove']['deletionTimestamp'] = Date.now() - 8 * DAY_MS
  }, 8)
  expect(await vacuum(await bench.open())).toMatchObject({ deleted: { files: 1 }, paths: [old] })
  expect(await bench.rowsOf(await bench.open())).toEqual(['{"id":2,"name":"y"}'])
})

test('young orphans stay: they may be those of a writer that has not committed yet', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  const young = put('part-young.parquet', 6)
  expect(await vacuum(table)).toMatchObject({ deleted: { files: 0 } })
  expect(exists(young)).toBe(true)
})

test('a file that was staged long ago is young when it comes to its place', async () => {
  const table = await bench.open()
  const request = await staged(table, { batch: 1n, add: sql`select 1, 'x'` })
  for (const path of request.staged.flatMap((one) => one.localPaths)) utimesSync(path, 1, 1)
  await table.commit(request)
  const [file] = dataFiles()
  expect(statSync(join(bench.root, file ?? '')).mtimeMs).toBeGreaterThan(Date.now() - 60_000)
})

test('a retention below that of the table is refused without force', async () => {
  const table = await bench.open({ tableProperties: { 'delta.deletedFileRetentionDuration': 'interval 10 days' } })
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  const orphan = put('part-orphan.parquet', 9)
  expect(await vacuum(table)).toMatchObject({ deleted: { files: 0 }, retentionMs: 10 * DAY_MS })
  await expect(vacuum(table, { retentionMs: 8 * DAY_MS })).rejects.toMatchObject({
    code: 'ING-TABLE-RETENTION',
    message: 'db.t: files are kept for 10 days, and would be deleted after 8 days: readers and writers that are at work may lose theirs',
  })
  expect(exists(orphan)).toBe(true)
  expect(await vacuum(table, { retentionMs: 8 * DAY_MS, force: true })).toMatchObject({ deleted: { files: 1 } })
})

test('a longer retention than the tombstones of a checkpoint remember is kept by the log itself', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  await load(table, { batch: 2n, add: sql`select 2, 'y'`, remove: 'everything' })
  for (const file of dataFiles()) age(file, 30)
  // Deleted long ago by its own word, by a commit that is younger than the retention that is asked for.
  await rewriteLog((line) => {
    if (line['remove']) line['remove']['deletionTimestamp'] = Date.now() - 40 * DAY_MS
  }, 8)
  expect(await vacuum(await bench.open(), { retentionMs: 20 * DAY_MS })).toMatchObject({ deleted: { files: 0 } })
})

test('hidden files and folders, the log, our own folder and moved files of work in flight are left alone', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  const kept = [
    '_ingestd/stage/b/1.staged',
    '_delta_log/foreign.txt',
    '_spark_metadata/0',
    '.hidden/a.parquet',
    '.a.parquet',
    '_b.parquet',
    'moved.parquet',
    'rewritten.parquet',
  ]
  for (const path of kept) put(path, 400)
  const moves = { batch: 5, batchId: 'b', added: ['moved.parquet'], removed: [] }
  writeFileSync(join(bench.root, put('_ingestd/moves/00000000000000000005.json', 1)), JSON.stringify(moves))
  const note = { id: 'optimize-1', added: ['rewritten.parquet'], removed: [], cancelled: true, cancelledAt: 1 }
  writeFileSync(join(bench.root, put('_ingestd/rewrites/optimize-1.json', 1)), JSON.stringify(note))
  const manifests = readdirSync(join(bench.root, '_ingestd/manifests'))
  expect(await vacuum(table)).toMatchObject({ deleted: { files: 0 } })
  expect(kept.filter((path) => !exists(path))).toEqual([])
  expect(readdirSync(join(bench.root, '_ingestd/manifests'))).toEqual(manifests)
})

test('partition folders are looked into, whatever their column is called', async () => {
  const columns = [...COLUMNS, { name: '_p %', type: 'VARCHAR', nullable: true }]
  const table = await bench.open({ partitionColumns: ['_p %'] })
  await load(table, { batch: 1n, add: sql`select 1, 'x', 'a b/ü%'`, columns })
  const [add] = logActions(bench.root).flatMap(({ action }) => (action['add'] ? [action['add']] : []))
  const live = decodeURIComponent(String(add?.['path']))
  age(live, 30)
  const orphan = put(join(dirname(live), 'part-orphan.parquet'), 30)
  expect(await vacuum(table)).toMatchObject({ deleted: { files: 1 }, paths: [orphan] })
  expect(exists(live)).toBe(true)
})

test.each([
  'file:ROOT/live%20file.parquet',
  'file://ROOT/live%20file.parquet',
  './live%20file.parquet',
  'live file.parquet',
  'x/../live%20file.parquet',
])('a live file is known by what its path means: %s', async (logged) => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  put('live file.parquet', 30)
  put('dead file.parquet', 30)
  const path = logged.replace('ROOT', bench.root)
  await rewriteLog((line) => {
    if (line['add']) line['add']['path'] = path
  }, 1)
  const paths = (await vacuum(await bench.open(), { dryRun: true })).paths
  expect(paths).toContain('dead file.parquet')
  // A path with `..` is no path that any writer makes; it protects nothing.
  expect(paths.includes('live file.parquet')).toBe(logged.includes('..'))
})

test('deletion vector files of the versions within the retention stay, and others go', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  const live = 'aa/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin'
  const dead = 'aa/deletion_vector_00c639aa-8816-431a-aaf6-d3fe2512ff61.bin'
  const old = 'deletion_vector_11c639aa-8816-431a-aaf6-d3fe2512ff61.bin'
  for (const path of [live, dead, old]) put(path, 30)
  const vector = (uuid: string) => ({ storageType: 'u', pathOrInlineDv: uuid, offset: 1, sizeInBytes: 40, cardinality: 1 })
  const [add] = logActions(bench.root).flatMap(({ action }) => (action['add'] ? [action['add']] : []))
  const lines = [
    {
      remove: {
        path: add?.['path'],
        deletionTimestamp: Date.now(),
        dataChange: true,
        deletionVector: vector(encodedUuid('11c639aa-8816-431a-aaf6-d3fe2512ff61')),
      },
    },
    { add: { ...add, deletionVector: vector(`aa${encodedUuid('d2c639aa-8816-431a-aaf6-d3fe2512ff61')}`) } },
  ]
  writeCommit(bench.root, 1, lines)
  expect((await vacuum(await bench.open(), { dryRun: true })).paths).toEqual([dead])
})

test('change files stay as long as their commit is within the retention', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  const told = put('_change_data/cdc-told.parquet', 30)
  const dead = put('_change_data/cdc-dead.parquet', 30)
  const line = { cdc: { path: told, partitionValues: {}, size: 1, dataChange: false } }
  writeCommit(bench.root, 1, [line])
  expect((await vacuum(await bench.open())).paths).toEqual([dead])
  expect(exists(told)).toBe(true)
})

test('an old file that another writer brings back while files are deleted is not deleted', async () => {
  await load(await bench.open(), { batch: 1n, add: sql`select 1, 'x'` })
  const back = put('part-back.parquet', 30)
  const gone = put('part-gone.parquet', 30)
  const table = await bench.open({}, (root) =>
    hookedBlobs(root, (real) => ({
      putIfAbsent: async (path, content) => {
        const answer = await real.putIfAbsent(path, content)
        // VACUUM START is in the log: now the other restores an older version.
        const add = { path: back, partitionValues: {}, size: 1, modificationTime: 0, dataChange: true }
        if (path.endsWith('01.json')) writeCommit(bench.root, 2, [{ add }])
        return answer
      },
    })),
  )
  expect(await vacuum(table)).toMatchObject({ version: 3n, deleted: { files: 1 } })
  expect([exists(back), exists(gone)]).toEqual([true, false])
})

test('a vacuum that fails half-way says so in the log', async () => {
  await load(await bench.open(), { batch: 1n, add: sql`select 1, 'x'` })
  put('part-orphan.parquet', 30)
  const table = await bench.open({}, (root) => hookedBlobs(root, () => ({ remove: () => Promise.reject(new Error('the disk is gone')) })))
  await expect(vacuum(table)).rejects.toThrow('the disk is gone')
  const last = logActions(bench.root).at(-1)?.action['commitInfo']
  expect(last).toMatchObject({
    operation: 'VACUUM END',
    operationParameters: { status: 'FAILED' },
    operationMetrics: { numDeletedFiles: '0' },
  })
})

test('loads and vacuums side by side: no live file is ever deleted', async () => {
  await using second = await Bench.make()
  const writer = await bench.open()
  await load(writer, { batch: 1n, add: sql`select 0, 'x'` })
  let writing = true
  const cleaning = async () => {
    const store = await second.open({ targetPath: bench.root })
    let deleted = 0
    while (writing) deleted += (await vacuum(store, { retentionMs: 150, force: true })).deleted.files
    return deleted
  }
  const loading = async () => {
    for (let batch = 2n; batch <= 40n; batch += 1n) {
      const replaces = batch % 3n === 0n
      await load(writer, { batch, add: sql`select i, 'x' from range(2000) as t(i)`, ...(replaces ? { remove: 'everything' } : {}) })
    }
    writing = false
  }
  const [deleted] = await Promise.all([cleaning(), loading()])
  expect(deleted).toBeGreaterThan(5)
  expect(await bench.rowsOf(await bench.open())).toHaveLength(4000)
})

test('a folder of Parquet files needs no vacuum', async () => {
  const table = await bench.open({ outputFormat: 'parquet' })
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  const orphan = put('notes.txt', 30)
  expect(await vacuum(table)).toMatchObject({ reason: 'superseded files are deleted after each commit (output_format: parquet)' })
  expect(exists(orphan)).toBe(true)
})

test('the table of another tracker is left alone', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  await expect(vacuum(table, { trackerId: 'other' })).rejects.toMatchObject({ code: 'ING-TABLE-OTHER-TRACKER' })
})

test('thousands of files are deleted page by page', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  for (let file = 0; file < 1200; file += 1) put(`part-${file}.parquet`, 30)
  const result = await vacuum(table)
  expect(result).toMatchObject({ deleted: { files: 1200, bytes: 1200n } })
  expect(result.paths).toHaveLength(1000)
  expect(dataFiles()).toHaveLength(1)
})

test.each([
  ['_delta_log', true],
  ['_ingestd', true],
  ['.git', true],
  ['_change_data', false],
  ['p=1', false],
  ['_p=1', false],
  ['_q=1', true],
  ['_p', true],
])('%s is hidden: %s', (name, hidden) => {
  expect(isHidden(name, ['_p'])).toBe(hidden)
})
