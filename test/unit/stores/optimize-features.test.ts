import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sql } from '../../../src/engine/sql.ts'
import type { OpenTable } from '../../../src/stores/store.ts'
import { logActions } from '../../support/project.ts'
import { metaData, writeCommit } from '../delta/support.ts'
import { type Bench, benchForEach, COLUMNS, load, manifestOf, staged, TRACKER } from './support.ts'

let bench: Bench
benchForEach((made) => {
  bench = made
})

const REQUEST = { trackerId: TRACKER, targetFileSize: null, zOrder: [], dryRun: false, auto: false }

/** Removes rows by a condition; the table keeps them as its config says. */
async function removeRows(table: OpenTable, batch: bigint, where: ReturnType<typeof sql>): Promise<void> {
  const load = { batch, add: sql`select null::bigint, null::varchar where false` }
  const request = await staged(table, load)
  const removal = await table.stageRemoval({
    positions: sql`select __file, __position from (${await table.located()}) where ${where}`,
    added: load.add,
    addedRows: 0n,
    changes: null,
    columns: COLUMNS,
    batchId: manifestOf(load).batchId,
  })
  const whole = { ...request, staged: [...request.staged, ...removal.staged], remove: 'positions' as const, removal, blindAppend: false }
  await table.writeManifest(whole.manifest)
  expect(await table.commit(whole)).toMatchObject({ kind: 'committed' })
}

async function withVectors(): Promise<OpenTable> {
  const table = await bench.open({ delta: { ...bench.table().delta, deletionVectors: true } })
  await load(table, { batch: 1n, add: sql`select i, 'a' from range(1000) as t(i)` })
  await load(table, { batch: 2n, add: sql`select i, 'b' from range(1000, 2000) as t(i)` })
  return table
}

function vectors(): readonly string[] {
  return readdirSync(bench.root, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.bin'))
}

test('deleted rows stay deleted, and their vectors are purged', async () => {
  const table = await withVectors()
  await removeRows(table, 3n, sql`id % 3 = 0`)
  const rows = await bench.rowsOf(table)
  expect(vectors().length).toBeGreaterThan(0)
  expect(await table.optimize(REQUEST)).toMatchObject({ removed: { files: 2 }, added: { files: 1 }, rows: 1333n, purged: 2 })
  expect(await bench.rowsOf(await bench.open())).toEqual(rows)
  const removes = logActions(bench.root).flatMap(({ version, action }) => (version === 3 && action['remove'] ? [action['remove']] : []))
  expect(removes.map((remove) => typeof remove['deletionVector'])).toEqual(['object', 'object'])
  expect(await table.optimize(REQUEST)).toMatchObject({ version: null })
})

test('a good file is written again for its deleted rows only where they are many', async () => {
  const table = await withVectors()
  // Each file is as large as the target: size alone is no reason.
  const [add] = logActions(bench.root).flatMap(({ action }) => (action['add'] ? [action['add']] : []))
  const request = { ...REQUEST, targetFileSize: BigInt(Number(add?.['size'])) }
  await removeRows(table, 3n, sql`id in (5, 7)`)
  expect(await table.optimize(request)).toMatchObject({ version: null })
  await removeRows(table, 4n, sql`id between 100 and 199`)
  expect(await table.optimize(request)).toMatchObject({ removed: { files: 1 }, added: { files: 1 }, rows: 898n, purged: 1 })
})

test('rows that others delete while files are put together are not brought back', async () => {
  const table = await withVectors()
  const other = await bench.open({ delta: { ...bench.table().delta, deletionVectors: true } })
  await removeRows(other, 3n, sql`id = 1500`)
  // The table was read before: its plan names a file whose vector has changed since.
  expect(await table.optimize(REQUEST)).toMatchObject({ removed: { files: 2 }, rows: 1999n })
  expect(await bench.rowsOf(await bench.open())).toHaveLength(1999)
})

test('vacuum leaves the vectors of versions within the retention', async () => {
  const table = await withVectors()
  await removeRows(table, 3n, sql`id = 5`)
  const [live] = vectors()
  await table.optimize(REQUEST)
  await table.vacuum({ trackerId: TRACKER, retentionMs: 60_000, dryRun: false, force: true })
  expect(existsSync(join(bench.root, live ?? ''))).toBe(true)
  await new Promise((done) => setTimeout(done, 20))
  const result = await table.vacuum({ trackerId: TRACKER, retentionMs: 0, dryRun: false, force: true })
  expect(result.paths).toContain(live)
  expect(vectors()).toEqual([])
  expect(await bench.rowsOf(await bench.open())).toHaveLength(1999)
})

test.each(['name', 'id'])('a table with columns mapped by %s keeps its physical names and partition keys', async (mode) => {
  const field = (name: string, type: string, id: number) => ({
    name,
    type,
    nullable: true,
    metadata: { 'delta.columnMapping.id': id, 'delta.columnMapping.physicalName': `col-${id}` },
  })
  const fields = [field('id', 'long', 1), field('name', 'string', 2), field('p q', 'string', 3)]
  writeCommit(bench.root, 0, [
    { protocol: { minReaderVersion: 2, minWriterVersion: 5 } },
    metaData({
      schemaString: JSON.stringify({ type: 'struct', fields }),
      partitionColumns: ['p q'],
      configuration: { 'delta.columnMapping.mode': mode, 'delta.columnMapping.maxColumnId': '3' },
    }),
  ])
  const table = await bench.open({ partitionColumns: ['p q'] })
  const columns = table.state?.columns ?? []
  for (let batch = 1n; batch <= 3n; batch += 1n) await load(table, { batch, add: sql`select ${batch}::bigint, 'x', 'one'`, columns })
  const rows = await bench.rowsOf(table)
  expect(await table.optimize({ ...REQUEST, zOrder: ['id'] })).toMatchObject({ removed: { files: 3 }, added: { files: 1 } })
  expect(await bench.rowsOf(await bench.open({ partitionColumns: ['p q'] }))).toEqual(rows)
  const adds = logActions(bench.root).flatMap(({ action }) => (action['add'] ? [action['add']] : []))
  expect(adds).toHaveLength(4)
  for (const add of adds) {
    expect(add['partitionValues']).toEqual({ 'col-3': 'one' })
    expect(Object.keys((JSON.parse(String(add['stats'])) as { minValues: object }).minValues)).toEqual(['col-1', 'col-2'])
  }
  // Several small partitions are written by one statement.
  const two = sql`select * from (values (11, 'y', 'one'), (12, null, null)) as t`
  for (let batch = 4n; batch <= 5n; batch += 1n) await load(table, { batch, add: two, columns, tags: { 'ingestd.sequence': `0${batch}` } })
  const more = await bench.rowsOf(table)
  expect(await table.optimize(REQUEST)).toMatchObject({ removed: { files: 5 }, added: { files: 2 }, rows: 7n })
  expect(await bench.rowsOf(table)).toEqual(more)
  const together = logActions(bench.root).flatMap(({ version, action }) => (version === 7 && action['add'] ? [action['add']] : []))
  expect(together.map((add) => [add['partitionValues'], add['tags']])).toEqual(
    expect.arrayContaining([
      [{ 'col-3': 'one' }, { 'ingestd.sequence': '05' }],
      [{ 'col-3': null }, { 'ingestd.sequence': '05' }],
    ]),
  )
  const file = join(bench.root, decodeURIComponent(String(together[0]?.['path'])))
  const stored = await bench.session.rows(sql`select name, field_id from parquet_schema(${file}) where type is not null`)
  expect(stored).toEqual([
    { name: 'col-1', field_id: 1n },
    { name: 'col-2', field_id: 2n },
  ])
})
