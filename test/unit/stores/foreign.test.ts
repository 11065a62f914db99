import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { literal, sql } from '../../../src/engine/sql.ts'
import { tableConfig } from '../../support/table.ts'
import { type Action, add, commitFile, metaData, PROTOCOL, remove, schemaString, writeCommit } from '../delta/support.ts'
import { Bench, benchForEach, COLUMNS, load } from './support.ts'

let bench: Bench
benchForEach((made) => {
  bench = made
})

/** A data file of another writer, and the action that adds it. */
async function dataFile(name: string, query: string, path = name, changes: Readonly<Record<string, unknown>> = {}): Promise<Action> {
  const target = join(bench.root, name)
  mkdirSync(join(target, '..'), { recursive: true })
  await bench.session.run(sql`copy (from query(${literal(query)})) to ${literal(target)} (format parquet)`)
  return add(path, { size: statSync(target).size, ...changes })
}

async function foreignTable(): Promise<void> {
  const one = await dataFile('one.parquet', "select 1::bigint as id, 'a' as name")
  const two = await dataFile('two.parquet', "select 2::bigint as id, 'b' as name")
  writeCommit(bench.root, 0, [{ commitInfo: { timestamp: 1 } }, PROTOCOL, metaData(), one])
  writeCommit(bench.root, 1, [{ commitInfo: { timestamp: 1_700_000_000_000, engineInfo: 'other' } }, two])
}

const code = (name: string) => ({ code: name })

test('a table of another writer is read, and written to', async () => {
  await foreignTable()
  const table = await bench.open()
  expect(table.state).toMatchObject({ version: 1n, trackerId: null, committedAtMs: 1_700_000_000_000, columns: COLUMNS })
  await load(table, { batch: 1n, add: sql`select 3, 'c'` })
  expect(await bench.rowsOf(table)).toEqual(['{"id":1,"name":"a"}', '{"id":2,"name":"b"}', '{"id":3,"name":"c"}'])
})

test('unknown actions and fields, null fields, blank lines, stray names and a missing last newline are passed over', async () => {
  const one = await dataFile('one.parquet', "select 1::bigint as id, 'a' as name", 'one.parquet', {
    tags: null,
    deletionVector: null,
    stats: null,
    later: { a: [1] },
  })
  writeCommit(bench.root, 0, [{ later: { x: 1 } }, PROTOCOL, '', metaData({ name: null, description: null, later: 1 }), one], '')
  for (const name of ['.tmp-1', '_commit_x.json.tmp', '5.json', 'foo.txt', '00000000000000000000.json.lock'])
    writeFileSync(join(bench.root, '_delta_log', name), 'x')
  expect(await bench.rowsOf(await bench.open())).toEqual(['{"id":1,"name":"a"}'])
})

test('a removed file is not read, and one that was added again is', async () => {
  const one = await dataFile('one.parquet', "select 1::bigint as id, 'a' as name")
  const two = await dataFile('two.parquet', "select 2::bigint as id, 'b' as name")
  writeCommit(bench.root, 0, [PROTOCOL, metaData(), one, two])
  writeCommit(bench.root, 1, [remove('one.parquet'), remove('two.parquet')])
  writeCommit(bench.root, 2, [two])
  expect(await bench.rowsOf(await bench.open())).toEqual(['{"id":2,"name":"b"}'])
})

test('paths are decoded once, and values come from the log, not from folder names', async () => {
  const schema = schemaString({ id: 'long', p: 'string' })
  const one = await dataFile('p=a%20b/x y.parquet', 'select 1::bigint as id', 'p=a%2520b/x%20y.parquet', {
    partitionValues: { p: 'from the log' },
  })
  writeCommit(bench.root, 0, [PROTOCOL, metaData({ schemaString: schema, partitionColumns: ['p'] }), one])
  expect(await bench.rowsOf(await bench.open({ partitionColumns: ['p'] }))).toEqual(['{"id":1,"p":"from the log"}'])
})

test('a folder with glob characters in its name is read as it is', async () => {
  await bench[Symbol.asyncDispose]()
  bench = await Bench.make()
  const target = join(bench.folder, 'a [b]*?{c} %20#')
  const table = await bench.open({ targetPath: target })
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  expect(await bench.rowsOf(await bench.open({ targetPath: target }))).toEqual(['{"id":1,"name":"x"}'])
})

test('absolute paths are read, of the table itself and of the one that it was cloned from', async () => {
  const one = await dataFile('one.parquet', "select 1::bigint as id, 'a' as name", `file://${bench.root}/one.parquet`)
  const two = await dataFile(
    '../other table/two.parquet',
    "select 2::bigint as id, 'b' as name",
    `file:${bench.folder}/other%20table/two.parquet`,
  )
  const three = await dataFile('../three.parquet', "select 3::bigint as id, 'c' as name", `${bench.folder}/three.parquet`)
  writeCommit(bench.root, 0, [PROTOCOL, metaData(), one, two, three])
  expect(await bench.rowsOf(await bench.open())).toEqual(['{"id":1,"name":"a"}', '{"id":2,"name":"b"}', '{"id":3,"name":"c"}'])
})

test.each(['../outside.parquet', 's3://bucket/x.parquet', 'file:///a/../x.parquet'])('a data file at %s is refused', async (path) => {
  writeCommit(bench.root, 0, [PROTOCOL, metaData(), add(path)])
  const table = await bench.open()
  await expect(table.current()).rejects.toMatchObject({
    code: 'ING-TABLE-DATA-FILE',
    message: `db.t: the data file ${path} lies where it cannot be read`,
  })
})

test('columns are taken by name, whatever the order and case in the file', async () => {
  const one = await dataFile('one.parquet', "select 'a' as NAME, 1::bigint as ID, 5 as unknown")
  writeCommit(bench.root, 0, [PROTOCOL, metaData(), one])
  expect(await bench.rowsOf(await bench.open())).toEqual(['{"id":1,"name":"a"}'])
})

test.each([
  ['a version that is missing', () => rmSync(join(bench.root, '_delta_log/00000000000000000000.json'))],
  ['a gap', () => writeCommit(bench.root, 3, [add('x.parquet')])],
  ['a half-written last line', () => writeCommit(bench.root, 2, [add('x.parquet'), '{"add":{"path":"y.par'], '')],
  ['a line that is no JSON', () => writeCommit(bench.root, 2, ['{"commitInfo":{}}', 'oops'])],
  ['an empty commit', () => writeCommit(bench.root, 2, [], '')],
])('a log with %s is damaged', async (_, damage) => {
  await foreignTable()
  damage()
  await expect(bench.open().then((table) => table.current())).rejects.toMatchObject(code('ING-TABLE-LOG'))
})

test('a log without metadata or protocol is damaged', async () => {
  writeCommit(bench.root, 0, [PROTOCOL])
  await expect(bench.open()).rejects.toThrow('it has no metadata')
  writeCommit(bench.root, 0, [metaData()])
  await expect(bench.open()).rejects.toThrow('it has no protocol')
})

test.each([
  ['is missing', () => rmSync(join(bench.root, '_delta_log/_last_checkpoint'))],
  ['is corrupt', () => writeFileSync(join(bench.root, '_delta_log/_last_checkpoint'), '{"ver')],
  ['names a checkpoint that is not there', () => writeFileSync(join(bench.root, '_delta_log/_last_checkpoint'), '{"version":7}')],
  ['names a version beyond the log', () => writeFileSync(join(bench.root, '_delta_log/_last_checkpoint'), '{"version":99}')],
])('a table opens when _last_checkpoint %s', async (_, damage) => {
  const table = await bench.open()
  for (let batch = 1n; batch <= 11n; batch += 1n) await load(table, { batch, add: sql`select 1, 'x'` })
  for (let version = 0; version < 10; version += 1) rmSync(commitFile(bench.root, version))
  damage()
  expect(await bench.rowsOf(await bench.open())).toHaveLength(11)
})

test('a checkpoint that cannot be read is passed over while the commits are all there', async () => {
  const table = await bench.open()
  for (let batch = 1n; batch <= 11n; batch += 1n) await load(table, { batch, add: sql`select 1, 'x'` })
  writeFileSync(join(bench.root, '_delta_log/00000000000000000010.checkpoint.parquet'), 'not parquet')
  const opened = await bench.open()
  expect(opened.state?.version).toBe(10n)
  rmSync(join(bench.root, '_delta_log/00000000000000000003.json'))
  await expect(bench.open()).rejects.toMatchObject(code('ING-TABLE-LOG'))
})

test('a checkpoint of several parts with fields of another writer is read', async () => {
  const one = await dataFile('one.parquet', "select 1::bigint as id, 'a' as name")
  const two = await dataFile('two.parquet', "select 2::bigint as id, 'b' as name")
  const folder = join(bench.root, '_delta_log')
  mkdirSync(folder, { recursive: true })
  const empty =
    'null::struct(appId varchar, version bigint) as txn, null::struct(path varchar, "partitionValues" map(varchar, varchar), size bigint, stats_parsed struct("numRecords" bigint)) as add'
  const parts = [
    `select {'minReaderVersion': 1, 'minWriterVersion': 2} as protocol, ${JSON.stringify(metaData()['metaData'])
      .replaceAll("'", "''")
      .replace(
        /^(.*)$/s,
        "'$1'",
      )}::json::struct(id varchar, format struct(provider varchar, options map(varchar, varchar)), "schemaString" varchar, "partitionColumns" varchar[], configuration map(varchar, varchar), "createdTime" bigint) as "metaData", ${empty}`,
    `select null::struct("minReaderVersion" integer, "minWriterVersion" integer) as protocol, null::struct(id varchar) as "metaData", {'appId': 'x', 'version': 5::bigint} as txn, {'path': path, 'partitionValues': map{}::map(varchar, varchar), 'size': size, 'stats_parsed': {'numRecords': 1::bigint}} as add from (values ${[
      one,
      two,
    ]
      .map(({ add: file }) => `('${Object(file).path}', ${Object(file).size}::bigint)`)
      .join(', ')}) as t(path, size)`,
  ]
  for (const [index, query] of parts.entries()) {
    const name = `00000000000000000004.checkpoint.${String(index + 1).padStart(10, '0')}.0000000002.parquet`
    await bench.session.run(sql`copy (from query(${literal(query)})) to ${literal(join(folder, name))} (format parquet)`)
  }
  writeFileSync(join(folder, '00000000000000000009.checkpoint.0000000001.0000000002.parquet'), 'half of a checkpoint')
  writeCommit(bench.root, 4, [{ commitInfo: { timestamp: 5 } }])
  writeCommit(bench.root, 5, [remove('one.parquet')])
  const table = await bench.open()
  expect(table.state?.version).toBe(5n)
  expect(await table.lastBatch('x')).toBe(5n)
  expect(await bench.rowsOf(table)).toEqual(['{"id":2,"name":"b"}'])
})

test('domain metadata of other writers survives our checkpoint', async () => {
  const protocol = { protocol: { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['domainMetadata', 'appendOnly'] } }
  writeCommit(bench.root, 0, [protocol, metaData(), { domainMetadata: { domain: 'x', configuration: '{"a":1}', removed: false } }])
  const table = await bench.open()
  for (let batch = 1n; batch <= 10n; batch += 1n) await load(table, { batch, add: sql`select 1, 'x'` })
  const file = join(bench.root, '_delta_log/00000000000000000010.checkpoint.parquet')
  const rows = await bench.session.rows(
    sql`select "domainMetadata", protocol from read_parquet(${file}) where "domainMetadata" is not null or protocol is not null order by all`,
  )
  expect(rows).toEqual([
    { domainMetadata: { domain: 'x', configuration: '{"a":1}', removed: false }, protocol: null },
    {
      domainMetadata: null,
      protocol: { minReaderVersion: 1, minWriterVersion: 7, readerFeatures: null, writerFeatures: ['domainMetadata', 'appendOnly'] },
    },
  ])
})

test('statistics of other writers are carried to the checkpoint unparsed', async () => {
  const stats = '{"numRecords":1,"minValues":{"id":9007199254740993},"odd":[1.0]}'
  const one = await dataFile('one.parquet', "select 9007199254740993::bigint as id, 'a' as name", 'one.parquet', { stats })
  writeCommit(bench.root, 0, [PROTOCOL, metaData(), one])
  const table = await bench.open()
  for (let batch = 1n; batch <= 10n; batch += 1n) await load(table, { batch, add: sql`select 1, 'x' where false` })
  const file = join(bench.root, '_delta_log/00000000000000000010.checkpoint.parquet')
  expect(
    await bench.session.rows(
      sql`select "add".stats as stats, "add"."dataChange" as "dataChange" from read_parquet(${file}) where "add" is not null`,
    ),
  ).toEqual([{ stats, dataChange: false }])
})

test('tombstones stay in the checkpoint as long as the table keeps its files', async () => {
  const old = remove('old.parquet', { deletionTimestamp: Date.now() - 8 * 86_400_000 })
  const young = remove('young.parquet', { deletionTimestamp: Date.now() - 6 * 86_400_000 })
  writeCommit(bench.root, 0, [PROTOCOL, metaData(), old, young])
  const table = await bench.open()
  for (let batch = 1n; batch <= 10n; batch += 1n) await load(table, { batch, add: sql`select 1, 'x' where false` })
  const file = join(bench.root, '_delta_log/00000000000000000010.checkpoint.parquet')
  expect(await bench.session.rows(sql`select remove.path as path from read_parquet(${file}) where remove is not null`)).toEqual([
    { path: 'young.parquet' },
  ])
})

test('NOT NULL columns of the table are enforced, nested ones too', async () => {
  const nested = { type: 'struct', fields: [{ name: 'a', type: 'long', nullable: false, metadata: {} }] }
  const schema = schemaString(
    { id: 'long', s: nested, l: { type: 'array', elementType: 'long', containsNull: false } },
    { id: { nullable: false } },
  )
  writeCommit(bench.root, 0, [PROTOCOL, metaData({ schemaString: schema })])
  const table = await bench.open()
  const columns = table.state?.columns ?? []
  expect(columns.map((column) => column.nullable)).toEqual([false, true, true])
  const attempt = (batch: bigint, query: ReturnType<typeof sql>) => load(table, { batch, columns, add: query })
  await expect(attempt(1n, sql`select null, null, null`)).rejects.toThrow('db.t: a row violates NOT NULL of column id')
  await expect(attempt(2n, sql`select 1, {'a': null}, null`)).rejects.toThrow('NOT NULL of column s.a')
  await expect(attempt(3n, sql`select 1, {'a': 1}, [1, null]`)).rejects.toThrow('NOT NULL of column l[]')
  // Spark takes a null struct for one without the field that it must have.
  await expect(attempt(4n, sql`select 1, null, [1]`)).rejects.toThrow('NOT NULL of column s.a')
  expect(await attempt(5n, sql`select 1, {'a': 2}, [1] union all select 2, {'a': 1}, null`)).toMatchObject({ kind: 'committed' })
})

test('a folder with files and no log is refused, leftovers of ours are not', async () => {
  mkdirSync(join(bench.root, 'sub'), { recursive: true })
  mkdirSync(join(bench.root, '_ingestd/stage/x'), { recursive: true })
  writeFileSync(join(bench.root, '_ingestd/stage/x/part.staged'), 'x')
  await expect(bench.open()).resolves.toBeDefined()
  writeFileSync(join(bench.root, 'sub/data.csv'), 'x')
  await expect(bench.open()).rejects.toThrow(`db.t: the folder ${bench.root} has no Delta log, but holds sub/data.csv`)
})

test('a property that asks for a feature we do not keep is refused before a table is made', async () => {
  const table = await bench.open({ tableProperties: { 'delta.enableRowTracking': 'true' } })
  await expect(load(table, { batch: 1n, add: sql`select 1, 'x'` })).rejects.toThrow("'rowTracking'")
})

test('a new table holds the comment, the properties and the retention of the config', async () => {
  const table = await bench.open({
    tableComment: "it's ours",
    tableProperties: { owner: 'data', 'delta.appendOnly': 'true' },
    delta: {
      ...tableConfig().delta,
      targetFileSize: 1_000_000n,
      logRetentionMs: 86_400_000,
      fileRetentionMs: 7 * 86_400_000,
      checkpointInterval: 5,
    },
  })
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  expect(table.state?.properties).toEqual({
    owner: 'data',
    'delta.appendOnly': 'true',
    'delta.logRetentionDuration': 'interval 1 days',
    'delta.checkpointInterval': '5',
    'ingestd.tracker': '11111111-1111-4111-8111-111111111111',
  })
  expect(readFileSync(join(bench.root, '_delta_log/00000000000000000000.json'), 'utf8')).toContain(`"description":"it's ours"`)
})
