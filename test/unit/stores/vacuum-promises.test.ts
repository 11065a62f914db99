import { existsSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sql } from '../../../src/engine/sql.ts'
import { type Bench, benchForEach, load, TRACKER } from './support.ts'

const DAY_MS = 86_400_000
const REQUEST = { trackerId: TRACKER, retentionMs: null, dryRun: true, force: false }

let bench: Bench
benchForEach((made) => {
  bench = made
})

function put(name: string, days: number): string {
  const path = join(bench.root, name)
  writeFileSync(path, 'x')
  const seconds = (Date.now() - days * DAY_MS) / 1000
  utimesSync(path, seconds, seconds)
  return name
}

test('a promise of the table that is not understood is not broken', async () => {
  const table = await bench.open({ tableProperties: { 'delta.deletedFileRetentionDuration': 'interval 2 months' } })
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  const orphan = put('part-orphan.parquet', 90)
  await expect(table.vacuum({ ...REQUEST, dryRun: false })).rejects.toMatchObject({
    ...{ code: 'ING-TABLE-RETENTION', message: expect.stringContaining('2 months') },
  })
  expect(existsSync(join(bench.root, orphan))).toBe(true)
})

test('a promise of several units is kept to the full', async () => {
  const table = await bench.open({ tableProperties: { 'delta.deletedFileRetentionDuration': 'interval 4 weeks 3 days' } })
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  put('part-young.parquet', 30)
  const old = put('part-old.parquet', 32)
  expect(await table.vacuum(REQUEST)).toMatchObject({ paths: [old], retentionMs: 31 * DAY_MS })
})

test.each(['file://localhost/', 'file:///', 'file:/', '/'])(
  'a file of the table is spared whatever way the log names it (%s)',
  async (prefix) => {
    const table = await bench.open()
    await load(table, { batch: 1n, add: sql`select 1, 'x'` })
    const own = put('part-own.parquet', 30)
    const add = { path: `${prefix}${join(bench.root, own).slice(1)}`, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true }
    writeFileSync(join(bench.root, '_delta_log/00000000000000000001.json'), `${JSON.stringify({ add })}\n`)
    const old = put('part-old.parquet', 32)
    expect(await table.vacuum(REQUEST)).toMatchObject({ paths: [old] })
  },
)
