import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sql } from '../../../src/engine/sql.ts'
import type { TableColumn } from '../../../src/stores/store.ts'
import { actionsOf, add, metaData, PROTOCOL, schemaString, writeCommit } from '../delta/support.ts'
import { type Bench, benchForEach, load, staged } from './support.ts'

let bench: Bench
benchForEach((made) => {
  bench = made
})

const BY_P = { partitionColumns: ['p'] }
const COLUMNS: readonly TableColumn[] = [
  { name: 'p', type: 'VARCHAR', nullable: true },
  { name: 'id', type: 'BIGINT', nullable: true },
]

function adds(version: number) {
  return actionsOf(bench.root, version, 'add') as readonly { path: string; partitionValues: Record<string, string | null> }[]
}

test('awkward partition values keep their rows apart and read back to the letter', async () => {
  const table = await bench.open(BY_P)
  const values = [
    'a b',
    'x/y',
    '%',
    '=',
    '#?',
    '*[a]',
    ':',
    "'",
    '"',
    '\\',
    '..',
    '.',
    '😀',
    'ü',
    '\n',
    '__HIVE_DEFAULT_PARTITION__',
    'w'.repeat(100),
    'é'.repeat(100),
  ]
  const rows = values.map((value, index) => sql`select ${value}, ${index}`)
  const query = rows.reduce((all, row) => sql`${all} union all ${row}`, sql`select null, -1`)
  await load(table, { batch: 1n, columns: COLUMNS, add: query })
  const found = await bench.session.rows(sql`select p, id from (${await table.current()}) order by id`)
  expect(found).toEqual([{ p: null, id: -1n }, ...values.map((p, index) => ({ p, id: BigInt(index) }))])
  const logged = adds(0)
  expect(new Set(logged.map((one) => one.partitionValues['p']))).toEqual(new Set([null, ...values]))
  expect(logged.map((one) => one.path).filter((path) => !/^[A-Za-z0-9\-._~/=%]+$/.test(path))).toEqual([])
  expect(logged.find((one) => one.partitionValues['p'] === 'a b')?.path).toMatch(/^p=a%2520b\/part-[0-9a-f-]{36}\.parquet$/)
})

test('a value that makes too long a name for the file system is stored under a hash', async () => {
  const table = await bench.open(BY_P)
  const long = 'é'.repeat(300)
  await load(table, { batch: 1n, columns: COLUMNS, add: sql`select ${long}, 1 union all select null, 2 union all select 'short', 3` })
  const found = await bench.session.rows(sql`select p, id from (${await table.current()}) order by id`)
  expect(found).toEqual([
    { p: long, id: 1n },
    { p: null, id: 2n },
    { p: 'short', id: 3n },
  ])
  expect(readdirSync(bench.root).toSorted()).toEqual([
    '_delta_log',
    '_ingestd',
    expect.stringMatching(/^p-[0-9a-f]{16}$/),
    'p=__HIVE_DEFAULT_PARTITION__',
    'p=short',
  ])
})

test('an empty text becomes null, as the protocol has it', async () => {
  const table = await bench.open(BY_P)
  await load(table, { batch: 1n, columns: COLUMNS, add: sql`select '', 1` })
  expect(adds(0).map((one) => one.partitionValues)).toEqual([{ p: null }])
})

test('every type of partition column has the text that other readers take', async () => {
  const columns = [
    ['d', 'DATE'],
    ['ts', 'TIMESTAMP WITH TIME ZONE'],
    ['n', 'TIMESTAMP'],
    ['de', 'DECIMAL(5,2)'],
    ['bo', 'BOOLEAN'],
    ['db', 'DOUBLE'],
    ['i', 'TINYINT'],
    ['v', 'BIGINT'],
  ].map(([name, type]) => ({ name: name ?? '', type: type ?? '', nullable: true }))
  const table = await bench.open({ partitionColumns: ['d', 'ts', 'n', 'de', 'bo', 'db', 'i'] })
  const one = sql`select date '0001-01-01', timestamptz '2024-01-02 03:04:05.1+01', timestamp '2024-01-02 03:04:05', 1.5, false, 'inf'::double, (-128)::tinyint, 1`
  const two = sql`select null, null, null, null, null, 'nan'::double, null, 2`
  await load(table, { batch: 1n, columns, add: sql`${one} union all ${two}` })
  expect(adds(0).map((added) => added.partitionValues)).toEqual(
    expect.arrayContaining([
      {
        d: '0001-01-01',
        ts: '2024-01-02T02:04:05.100000Z',
        n: '2024-01-02 03:04:05.000000',
        de: '1.50',
        bo: 'false',
        db: 'Infinity',
        i: '-128',
      },
      { d: null, ts: null, n: null, de: null, bo: null, db: 'NaN', i: null },
    ]),
  )
  expect(await bench.rowsOf(await bench.open({ partitionColumns: ['d', 'ts', 'n', 'de', 'bo', 'db', 'i'] }))).toHaveLength(2)
  const [row] = await bench.session.rows(
    sql`select ts::varchar as ts, de, bo, db::varchar as db from (${await table.current()}) where v = 1`,
  )
  expect(row).toEqual({ ts: '2024-01-02 02:04:05.1+00', de: '1.50', bo: false, db: 'inf' })
})

test('dates that other readers cannot take are refused as partitions', async () => {
  const columns = [{ name: 'p', type: 'DATE', nullable: true }, ...COLUMNS.slice(1)]
  const table = await bench.open(BY_P)
  await expect(load(table, { batch: 1n, columns, add: sql`select date '10000-01-01', 1` })).rejects.toThrow(
    'db.t: the value 10000-01-01 of partition column p is outside the years 0001 to 9999',
  )
  expect(readdirSync(join(bench.root, '_ingestd/stage'))).toEqual([])
})

test('an overwrite of partitions replaces those that it has rows for, null among them', async () => {
  const table = await bench.open(BY_P)
  await load(table, { batch: 1n, columns: COLUMNS, add: sql`select * from (values ('a', 1), ('a', 2), ('b', 3), (null, 4))` })
  await load(table, {
    batch: 2n,
    columns: COLUMNS,
    add: sql`select * from (values ('a', 10), (null, 40), ('c', 50))`,
    remove: 'partitions',
  })
  expect(await bench.rowsOf(table)).toEqual(['{"p":"a","id":10}', '{"p":"b","id":3}', '{"p":"c","id":50}', '{"p":null,"id":40}'])
})

test('an overwrite of partitions without rows removes nothing', async () => {
  const table = await bench.open(BY_P)
  await load(table, { batch: 1n, columns: COLUMNS, add: sql`select 'a', 1` })
  await load(table, { batch: 2n, columns: COLUMNS, add: sql`select 'a', 1 where false`, remove: 'partitions' })
  expect(await bench.rowsOf(table)).toEqual(['{"p":"a","id":1}'])
})

test('an overwrite of partitions conflicts with a change of the same one alone', async () => {
  const table = await bench.open(BY_P)
  await load(table, { batch: 1n, columns: COLUMNS, add: sql`select * from (values ('a', 1), ('b', 2))` })
  const other = await bench.open(BY_P)
  const first = await staged(table, { batch: 2n, columns: COLUMNS, add: sql`select 'a', 10`, remove: 'partitions' })
  await load(other, { batch: 7n, appId: 'other', columns: COLUMNS, add: sql`select 'b', 3` })
  expect(await table.commit(first)).toEqual({ kind: 'committed', version: 2n })
  const second = await staged(table, { batch: 3n, columns: COLUMNS, add: sql`select 'a', 11`, remove: 'partitions' })
  await load(other, { batch: 8n, appId: 'other', columns: COLUMNS, add: sql`select 'a', 4` })
  expect(await table.commit(second)).toEqual({
    kind: 'conflict',
    version: 3n,
    reason: 'version 3 added rows to those that the plan rests on',
  })
})

test('partitions are compared by what their texts mean', async () => {
  const schema = schemaString({ id: 'long', p: 'timestamp' })
  writeCommit(bench.root, 0, [
    PROTOCOL,
    metaData({ schemaString: schema, partitionColumns: ['p'] }),
    add('x.parquet', { partitionValues: { p: '2024-01-02 03:04:05' } }),
    add('y.parquet', { partitionValues: { p: '2024-01-03 00:00:00' } }),
    add('z.parquet', { partitionValues: { p: '' } }),
  ])
  const columns = [
    { name: 'id', type: 'BIGINT', nullable: true },
    { name: 'p', type: 'TIMESTAMP WITH TIME ZONE', nullable: true },
  ]
  const table = await bench.open(BY_P)
  await load(table, {
    batch: 1n,
    columns,
    add: sql`select 1, timestamptz '2024-01-02 03:04:05+00' union all select 2, null`,
    remove: 'partitions',
  })
  expect(actionsOf(bench.root, 1, 'remove').map(({ path }) => String(path)[0])).toEqual(['x', 'z'])
})

test('the greatest sequence of each partition is known', async () => {
  const table = await bench.open(BY_P)
  await load(table, {
    batch: 1n,
    columns: COLUMNS,
    add: sql`select * from (values ('a', 1), (null, 2))`,
    tags: { 'ingestd.sequence': '005' },
  })
  await load(table, { batch: 2n, columns: COLUMNS, add: sql`select 'a', 3`, tags: { 'ingestd.sequence': '007' } })
  await load(table, { batch: 3n, columns: COLUMNS, add: sql`select 'b', 3` })
  const rows = await bench.session.rows(sql`select * from (${await table.partitionSequences()}) order by p nulls last`)
  expect(rows).toEqual([
    { p: 'a', sequence: '007' },
    { p: 'b', sequence: null },
    { p: null, sequence: '005' },
  ])
})

test('partition columns that differ from those of the table are refused', async () => {
  await load(await bench.open(BY_P), { batch: 1n, columns: COLUMNS, add: sql`select 'a', 1` })
  await expect(bench.open()).rejects.toMatchObject({
    code: 'ING-TABLE-PARTITIONING',
    message: 'db.t is partitioned by p, the config says no column',
  })
  await expect(bench.open({ partitionColumns: ['P'] })).resolves.toBeDefined()
})

test('partition columns that cannot serve are refused', async () => {
  const open = (name: string) => bench.open({ partitionColumns: [name] })
  const blob = [...COLUMNS, { name: 'b', type: 'BLOB', nullable: true }]
  const code = { code: 'ING-TABLE-PARTITIONING' }
  await expect(load(await open('b'), { batch: 1n, columns: blob, add: sql`select 'a', 1, 'x'::blob` })).rejects.toMatchObject(code)
  await expect(load(await open('q'), { batch: 1n, columns: COLUMNS, add: sql`select 'a', 1` })).rejects.toMatchObject(code)
  await expect(load(await open('id'), { batch: 1n, columns: COLUMNS.slice(1), add: sql`select 1` })).rejects.toMatchObject(code)
})
