import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Blobs } from '../../../src/blobs/blobs.ts'
import { type Sql, sql } from '../../../src/engine/sql.ts'
import type { OptimizeRequest } from '../../../src/model/maintenance.ts'
import type { TableConfig } from '../../../src/model/table.ts'
import type { OpenTable } from '../../../src/stores/store.ts'
import { logActions } from '../../support/project.ts'
import { hookedBlobs } from './hooked-blobs.ts'
import { type Bench, benchForEach, COLUMNS, load, TRACKER } from './support.ts'

let bench: Bench
benchForEach((made) => {
  bench = made
})

function optimize(table: OpenTable, changes: Partial<OptimizeRequest> = {}) {
  return table.optimize({ trackerId: TRACKER, targetFileSize: null, zOrder: [], dryRun: false, auto: false, ...changes })
}

async function tableOf(queries: readonly Sql[], changes: Partial<TableConfig> = {}): Promise<OpenTable> {
  const table = await bench.open(changes)
  for (const [index, add] of queries.entries()) await load(table, { batch: BigInt(index + 1), add })
  return table
}

function actionsOf(version: number, kind: string): readonly Record<string, unknown>[] {
  return logActions(bench.root).flatMap(({ version: at, action }) => (at === version && action[kind] ? [action[kind]] : []))
}

const ONE_BY_ONE = Array.from({ length: 6 }, (_, index) => sql`select ${index}::bigint, 'x'`)

test('small files become one, rows stay, and a second time there is nothing to do', async () => {
  const table = await tableOf(ONE_BY_ONE)
  const rows = await bench.rowsOf(table)
  const result = await optimize(table)
  expect(result).toMatchObject({ version: 6n, removed: { files: 6 }, added: { files: 1 }, rows: 6n, purged: 0, reason: null })
  expect(await bench.rowsOf(table)).toEqual(rows)
  expect(await bench.rowsOf(await bench.open())).toEqual(rows)
  expect(await optimize(table)).toMatchObject({ version: null, removed: { files: 0 } })
})

test('the commit says that no data changed, what Spark shows of an OPTIMIZE, and bears no batch', async () => {
  const table = await tableOf(ONE_BY_ONE)
  await optimize(table)
  expect(actionsOf(6, 'remove').map((remove) => remove['dataChange'])).toEqual(Array(6).fill(false))
  const [add] = actionsOf(6, 'add')
  expect(add).toMatchObject({ dataChange: false, partitionValues: {} })
  expect(JSON.parse(String(add?.['stats']))).toMatchObject({
    numRecords: 6,
    minValues: { id: 0, name: 'x' },
    maxValues: { id: 5, name: 'x' },
  })
  const [info] = actionsOf(6, 'commitInfo')
  expect(info).toMatchObject({
    operation: 'OPTIMIZE',
    operationParameters: { predicate: '[]', zOrderBy: '[]', clusterBy: '[]', auto: 'false' },
    isolationLevel: 'SnapshotIsolation',
    isBlindAppend: false,
    readVersion: 5,
  })
  expect(Object.keys(info?.['operationMetrics'] as object).sort()).toEqual([
    'maxFileSize',
    'minFileSize',
    'numAddedBytes',
    'numAddedFiles',
    'numDeletionVectorsRemoved',
    'numRemovedBytes',
    'numRemovedFiles',
    'p25FileSize',
    'p50FileSize',
    'p75FileSize',
  ])
  expect(info).not.toHaveProperty('ingestd')
  expect(actionsOf(6, 'txn')).toEqual([])
  expect(actionsOf(6, 'metaData')).toEqual([])
})

test('a dry run counts and changes nothing', async () => {
  const table = await tableOf(ONE_BY_ONE)
  expect(await optimize(table, { dryRun: true })).toMatchObject({ version: null, removed: { files: 6 }, added: { files: 1 } })
  expect(readdirSync(join(bench.root, '_delta_log')).filter((name) => name.endsWith('.json'))).toHaveLength(6)
})

test('files of a partition stay in it, with its values to the letter', async () => {
  const columns = [...COLUMNS, { name: 'p q', type: 'VARCHAR', nullable: true }]
  const table = await bench.open({ partitionColumns: ['p q'] })
  for (let batch = 1n; batch <= 3n; batch += 1n) {
    const add = sql`select ${batch}::bigint, 'x', v from (values ('a b/c'), (null), ('__HIVE_DEFAULT_PARTITION__'), ('')) as t(v)`
    await load(table, { batch, add, columns })
  }
  const rows = await bench.rowsOf(table)
  expect(await optimize(table)).toMatchObject({ added: { files: 3 } })
  expect(await bench.rowsOf(await bench.open({ partitionColumns: ['p q'] }))).toEqual(rows)
  const values = actionsOf(3, 'add').map((add) => add['partitionValues'])
  expect(values).toHaveLength(3)
  for (const value of [null, 'a b/c', '__HIVE_DEFAULT_PARTITION__']) expect(values).toContainEqual({ 'p q': value })
})

test('old files lack later columns, and are put together with new ones', async () => {
  const table = await tableOf([sql`select 1, 'x'`])
  const columns = [...COLUMNS, { name: 'more', type: 'STRUCT(a BIGINT, b VARCHAR[])', nullable: true }]
  await load(table, { batch: 2n, add: sql`select 2, 'y', {a: 5, b: ['z']}`, columns })
  await optimize(table)
  expect(await bench.rowsOf(table)).toEqual(['{"id":1,"name":"x","more":null}', '{"id":2,"name":"y","more":{"a":5,"b":["z"]}}'])
})

test('hundreds of small partitions get one file each', async () => {
  const columns = [...COLUMNS, { name: 'p', type: 'INTEGER', nullable: true }]
  const table = await bench.open({ partitionColumns: ['p'] })
  const add = sql`select i, md5(i::varchar), (i % 200)::integer from range(150000) as t(i)`
  for (let batch = 1n; batch <= 2n; batch += 1n) await load(table, { batch, add, columns })
  const sums = async () =>
    bench.session.rows(sql`select p, count(*) as n, sum(id) as ids from (${await table.current()}) group by p order by p`)
  const before = await sums()
  expect(await optimize(table)).toMatchObject({ added: { files: 200 }, rows: 300_000n })
  expect(await sums()).toEqual(before)
  expect(await optimize(table)).toMatchObject({ version: null })
})

test('the greatest sequence of the inputs stays with the partition', async () => {
  const table = await bench.open()
  for (const [index, sequence] of ['05', '09', '07'].entries())
    await load(table, { batch: BigInt(index + 1), add: sql`select 1, 'x'`, tags: { 'ingestd.sequence': sequence } })
  await optimize(table)
  const [row] = await bench.session.rows(await table.partitionSequences())
  expect(row).toEqual({ sequence: '09' })
})

test('files near the target are left alone', async () => {
  const table = await bench.open()
  const many = (from: number) => sql`select i, md5(i::varchar) from range(${from}::bigint, ${from + 20_000}::bigint) as t(i)`
  await load(table, { batch: 1n, add: many(0) })
  const [big] = actionsOf(0, 'add')
  const target = BigInt(Number(big?.['size']))
  await load(table, { batch: 2n, add: sql`select -1, 'x'` })
  await load(table, { batch: 3n, add: sql`select -2, 'x'` })
  expect(await optimize(table, { targetFileSize: target })).toMatchObject({ removed: { files: 2 }, added: { files: 1 } })
  // What is left cannot become fewer files.
  expect(await optimize(table, { targetFileSize: target })).toMatchObject({ version: null })
})

test('much is cut into files of the target', async () => {
  const table = await bench.open()
  for (let batch = 1n; batch <= 4n; batch += 1n)
    await load(table, { batch, add: sql`select i, md5((i * ${batch}::bigint)::varchar) from range(300000) as t(i)` })
  const sizes = () => actionsOf(4, 'add').map((add) => Number(add['size']))
  const target = 12_000_000n
  const result = await optimize(table, { targetFileSize: target })
  expect(result.removed.files).toBe(4)
  expect(result.rows).toBe(1_200_000n)
  expect(sizes().length).toBeGreaterThan(1)
  expect(sizes().filter((size) => size < Number(target) * 0.75).length).toBeLessThanOrEqual(1)
  expect(await optimize(table, { targetFileSize: target })).toMatchObject({ version: null })
})

test('z-order lets filters on either column skip files, and knows its own work', async () => {
  const columns = ['a', 'b'].map((name) => ({ name, type: 'BIGINT', nullable: true }))
  const table = await bench.open()
  const add = sql`select hash(i) % 1000, hash(i + 1) % 1000 from range(1000000) as t(i) union all select null, 5`
  await load(table, { batch: 1n, add, columns })
  const before = await bench.session.rows(sql`select count(*) as n, sum(a) as a, sum(b) as b from (${await table.current()})`)
  const result = await optimize(table, { zOrder: ['A', 'b'], targetFileSize: 100_000n })
  expect(result.added.files).toBeGreaterThan(5)
  expect(await bench.session.rows(sql`select count(*) as n, sum(a) as a, sum(b) as b from (${await table.current()})`)).toEqual(before)
  const bounds = actionsOf(1, 'add').map((file) => JSON.parse(String(file['stats'])) as Record<string, Record<string, number>>)
  for (const column of ['a', 'b']) {
    const hit = bounds.filter(({ minValues, maxValues }) => Number(minValues?.[column]) <= 100 && Number(maxValues?.[column]) >= 100)
    expect(hit.length).toBeLessThan(bounds.length * 0.75)
  }
  expect(actionsOf(1, 'commitInfo')[0]?.['operationParameters']).toMatchObject({ zOrderBy: '["a","b"]' })
  expect(await optimize(table, { zOrder: ['a', 'b'], targetFileSize: 100_000n })).toMatchObject({ version: null })
  await load(table, { batch: 2n, add: sql`select 1, 1`, columns })
  expect(await optimize(table, { zOrder: ['a', 'b'], targetFileSize: 100_000n })).toMatchObject({ version: 3n })
})

test.each([
  [['nothing'], 'db.t has no column nothing'],
  [['name', 'NAME'], 'db.t: a column is named twice'],
  [['tags'], 'db.t: column tags has no minimum and maximum in the log, so that no reader could skip files by it'],
  [['p'], 'db.t: p is a partition column'],
])('z-order by %s is refused', async (zOrder, message) => {
  const columns = [...COLUMNS, { name: 'tags', type: 'VARCHAR[]', nullable: true }, { name: 'p', type: 'VARCHAR', nullable: true }]
  const table = await bench.open({ partitionColumns: ['p'] })
  await load(table, { batch: 1n, add: sql`select 1, 'x', ['t'], 'p'`, columns })
  await expect(optimize(table, { zOrder })).rejects.toMatchObject({ code: 'ING-TABLE-ZORDER', message })
})

test('appends of others go on beside it; the exchange goes on top of them', async () => {
  const table = await tableOf(ONE_BY_ONE)
  const other = await tableOf([])
  const beside = await bench.open({}, (root) => {
    let first = true
    return afterPublish(root, async () => {
      if (first) await load(other, { batch: 7n, add: sql`select 99, 'beside'` })
      first = false
    })
  })
  expect(await optimize(beside)).toMatchObject({ version: 7n, removed: { files: 6 } })
  await table.refresh()
  expect(await bench.rowsOf(table)).toHaveLength(7)
})

test('whoever takes an input away first wins, and the rest is planned again', async () => {
  await tableOf(ONE_BY_ONE)
  const other = await bench.open()
  let hits = 0
  const beside = await bench.open({}, (root) =>
    afterPublish(root, async () => {
      hits += 1
      if (hits === 1) await optimize(other)
    }),
  )
  // The other put all files together: on the newest version there is nothing to do.
  expect(await optimize(beside)).toMatchObject({ version: null })
  expect(hits).toBe(1)
  expect(await bench.rowsOf(beside)).toHaveLength(6)
  expect(dataFiles()).toHaveLength(7)
  expect(leftovers()).toEqual([])
})

test('a first rewrite that another cancelled does not commit', async () => {
  await tableOf(ONE_BY_ONE)
  const other = await bench.open()
  let hits = 0
  const beside = await bench.open({}, (root) =>
    afterPublish(root, async () => {
      hits += 1
      if (hits > 1) return
      // Its lease was thought to be over: another process clears up, loads, and clears up again.
      await other.clean(6n)
      await load(other, { batch: 7n, add: sql`select 99, 'beside'` })
      await other.clean(7n)
    }),
  )
  await expect(optimize(beside)).rejects.toMatchObject({ code: 'ING-TABLE-CONFLICT' })
  const table = await bench.open()
  expect(await bench.rowsOf(table)).toHaveLength(7)
  expect(leftovers()).toEqual([])
})

test('files of a killed rewrite stay until no entry of it can come any more', async () => {
  const table = await tableOf(ONE_BY_ONE)
  const orphan = 'part-orphan.parquet'
  writeFileSync(join(bench.root, orphan), 'x')
  note({ id: 'optimize-dead', added: [orphan], removed: [] })
  await table.clean(6n)
  expect(existsSync(join(bench.root, orphan))).toBe(true)
  await table.clean(6n)
  expect(existsSync(join(bench.root, orphan))).toBe(true)
  await load(table, { batch: 7n, add: sql`select 7, 'x'` })
  await table.clean(7n)
  expect(existsSync(join(bench.root, orphan))).toBe(false)
  expect(leftovers()).toEqual([])
})

test('a rewrite that was killed after its commit is finished', async () => {
  const table = await tableOf(ONE_BY_ONE)
  await optimize(table)
  const [add] = actionsOf(6, 'add')
  note({ id: 'optimize-dead', added: [String(add?.['path'])], removed: [] })
  await table.clean(6n)
  expect(existsSync(join(bench.root, String(add?.['path'])))).toBe(true)
  expect(leftovers()).toEqual([])
})

test('a folder of Parquet files holds each row once after it', async () => {
  const table = await tableOf(ONE_BY_ONE, { outputFormat: 'parquet' })
  await optimize(table)
  expect(dataFiles()).toHaveLength(1)
  expect(await bench.rowsOf(table)).toHaveLength(6)
  expect(leftovers()).toEqual([])
})

test('automatic work waits until it pays', async () => {
  const table = await tableOf(ONE_BY_ONE)
  expect(await optimize(table, { auto: true })).toMatchObject({ version: null })
  for (let batch = 7n; batch <= 50n; batch += 1n) await load(table, { batch, add: sql`select ${batch}::bigint, 'x'` })
  expect(await optimize(table, { auto: true })).toMatchObject({ version: 50n, removed: { files: 50 } })
  expect(actionsOf(50, 'commitInfo')[0]?.['operationParameters']).toMatchObject({ auto: 'true' })
})

test('the table of another tracker is left alone', async () => {
  const table = await tableOf(ONE_BY_ONE)
  await expect(optimize(table, { trackerId: 'other' })).rejects.toMatchObject({ code: 'ING-TABLE-OTHER-TRACKER' })
})

test('a table without a version has nothing to do', async () => {
  expect(await optimize(await bench.open())).toMatchObject({ version: null, reason: 'the table has no version yet' })
})

function dataFiles(): readonly string[] {
  return readdirSync(bench.root).filter((name) => name.endsWith('.parquet'))
}

/** Something happens between the moving of files and the commit. */
function afterPublish(root: string, act: () => Promise<void>): Blobs {
  return hookedBlobs(root, (real) => ({
    publish: async (moves) => {
      await real.publish(moves)
      await act()
    },
  }))
}

/** Staged files and notes of rewrites. */
function leftovers(): readonly string[] {
  return ['stage', 'rewrites'].flatMap((folder) => {
    const path = join(bench.root, '_ingestd', folder)
    return existsSync(path) ? readdirSync(path) : []
  })
}

function note(content: { readonly id: string; readonly added: readonly string[]; readonly removed: readonly string[] }): void {
  const folder = join(bench.root, '_ingestd/rewrites')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${content.id}.json`), JSON.stringify({ ...content, cancelled: false, cancelledAt: null }))
}
