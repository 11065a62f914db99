import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type Sql, sql } from '../../../src/engine/sql.ts'
import type { TableConfig } from '../../../src/model/table.ts'
import type { CommitOutcome, OpenTable } from '../../../src/stores/store.ts'
import { actionsOf } from '../delta/support.ts'
import { Bench, COLUMNS, type Load, load, manifestOf, staged } from './support.ts'

const DELTA = {
  targetFileSize: 128n * 1024n * 1024n,
  logRetentionMs: 30 * 86_400_000,
  fileRetentionMs: 7 * 86_400_000,
  checkpointInterval: 10,
  optimize: 'off' as const,
}

/** How a table keeps rows that are removed. */
const MODES = [
  { mode: 'files written again', delta: { ...DELTA, deletionVectors: false, changeDataFeed: false } },
  { mode: 'deletion vectors', delta: { ...DELTA, deletionVectors: true, changeDataFeed: false } },
]

interface Removal extends Load {
  /** Query of (file, row). */
  readonly positions: Sql
  readonly changes?: Sql
}

async function requestOf(table: OpenTable, one: Removal) {
  const request = await staged(table, one)
  const columns = one.columns ?? COLUMNS
  const removal = await table.stageRemoval({
    positions: one.positions,
    added: one.add,
    addedRows: request.staged.reduce((sum, some) => sum + some.rows, 0n),
    changes: one.changes ?? null,
    columns,
    batchId: manifestOf(one).batchId,
  })
  return { ...request, staged: [...request.staged, ...removal.staged], remove: 'positions' as const, removal, blindAppend: false }
}

async function remove(table: OpenTable, one: Removal): Promise<CommitOutcome> {
  return await table.commit(await requestOf(table, one))
}

/** The places of rows that a condition holds for. */
async function places(table: OpenTable, where: Sql): Promise<Sql> {
  return sql`select __file, __position from (${await table.located()}) where ${where}`
}

const NOTHING = sql`select null::bigint, null::varchar where false`

/** Rows that the deletion vector of an action deletes. */
function cardinality(action: Record<string, unknown> | undefined): unknown {
  const vector = action?.['deletionVector']
  return typeof vector === 'object' && vector !== null && 'cardinality' in vector ? vector.cardinality : undefined
}

function changed(bench: Bench, settings: Partial<TableConfig>): Promise<OpenTable> {
  return bench.open(settings)
}

it.each(MODES)('rows go by their place, and others stay ($mode)', async ({ delta, mode }) => {
  await using bench = await Bench.make()
  const table = await changed(bench, { delta })
  await load(table, { batch: 1n, add: sql`select i, 'a' || i from range(10) as r(i)` })
  await load(table, { batch: 2n, add: sql`select i, 'b' || i from range(10, 20) as r(i)` })
  await load(table, { batch: 3n, add: sql`select 99, 'untouched'` })
  expect(await remove(table, { batch: 4n, add: sql`select 3, 'new'`, positions: await places(table, sql`id in (3, 5, 15)`) })).toEqual({
    kind: 'committed',
    version: 3n,
  })
  const ids = async () =>
    (await bench.session.rows(sql`select id, name from (${await table.current()}) order by all`)).map(
      (row) => `${row['id']} ${row['name']}`,
    )
  const expected = [0, 1, 2, 4, 6, 7, 8, 9].map((n) => `${n} a${n}`)
  expect((await ids()).sort()).toEqual(
    [...expected, '3 new', ...[10, 11, 12, 13, 14, 16, 17, 18, 19].map((n) => `${n} b${n}`), '99 untouched'].sort(),
  )

  const removes = actionsOf(bench.root, 3, 'remove')
  const adds = actionsOf(bench.root, 3, 'add')
  expect(removes).toHaveLength(2)
  const info = actionsOf(bench.root, 3, 'commitInfo')[0] as { operation: string; operationMetrics: Record<string, string> }
  expect(info.operation).toBe('MERGE')
  expect(info.operationMetrics).toMatchObject({ numTargetRowsInserted: '1', numTargetRowsDeleted: '3' })
  if (mode === 'deletion vectors') {
    const marked = adds.filter((add) => add['deletionVector'])
    expect(marked.map((add) => cardinality(add)).sort()).toEqual([1, 2])
    for (const add of marked) {
      expect(removes.map((one) => one['path'])).toContain(add['path'])
      expect(JSON.parse(String(add['stats']))).toMatchObject({ numRecords: 10, tightBounds: false })
    }
    expect(info.operationMetrics).toMatchObject({
      numTargetRowsCopied: '0',
      numTargetDeletionVectorsAdded: '2',
      numTargetFilesRemoved: '0',
    })
    expect(actionsOf(bench.root, 0, 'protocol')[0]).toMatchObject({
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['deletionVectors'],
    })
  } else {
    expect(adds.every((add) => add['deletionVector'] === undefined)).toBe(true)
    expect(info.operationMetrics).toMatchObject({ numTargetRowsCopied: '17', numTargetFilesRemoved: '2' })
    expect(actionsOf(bench.root, 0, 'protocol')[0]).toEqual({ minReaderVersion: 1, minWriterVersion: 2 })
  }

  // A second time in the same file, and a file that loses its last row.
  await remove(table, { batch: 5n, add: NOTHING, positions: await places(table, sql`id in (10, 11, 99)`) })
  expect((await ids()).filter((row) => /^(10|11|99) /.test(row))).toEqual([])
  expect(await ids()).toHaveLength(16)
  if (mode === 'deletion vectors') {
    const [add] = actionsOf(bench.root, 4, 'add')
    expect(cardinality(add)).toBe(3)
    expect(actionsOf(bench.root, 4, 'remove').filter((one) => one['deletionVector'])).toHaveLength(1)
  }
  await using again = await changed(bench, { delta })
  expect(await bench.rowsOf(again)).toHaveLength(16)
  await remove(again, { batch: 6n, add: NOTHING, positions: await places(again, sql`true`) })
  expect(await bench.rowsOf(again)).toEqual([])
  expect(actionsOf(bench.root, 5, 'add')).toEqual([])
})

it.each(MODES)('partitions, later columns and awkward values stay as they are ($mode)', async ({ delta }) => {
  await using bench = await Bench.make()
  const columns = [
    { name: 'id', type: 'BIGINT', nullable: true },
    { name: 'p', type: 'VARCHAR', nullable: true },
    { name: 'd', type: 'DECIMAL(38,9)', nullable: true },
    { name: 'ts', type: 'TIMESTAMP WITH TIME ZONE', nullable: true },
    { name: 'n', type: 'STRUCT("a b" INTEGER[], m MAP(VARCHAR, DOUBLE))', nullable: true },
  ]
  const settings = { delta, partitionColumns: ['p'] }
  const table = await changed(bench, settings)
  const rows = sql`select i, case i % 4 when 0 then null when 1 then 'a b/%:=ü' when 2 then '__HIVE_DEFAULT_PARTITION__' else repeat('x', 300) end,
    '12345678901234567890123456789.123456789'::decimal(38,9) - i, '1969-12-31 23:59:59.999999+00'::timestamptz + to_microseconds(i),
    {'a b': [i, null], m: map {'k''"': 0.1 * i, 'nan': 'nan'::double}} from range(40) as r(i)`
  await load(table, { batch: 1n, add: rows, columns })
  const before = await bench.rowsOf(table)
  const wider = [...columns, { name: 'late', type: 'VARCHAR', nullable: true }]
  await remove(table, {
    batch: 2n,
    add: sql`select 7, 'x', null, null, null, 'here'`,
    columns: wider,
    positions: await places(table, sql`id between 4 and 9`),
  })
  const after = await bench.rowsOf(table)
  const kept = before.filter((row) => !/^\{"id":[4-9],/.test(row)).map((row) => row.replace(/\}$/, ',"late":null}'))
  expect(after).toEqual([...kept, '{"id":7,"p":"x","d":null,"ts":null,"n":null,"late":"here"}'].sort())
  const values = [...actionsOf(bench.root, 1, 'add'), ...actionsOf(bench.root, 1, 'remove')].map((one) => one['partitionValues'])
  expect(values.length).toBe(9)
  expect(values).toContainEqual({ p: 'a b/%:=ü' })
})

it('statistics of rewritten files are those of the rows that stay', async () => {
  await using bench = await Bench.make()
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 9007199254740000 + i, 'n' || i from range(1000) as r(i)` })
  await remove(table, { batch: 2n, add: NOTHING, positions: await places(table, sql`id < 9007199254740993 or id > 9007199254740995`) })
  const [add] = actionsOf(bench.root, 1, 'add')
  expect(String(add?.['stats'])).toContain(
    '"numRecords":3,"minValues":{"id":9007199254740993,"name":"n993"},"maxValues":{"id":9007199254740995,"name":"n995"}',
  )
})

it('deletion vectors are switched on in a table that is there, and off they stay in use where they are', async () => {
  await using bench = await Bench.make()
  const plain = await bench.open({ tableProperties: { custom: 'kept' } })
  await load(plain, { batch: 1n, add: sql`select i, 'a' from range(10) as r(i)` })
  const table = await bench.open({ delta: MODES[1]?.delta as TableConfig['delta'] })
  await remove(table, { batch: 2n, add: NOTHING, positions: await places(table, sql`id < 3`) })
  const [metadata] = actionsOf(bench.root, 1, 'metaData')
  expect(metadata?.['configuration']).toMatchObject({ custom: 'kept', 'delta.enableDeletionVectors': 'true' })
  expect(actionsOf(bench.root, 1, 'protocol')[0]).toEqual({
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: ['deletionVectors'],
    writerFeatures: ['appendOnly', 'invariants', 'deletionVectors'],
  })
  expect(actionsOf(bench.root, 1, 'add')[0]?.['deletionVector']).toBeTruthy()
  const later = await bench.open()
  await remove(later, { batch: 3n, add: NOTHING, positions: await places(later, sql`id = 3`) })
  expect(actionsOf(bench.root, 2, 'metaData')).toEqual([])
  expect(cardinality(actionsOf(bench.root, 2, 'add')[0])).toBe(4)
  expect(await bench.rowsOf(later)).toHaveLength(6)
})

it('vectors of many files are in one file of the root, which a discard removes', async () => {
  await using bench = await Bench.make()
  const table = await bench.open({ delta: MODES[1]?.delta as TableConfig['delta'] })
  for (let batch = 1n; batch <= 5n; batch += 1n) await load(table, { batch, add: sql`select i, 'a' from range(10) as r(i)` })
  const before = readdirSync(bench.root)
  const request = await requestOf(table, { batch: 6n, add: NOTHING, positions: await places(table, sql`id = 4`) })
  expect(readdirSync(bench.root)).toEqual(before)
  await table.discard(request.staged)
  expect(readdirSync(join(bench.root, '_ingestd', 'stage'))).toEqual([])
  await remove(table, { batch: 7n, add: NOTHING, positions: await places(table, sql`id = 4`) })
  expect(readdirSync(bench.root).filter((name) => name.startsWith('deletion_vector_'))).toHaveLength(1)
  expect(
    new Set(actionsOf(bench.root, 5, 'add').map((add) => (add['deletionVector'] as { pathOrInlineDv: string }).pathOrInlineDv)).size,
  ).toBe(1)
  expect(await bench.rowsOf(table)).toHaveLength(45)
})

it.each(MODES)('a place that the table does not have is refused by name, and leaves nothing ($mode)', async ({ delta }) => {
  await using bench = await Bench.make()
  const table = await changed(bench, { delta })
  await load(table, { batch: 1n, add: sql`select i, 'a' from range(10) as r(i)` })
  const path = String(actionsOf(bench.root, 0, 'add')[0]?.['path'])
  for (const [positions, problem] of [
    [sql`select 'gone.parquet', 0`, 'gone.parquet is none of its files'],
    [sql`select ${path}, 10`, 'has 10 rows, and one beyond them was named'],
    [sql`select ${path}, -1`, 'has 10 rows, and one beyond them was named'],
    [sql`select ${path}, null`, 'has 10 rows, and one beyond them was named'],
    [sql`select null, 1`, 'null is none of its files'],
  ] as const) {
    await expect(requestOf(table, { batch: 2n, add: NOTHING, positions })).rejects.toMatchObject({
      code: 'ING-TABLE-STRATEGY',
      message: expect.stringContaining(problem),
    })
  }
  // A place that comes twice counts once.
  await remove(table, { batch: 2n, add: NOTHING, positions: sql`select ${path}, unnest([2, 2])` })
  expect(await bench.rowsOf(table)).toHaveLength(9)
})

it.each(MODES)('whoever touches a file that loses rows, or adds rows, makes the plan a new one ($mode)', async ({ delta }) => {
  await using bench = await Bench.make()
  const ours = await changed(bench, { delta })
  await load(ours, { batch: 1n, add: sql`select i, 'a' from range(10) as r(i)` })
  const theirs = await changed(bench, { delta })
  const request = await requestOf(ours, { batch: 2n, add: sql`select 1, 'ours'`, positions: await places(ours, sql`id = 1`) })
  const other = `ingestd/99999999-9999-4999-8999-999999999999/x`
  await remove(theirs, { batch: 9n, appId: other, add: NOTHING, positions: await places(theirs, sql`id = 2`) })
  expect(await ours.commit(request)).toMatchObject({ kind: 'conflict' })
  await ours.discard(request.staged)
  const next = await requestOf(ours, { batch: 2n, add: sql`select 1, 'ours'`, positions: await places(ours, sql`id = 1`) })
  await load(theirs, { batch: 10n, appId: other, add: sql`select 77, 'b'` })
  expect(await ours.commit(next)).toMatchObject({ kind: 'conflict' })
  await ours.discard(next.staged)
  await remove(ours, { batch: 2n, add: sql`select 1, 'ours'`, positions: await places(ours, sql`id = 1`) })
  expect(await bench.rowsOf(ours)).toHaveLength(10)
})

const FEED = MODES.map(({ mode, delta }) => ({ mode, delta: { ...delta, changeDataFeed: true } }))

/** The change files of a version: `type id name`, sorted. */
async function feed(bench: Bench, version: number): Promise<readonly string[] | null> {
  const files = actionsOf(bench.root, version, 'cdc')
  if (files.length === 0) return null
  const paths = files.map((file) => join(bench.root, decodeURIComponent(String(file['path']))))
  const rows = await bench.session.rows(
    sql`select _change_type as kind, id, name from read_parquet([${paths[0] ?? ''}, ${paths.at(-1) ?? ''}], hive_partitioning = false)`,
  )
  return [...new Set(rows.map((row) => `${row['kind']} ${row['id']} ${row['name']}`))].sort()
}

it.each(FEED)('the change feed tells of every row that goes and comes ($mode)', async ({ delta }) => {
  await using bench = await Bench.make()
  const table = await changed(bench, { delta })
  await load(table, { batch: 1n, add: sql`select i, 'a' from range(5) as r(i)` })
  expect(actionsOf(bench.root, 0, 'protocol')[0]?.['minWriterVersion']).toBe(delta.deletionVectors ? 7 : 4)
  expect(await feed(bench, 0)).toBeNull()
  await remove(table, { batch: 2n, add: sql`select 1, 'b' union all select 7, 'c'`, positions: await places(table, sql`id in (1, 4)`) })
  expect(await feed(bench, 1)).toEqual(['delete 1 a', 'delete 4 a', 'insert 1 b', 'insert 7 c'])
  const [cdc] = actionsOf(bench.root, 1, 'cdc')
  expect(cdc).toMatchObject({
    dataChange: false,
    partitionValues: {},
    path: expect.stringMatching(/^_change_data\/cdc-[0-9a-f-]+\.parquet$/),
  })
  const changes = sql`select 0 as id, 'a' as name, 'update_preimage' as _change_type union all select 0, 'z', 'update_postimage' union all select 2, 'a', 'delete'`
  await remove(table, { batch: 3n, add: sql`select 0, 'z'`, changes, positions: await places(table, sql`id in (0, 2)`) })
  expect(await feed(bench, 2)).toEqual(['delete 2 a', 'update_postimage 0 z', 'update_preimage 0 a'])
  const info = actionsOf(bench.root, 2, 'commitInfo')[0] as { operationMetrics: Record<string, string> }
  expect(info.operationMetrics).toMatchObject({
    numTargetRowsInserted: '0',
    numTargetRowsUpdated: '1',
    numTargetRowsDeleted: '1',
    numTargetChangeFilesAdded: '1',
  })
  // Whole files alone come and go: the data files tell it all.
  await remove(table, { batch: 4n, add: sql`select 50, 'n'`, positions: await places(table, sql`true`) })
  expect(await feed(bench, 3)).toBeNull()
})

it('changes that are not what the batch does are refused, and leave nothing', async () => {
  await using bench = await Bench.make()
  const table = await changed(bench, { delta: FEED[0]?.delta as TableConfig['delta'] })
  await load(table, { batch: 1n, add: sql`select i, 'a' from range(5) as r(i)` })
  const positions = await places(table, sql`id in (1, 4)`)
  for (const [changes, problem] of [
    [sql`select 1 as id, 'a' as name, 'delete' as _change_type`, '2 rows are removed, the changes tell of 1'],
    [sql`select i as id, 'a' as name, 'delete' as _change_type from range(2) as r(i)`, '1 rows are added, the changes tell of 0'],
    [
      sql`select i as id, 'a' as name, case when i < 2 then 'update_preimage' else 'insert' end as _change_type from range(3) as r(i)`,
      'are not as many',
    ],
    [sql`select i as id, 'a' as name, 'upsert' as _change_type from range(2) as r(i)`, "'upsert' is no change type"],
  ] as const) {
    await expect(requestOf(table, { batch: 2n, add: sql`select 1, 'b'`, changes, positions })).rejects.toMatchObject({
      code: 'ING-TABLE-STRATEGY',
      message: expect.stringContaining(problem),
    })
  }
  const reserved = [...COLUMNS, { name: '_CHANGE_TYPE', type: 'VARCHAR', nullable: true }]
  await expect(requestOf(table, { batch: 2n, columns: reserved, add: sql`select 1, 'b', 'x'`, positions })).rejects.toMatchObject({
    message: expect.stringContaining('cannot have a column _change_type'),
  })
})

it('change files of a partitioned table carry its values', async () => {
  await using bench = await Bench.make()
  const table = await changed(bench, { delta: FEED[0]?.delta as TableConfig['delta'], partitionColumns: ['name'] })
  await load(table, { batch: 1n, add: sql`select i, case when i < 3 then 'a b' end from range(6) as r(i)` })
  await remove(table, { batch: 2n, add: sql`select 9, 'c'`, positions: await places(table, sql`id in (1, 4)`) })
  expect(actionsOf(bench.root, 1, 'cdc').map((one) => [one['partitionValues'], String(one['path']).replace(/cdc-[0-9a-f-]+/, '')])).toEqual(
    expect.arrayContaining([
      [{ name: 'a b' }, '_change_data/.parquet'],
      [{ name: null }, '_change_data/.parquet'],
      [{ name: 'c' }, '_change_data/.parquet'],
    ]),
  )
})
