import { existsSync, readdirSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { localBlobs } from '../../../src/blobs/local.ts'
import { TableLog } from '../../../src/delta/table-log.ts'
import { sql } from '../../../src/engine/sql.ts'
import type { TableConfig } from '../../../src/model/table.ts'
import { cleanLog } from '../../../src/stores/log-cleanup.ts'
import { type Bench, benchForEach, load } from './support.ts'

const DAY_MS = 86_400_000

let bench: Bench
benchForEach((made) => {
  bench = made
})

/** Twelve versions with checkpoints at 2, 4 … 10. */
async function twelve(changes: Partial<TableConfig> = {}): Promise<void> {
  const { delta } = bench.table()
  const table = await bench.open({ delta: { ...delta, checkpointInterval: 2 }, ...changes })
  for (let batch = 1n; batch <= 12n; batch += 1n) await load(table, { batch, add: sql`select ${batch}::bigint, 'x'` })
}

function names(): readonly string[] {
  return readdirSync(join(bench.root, '_delta_log')).filter((name) => /^\d/.test(name))
}

function commits(): readonly number[] {
  return names()
    .filter((name) => /^\d{20}\.json$/.test(name))
    .map((name) => Number(name.slice(0, 20)))
}

/** Versions below one were made forty days ago. */
function age(below: number): void {
  const seconds = (Date.now() - 40 * DAY_MS) / 1000
  for (const name of readdirSync(join(bench.root, '_delta_log')))
    if (/^\d/.test(name) && Number(name.slice(0, 20)) < below) utimesSync(join(bench.root, '_delta_log', name), seconds, seconds)
}

async function clean(retentionMs = 30 * DAY_MS): Promise<number> {
  const log = await TableLog.open('db.t', localBlobs(bench.root), bench.session)
  if (log.state === undefined) throw new Error('there is no table')
  return cleanLog({ state: log.state, blobs: log.blobs, session: bench.session, nowMs: Date.now(), retentionMs })
}

test('what lies below the newest old checkpoint goes; its own commit and all later versions stay', async () => {
  await twelve()
  age(8)
  expect(await clean()).toBeGreaterThan(6)
  // Versions 0 to 7 are old, and 6 is the newest of them with a checkpoint.
  expect(commits()).toEqual([6, 7, 8, 9, 10, 11])
  expect(names().filter((name) => Number(name.slice(0, 20)) < 6)).toEqual([])
  expect(names()).toContain(`${'6'.padStart(20, '0')}.checkpoint.parquet`)
  expect(await bench.rowsOf(await bench.open())).toHaveLength(12)
  expect(readdirSync(join(bench.root, '_ingestd/manifests'))).toHaveLength(12)
  expect(await clean()).toBe(0)
})

test('it comes by itself with a checkpoint, and batches stay known', async () => {
  const { delta } = bench.table()
  await twelve()
  age(8)
  const table = await bench.open({ delta: { ...delta, checkpointInterval: 1 } })
  await load(table, { batch: 13n, add: sql`select 13, 'x'` })
  expect(commits()[0]).toBe(6)
  // A batch whose entry is gone is known by the manifests.
  expect(await load(await bench.open(), { batch: 3n, add: sql`select 3, 'x'` })).toMatchObject({ kind: 'alreadyCommitted' })
  expect(await bench.rowsOf(await bench.open())).toHaveLength(13)
})

test('a table keeps its log when it says so, or says a longer time', async () => {
  await twelve({ tableProperties: { 'delta.enableExpiredLogCleanup': 'false' } })
  age(12)
  expect(await clean()).toBe(0)
})

test('the longer of the two retentions counts', async () => {
  await twelve({ tableProperties: { 'delta.logRetentionDuration': 'interval 60 days' } })
  age(12)
  expect(await clean()).toBe(0)
  expect(await clean(90 * DAY_MS)).toBe(0)
})

test('nothing goes where all is young, or no checkpoint is old enough', async () => {
  await twelve()
  expect(await clean()).toBe(0)
  age(2)
  expect(await clean()).toBe(0)
  expect(commits()[0]).toBe(0)
})

test('a young version among old ones ends them', async () => {
  await twelve()
  age(12)
  const now = Date.now() / 1000
  utimesSync(join(bench.root, '_delta_log', `${'3'.padStart(20, '0')}.json`), now, now)
  await clean()
  expect(commits()[0]).toBe(2)
})

test('a checkpoint that cannot be read is no reason to delete anything', async () => {
  await twelve()
  age(8)
  truncateSync(join(bench.root, '_delta_log', `${'6'.padStart(20, '0')}.checkpoint.parquet`), 50)
  age(8)
  expect(await clean()).toBe(0)
  expect(commits()[0]).toBe(0)
})

test('files of other writers go with their versions, stray names stay, and so do Hadoop checksums of what is left', async () => {
  await twelve()
  const log = join(bench.root, '_delta_log')
  const pad = (version: number) => String(version).padStart(20, '0')
  const old = [`.${pad(3)}.json.crc`, `${pad(1)}.${pad(3)}.compacted.json`, `${pad(4)}.checkpoint.0000000001.0000000002.parquet`]
  const kept = [`.${pad(7)}.json.crc`, 'foo.txt', `${pad(3)}.json.tmp`]
  for (const name of [...old, ...kept]) writeFileSync(join(log, name), 'x')
  age(8)
  await clean()
  expect(old.filter((name) => existsSync(join(log, name)))).toEqual([])
  expect(kept.filter((name) => !existsSync(join(log, name)))).toEqual([])
})
