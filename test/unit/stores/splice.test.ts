import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { literal, type Sql, sql } from '../../../src/engine/sql.ts'
import type { OpenTable, TableColumn } from '../../../src/stores/store.ts'
import { actionsOf, metaData, writeCommit } from '../delta/support.ts'
import { type Bench, benchForEach, COLUMNS, type Load, load, manifestOf, staged } from './support.ts'

let bench: Bench
benchForEach((made) => {
  bench = made
})

/** Rows of a row group, as the engine makes them, and rows whose row groups are large enough to be copied. */
const GROUP = 122_880
const ROWS = 3 * GROUP + 20_000
const LARGE = sql`select i, md5(i::varchar) from range(${ROWS}) as r(i)`
const NOTHING = sql`select null::bigint, null::varchar where false`

async function remove(table: OpenTable, one: Load, where: Sql): Promise<void> {
  const request = await staged(table, one)
  const removal = await table.stageRemoval({
    positions: sql`select __file, __position from (${await table.located()}) where ${where}`,
    added: one.add,
    addedRows: request.staged.reduce((sum, some) => sum + some.rows, 0n),
    changes: null,
    columns: one.columns ?? COLUMNS,
    batchId: manifestOf(one).batchId,
  })
  const result = await table.commit({
    ...request,
    staged: [...request.staged, ...removal.staged],
    remove: 'positions',
    removal,
    blindAppend: false,
  })
  expect(result.kind).toBe('committed')
}

interface RowGroup {
  readonly rows: number
  readonly bytes: string
}

/** The row groups of a data file by the engine's own reading of the footer, with their bytes. */
async function rowGroups(path: unknown): Promise<readonly RowGroup[]> {
  const file = join(bench.root, decodeURIComponent(String(path)))
  const rows = await bench.session.rows(sql`select any_value(row_group_num_rows) as "rows", sum(total_compressed_size)::bigint as bytes,
    min(coalesce(dictionary_page_offset, data_page_offset)) as start from parquet_metadata(${literal(file)}) group by row_group_id order by row_group_id`)
  const content = readFileSync(file)
  return rows.map(({ rows, start, bytes }) => ({
    rows: Number(rows),
    bytes: content.subarray(Number(start), Number(start) + Number(bytes)).toString('base64'),
  }))
}

async function count(query: Sql): Promise<number> {
  const [row] = await bench.session.rows(sql`select count(*) as n from (${query})`)
  return Number(row?.['n'])
}

/** The same for the same rows in any order. */
async function fingerprint(query: Sql): Promise<string> {
  const [row] = await bench.session.rows(sql`select count(*) as n, sum(hash(t))::varchar as hashes from (${query}) as t`)
  return `${row?.['n']} rows, ${row?.['hashes']}`
}

function adds(version: number) {
  return actionsOf(bench.root, version, 'add')
}

test('row groups that lose nothing are copied as they are, behind a footer that the engine reads', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: LARGE })
  const before = await rowGroups(adds(0)[0]?.['path'])
  expect(before.length).toBeGreaterThan(3)
  await remove(table, { batch: 2n, add: NOTHING }, sql`id in (5, 77, 2000)`)
  const made = adds(1)
  expect(made).toHaveLength(1)
  const after = await rowGroups(made[0]?.['path'])
  const kept = after.filter(({ bytes }) => before.some((one) => one.bytes === bytes))
  expect(kept).toHaveLength(before.length - 1)
  expect(after.reduce((sum, { rows }) => sum + rows, 0)).toBe(ROWS - 3)
  expect(await fingerprint(await table.current())).toBe(
    await fingerprint(sql`select * from (${LARGE}) as t(id, name) where id not in (5, 77, 2000)`),
  )
  expect(actionsOf(bench.root, 1, 'commitInfo')[0]?.['operationMetrics']).toMatchObject({
    numTargetRowsCopied: String(ROWS - 3),
    numTargetRowsDeleted: '3',
    numTargetFilesAdded: '1',
    numTargetFilesRemoved: '1',
  })
  expect(readdirSync(join(bench.root, '_ingestd/stage'))).toEqual([])
})

test('the statistics are those of the rows that stay', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: LARGE })
  await remove(table, { batch: 2n, add: NOTHING }, sql`id < 10 or id in (20, 21)`)
  const [bounds] = await bench.session.rows(sql`select min(name) as least, max(name) as greatest from (${await table.current()})`)
  expect(JSON.parse(String(adds(1)[0]?.['stats']))).toEqual({
    numRecords: ROWS - 12,
    minValues: { id: 10, name: bounds?.['least'] },
    maxValues: { id: ROWS - 1, name: bounds?.['greatest'] },
    nullCount: { id: 0, name: 0 },
  })
})

test('a file that loses rows in every row group is written again, and so is one of another writer', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: LARGE })
  const before = await rowGroups(adds(0)[0]?.['path'])
  await remove(table, { batch: 2n, add: NOTHING }, sql`id % 50000 = 0`)
  const again = await rowGroups(adds(1)[0]?.['path'])
  expect(again.some(({ bytes }) => before.some((one) => one.bytes === bytes))).toBe(false)

  const file = join(bench.root, String(adds(1)[0]?.['path']))
  const content = readFileSync(file)
  content.write('Foreign', content.lastIndexOf('DuckDB version'))
  writeFileSync(file, content)
  await remove(table, { batch: 3n, add: NOTHING }, sql`id = 1`)
  // A splice would have its footer.
  expect(readFileSync(join(bench.root, String(adds(2)[0]?.['path']))).includes('Foreign version')).toBe(false)
  expect(await count(await table.current())).toBe(ROWS - 9)
})

test('rows that are written again with a later column stay a file of their own', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: LARGE })
  const columns = [...COLUMNS, { name: 'late', type: 'VARCHAR', nullable: true }]
  await remove(table, { batch: 2n, columns, add: sql`select -1, 'a', 'b'` }, sql`id = 5`)
  expect(adds(1)).toHaveLength(3)
  const wanted = sql`select id, name, null as late from (${LARGE}) as t(id, name) where id <> 5 union all select -1, 'a', 'b'`
  expect(await fingerprint(await table.current())).toBe(await fingerprint(wanted))
  // The next batch finds the rest with the schema of before, and splices it again.
  await remove(table, { batch: 3n, columns, add: sql`select -2, 'a', 'b' where false` }, sql`id in (${GROUP * 2}, -1)`)
  expect(await fingerprint(await table.current())).toBe(
    await fingerprint(sql`select * from (${wanted}) where id not in (${GROUP * 2}, -1)`),
  )
})

test('a row group that loses all of its rows goes', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: LARGE })
  await remove(table, { batch: 2n, add: NOTHING }, sql`__position < ${GROUP}`)
  const [add] = adds(1)
  expect((await rowGroups(add?.['path'])).reduce((sum, { rows }) => sum + rows, 0)).toBe(ROWS - GROUP)
  expect(await count(await table.current())).toBe(ROWS - GROUP)
})

test('what cannot be read leaves nothing behind', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: LARGE })
  const path = String(adds(0)[0]?.['path'])
  const file = join(bench.root, path)
  writeFileSync(file, readFileSync(file).fill(0xa5, 4, 200_000))
  const removal = {
    positions: sql`select ${literal(path)}, 5`,
    added: NOTHING,
    addedRows: 0n,
    changes: null,
    columns: COLUMNS,
    batchId: manifestOf({ batch: 2n, add: NOTHING }).batchId,
  }
  await expect(table.stageRemoval(removal)).rejects.toThrow()
  expect(readdirSync(join(bench.root, '_ingestd/stage'))).toEqual([])
})

const TYPED: readonly TableColumn[] = [
  { name: 'id', type: 'BIGINT', nullable: true },
  { name: 'p', type: 'VARCHAR', nullable: true },
  { name: 'text', type: 'VARCHAR', nullable: true },
  { name: 'd', type: 'DOUBLE', nullable: true },
  { name: 'e', type: 'DECIMAL(38,9)', nullable: true },
  { name: 'at', type: 'TIMESTAMP WITH TIME ZONE', nullable: true },
  { name: 'day', type: 'DATE', nullable: true },
  { name: 'n', type: 'STRUCT("a b" INTEGER[], m MAP(VARCHAR, DOUBLE), x STRUCT(y SMALLINT))', nullable: true },
  { name: 'b', type: 'BLOB', nullable: true },
  { name: 'f', type: 'BOOLEAN', nullable: true },
]
const TYPED_ROWS = sql`select i, if(i % 40000 = 0, 'a b/%', null), if(i % 7 = 0, null, md5(i::varchar)),
  case i % 100003 when 1 then 'nan'::double when 2 then -0.0 when 3 then 'infinity'::double else i / 3 end,
  '12345678901234567890123456789.123456789'::decimal(38, 9) - i, '1969-12-31 23:59:59.999999+00'::timestamptz + to_seconds(i),
  if(i < 10, null, date '0001-01-01' + (i % 3000000)::integer), {'a b': [i % 9, null], m: map {'k': 0.1 * i}, x: {y: i % 300}}, md5(i::varchar)::blob, i % 3 = 0
  from range(${2 * GROUP + 1000}) as r(i)`

test.each(['none', 'name'] as const)(
  'any rows go from any row groups, with values of every type (mapping %s)',
  async (mode) => {
    const types = ['long', 'string', 'string', 'double', 'decimal(38,9)', 'timestamp', 'date', NESTED, 'binary', 'boolean']
    if (mode === 'name') {
      const fields = TYPED.map(({ name }, index) => ({ name, type: types[index], nullable: true, metadata: physical(index + 1) }))
      const configuration = { 'delta.columnMapping.mode': 'name', 'delta.columnMapping.maxColumnId': '20' }
      writeCommit(bench.root, 0, [
        { protocol: { minReaderVersion: 2, minWriterVersion: 5 } },
        metaData({ schemaString: JSON.stringify({ type: 'struct', fields }), partitionColumns: ['p'], configuration }),
      ])
    }
    const table = await bench.open({ partitionColumns: ['p'] })
    await load(table, { batch: 1n, columns: TYPED, add: TYPED_ROWS })
    await bench.session.run(sql`create temp table expected as select * from (${await table.current()})`)
    let batch = 1n
    const ranges = fc.array(fc.tuple(fc.nat({ max: GROUP / 3 }), fc.nat({ max: 300 })), { minLength: 1, maxLength: 4 })
    const copied: number[] = []
    await fc.assert(
      fc.asyncProperty(ranges, async (given) => {
        batch += 1n
        const where = given.map(([from, length]) => sql`id between ${from} and ${from + length}`).reduce((a, b) => sql`${a} or ${b}`)
        await remove(table, { batch, columns: TYPED, add: sql`select * from expected where false` }, where)
        await table.refresh()
        await bench.session.run(sql`delete from expected where ${where}`)
        expect(await fingerprint(await table.current())).toBe(await fingerprint(sql`select * from expected`))
        copied.push(await copiedGroups())
        await boundsHold(table)
      }),
      { numRuns: 2, seed: 7, endOnFailure: true },
    )
    expect(Math.max(...copied)).toBeGreaterThan(0)
    await bench.session.run(sql`drop table expected`)
  },
  60_000,
)

const NESTED = {
  type: 'struct',
  fields: [
    { name: 'a b', type: { type: 'array', elementType: 'integer', containsNull: true }, nullable: true, metadata: physical(11) },
    {
      name: 'm',
      type: { type: 'map', keyType: 'string', valueType: 'double', valueContainsNull: true },
      nullable: true,
      metadata: physical(12),
    },
    {
      name: 'x',
      type: { type: 'struct', fields: [{ name: 'y', type: 'short', nullable: true, metadata: physical(14) }] },
      nullable: true,
      metadata: physical(13),
    },
  ],
}

function physical(id: number) {
  return { 'delta.columnMapping.id': id, 'delta.columnMapping.physicalName': `col-${id}` }
}

/** Row groups of the files that the last version brought that are to the letter among those of the files that it took. */
async function copiedGroups(): Promise<number> {
  const last = lastVersion()
  const groups = async (actions: readonly Readonly<Record<string, unknown>>[]) =>
    (await Promise.all(actions.map(({ path }) => rowGroups(path)))).flat().map(({ bytes }) => bytes)
  const before = new Set(await groups(actionsOf(bench.root, last, 'remove')))
  return (await groups(adds(last))).filter((bytes) => before.has(bytes)).length
}

function lastVersion(): number {
  return readdirSync(join(bench.root, '_delta_log')).filter((name) => /^\d{20}\.json$/.test(name)).length - 1
}

/** What the log says of each file holds for its rows. */
async function boundsHold(table: OpenTable): Promise<void> {
  for (const add of adds(lastVersion())) {
    const stats = JSON.parse(String(add['stats']))
    const rows = sql`select * from (${await table.located()}) where __file = ${String(add['path'])}`
    const [row] =
      await bench.session.rows(sql`select count(*) as n, min(id) as least, max(id) as greatest, count(*) filter (text is null) as nulls,
      max(n.x.y) as y, min(day)::varchar as day from (${rows})`)
    const [id, text, day, n, y] =
      stats.minValues['col-1'] === undefined ? ['id', 'text', 'day', 'n', 'y'] : ['col-1', 'col-3', 'col-7', 'col-8', 'col-14']
    const x = stats.minValues['col-1'] === undefined ? 'x' : 'col-13'
    expect(BigInt(stats.numRecords)).toBe(row?.['n'])
    expect([stats.minValues[id], stats.maxValues[id], stats.nullCount[text]].map(BigInt)).toEqual([
      row?.['least'],
      row?.['greatest'],
      row?.['nulls'],
    ])
    expect(stats.maxValues[n][x][y]).toBe(row?.['y'])
    expect(stats.minValues[day]).toBe(row?.['day'])
  }
}
