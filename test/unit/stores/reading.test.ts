import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { localBlobs } from '../../../src/blobs/local.ts'
import { Snapshot, type SnapshotOptions } from '../../../src/delta/snapshot.ts'
import { literal, raw, sql } from '../../../src/engine/sql.ts'
import { currentRows, locatedRows, rowsOfFiles, type TableAt } from '../../../src/stores/current.ts'
import { type Action, add, metaData, PROTOCOL, schemaString, writeCommit } from '../delta/support.ts'
import { Bench, load } from './support.ts'

let bench: Bench
beforeEach(async () => {
  bench = await Bench.make()
})
afterEach(async () => {
  await bench[Symbol.asyncDispose]()
})

function features(...names: readonly string[]): Action {
  return { protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: names, writerFeatures: names } }
}

/** A data file of another writer, and the action that adds it. */
async function dataFile(name: string, query: string, changes: Readonly<Record<string, unknown>> = {}): Promise<Action> {
  const target = join(bench.root, name)
  mkdirSync(join(target, '..'), { recursive: true })
  await bench.session.run(sql`copy (from query(${literal(query)})) to ${literal(target)} (format parquet)`)
  return add(encodeURIComponent(name), { size: statSync(target).size, ...changes })
}

async function at(options: SnapshotOptions = {}): Promise<TableAt> {
  const blobs = localBlobs(bench.root)
  return {
    name: 'db.t',
    blobs,
    session: bench.session,
    snapshot: await Snapshot.open('db.t', blobs, bench.session, { gate: 'read', ...options }),
  }
}

async function rows(table: TableAt | Promise<TableAt> = at()): Promise<readonly unknown[]> {
  const found = await bench.session.rows(sql`select to_json(t)::varchar as j from (${await currentRows(await table)}) as t order by all`)
  return found.map((row) => JSON.parse(String(row['j'])) as unknown)
}

/** Metadata of a mapped column. */
function mapped(fieldId: number, physical: string): object {
  return { metadata: { 'delta.columnMapping.id': fieldId, 'delta.columnMapping.physicalName': physical } }
}

function mappedField(name: string, type: unknown, fieldId: number, physical: string): object {
  return { name, type, nullable: true, ...mapped(fieldId, physical) }
}

const struct = (...fields: readonly object[]) => ({ type: 'struct', fields })

/** A schema in which every level is mapped, and the columns that it has in files. */
function mappedTable(mode: 'name' | 'id'): Action {
  const inner = struct(mappedField('x', 'long', 3, 'p-x'), mappedField('new', 'date', 9, 'p-new'))
  return metaData({
    schemaString: schemaString(
      {
        key: 'long',
        s: inner,
        l: { type: 'array', elementType: struct(mappedField('y', 'string', 5, 'p-y')), containsNull: true },
        m: { type: 'map', keyType: 'string', valueType: struct(mappedField('z', 'integer', 7, 'p-z')), valueContainsNull: true },
        part: 'integer',
        later: 'string',
      },
      {
        key: mapped(1, 'p-key'),
        s: mapped(2, 'p-s'),
        l: mapped(4, 'p-l'),
        m: mapped(6, 'p-m'),
        part: mapped(8, 'p-part'),
        later: mapped(10, 'p-later'),
      },
    ),
    partitionColumns: ['part'],
    configuration: { 'delta.columnMapping.mode': mode, 'delta.columnMapping.maxColumnId': '10' },
  })
}

const NESTED = `select 1::bigint as "p-key", {'p-x': 2::bigint, 'gone': 'g'} as "p-s", [{'p-y': 'a'}, null] as "p-l", map {'k': {'p-z': 3}} as "p-m"`
const NESTED_IDS =
  "{'p-key': 1, 'p-s': {__duckdb_field_id: 2, 'p-x': 3, 'gone': 99}, 'p-l': {__duckdb_field_id: 4, element: {__duckdb_field_id: 50, 'p-y': 5}}, 'p-m': {__duckdb_field_id: 6, key: 60, value: {__duckdb_field_id: 61, 'p-z': 7}}}"
const NESTED_ROW = { key: 1, s: { x: 2, new: null }, l: [{ y: 'a' }, null], m: { k: { z: 3 } }, part: 5, later: null }

async function mappedFile(name: string, query: string, ids: string): Promise<Action> {
  const target = join(bench.root, name)
  mkdirSync(bench.root, { recursive: true })
  const fieldIds = ids === '' ? sql`` : sql`, field_ids ${raw(ids)}`
  await bench.session.run(sql`copy (from query(${literal(query)})) to ${literal(target)} (format parquet${fieldIds})`)
  return add(name, { size: statSync(target).size, partitionValues: { 'p-part': '5' } })
}

test.each(['name', 'id'] as const)('columns that are mapped by %s are read by their physical names at every level', async (mode) => {
  const file = await mappedFile('one.parquet', NESTED, NESTED_IDS)
  writeCommit(bench.root, 0, [features('columnMapping'), mappedTable(mode), file])
  expect(await rows()).toEqual([NESTED_ROW])
})

test('by id, columns are found whatever files call them', async () => {
  const query = NESTED.replaceAll('p-', 'old-')
  const one = await mappedFile('one.parquet', NESTED, NESTED_IDS)
  const two = await mappedFile('two.parquet', query.replace('1::bigint', '8::bigint'), NESTED_IDS.replaceAll('p-', 'old-'))
  writeCommit(bench.root, 0, [features('columnMapping'), mappedTable('id'), one, two])
  expect(await rows()).toEqual([NESTED_ROW, { ...NESTED_ROW, key: 8 }])
})

test('by id, a file without field ids is refused by its name', async () => {
  const file = await mappedFile('one.parquet', NESTED, '')
  writeCommit(bench.root, 0, [features('columnMapping'), mappedTable('id'), file])
  await expect(rows()).rejects.toMatchObject({
    code: 'ING-TABLE-DATA-FILE',
    message: expect.stringContaining('one.parquet has no field ids'),
  })
})

test.each(['name', 'id'] as const)('by %s, a struct of which files have no field any more is there without values', async (mode) => {
  const query = `select 1::bigint as "p-key", {'gone': 'g'} as "p-s", [{'gone': 1}] as "p-l", map {'k': {'gone': 1}} as "p-m"`
  const ids =
    "{'p-key': 1, 'p-s': {__duckdb_field_id: 2, 'gone': 99}, 'p-l': {__duckdb_field_id: 4, element: {'gone': 98}}, 'p-m': {__duckdb_field_id: 6, value: {'gone': 97}}}"
  writeCommit(bench.root, 0, [features('columnMapping'), mappedTable(mode), await mappedFile('one.parquet', query, ids)])
  expect(await rows()).toEqual([{ ...NESTED_ROW, s: { x: null, new: null }, l: [{ y: null }], m: { k: { z: null } } }])
})

test('the mode of mapping counts only where the protocol allows it', async () => {
  const schema = schemaString({ a: 'long' }, { a: mapped(1, 'p-a') })
  const configuration = { 'delta.columnMapping.mode': 'name' }
  writeCommit(bench.root, 0, [
    PROTOCOL,
    metaData({ schemaString: schema, configuration }),
    await dataFile('a.parquet', 'select 7::bigint as a'),
  ])
  expect(await rows()).toEqual([{ a: 7 }])
})

test('columns with the names of the places of rows are read as columns', async () => {
  const query = "select 'x' as filename, 9::bigint as file_row_number from range(3)"
  const schema = schemaString({ filename: 'string', file_row_number: 'long' })
  writeCommit(bench.root, 0, [PROTOCOL, metaData({ schemaString: schema }), await dataFile('a b.parquet', query)])
  const located = await bench.session.rows(sql`from (${await locatedRows(await at())}) order by __position`)
  expect(located).toEqual([0n, 1n, 2n].map((row) => ({ filename: 'x', file_row_number: 9n, __file: 'a%20b.parquet', __position: row })))
})

test('deleted rows are left out, of the files that have a vector and of no other', async () => {
  // Rows 3, 4, 7, 11, 18 and 29.
  const deletionVector = {
    storageType: 'i',
    pathOrInlineDv: '^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L',
    sizeInBytes: 44,
    cardinality: 6,
  }
  const one = await dataFile('one.parquet', 'select i as id, $$a$$ as name from range(40) t(i)', {
    deletionVector,
    stats: '{"numRecords":40}',
  })
  const two = await dataFile('two.parquet', 'select 100 + i as id, $$b$$ as name from range(8) t(i)')
  writeCommit(bench.root, 0, [features('deletionVectors'), metaData(), one, two])
  const table = await at()
  const kept = Array.from({ length: 40 }, (_, index) => index).filter((index) => ![3, 4, 7, 11, 18, 29].includes(index))
  const ids = (query: Parameters<typeof bench.session.rows>[0]) => bench.session.rows(sql`select id::int as id from (${query}) order by id`)
  expect((await ids(await currentRows(table))).map((row) => row['id'])).toEqual([
    ...kept,
    ...Array.from({ length: 8 }, (_, index) => 100 + index),
  ])
  const files = await table.snapshot?.files()
  if (files === undefined) throw new Error('no files')
  const [place] = await bench.session.rows(
    sql`select __position from (${await locatedRows(table, sql`(select * from ${files} where dv <> '')`)}) where id = 5`,
  )
  expect(place).toEqual({ __position: 5n })
  expect(await ids(await rowsOfFiles(table, sql`(select * from ${files} where dv = '')`))).toHaveLength(8)
})

test('older files that are narrower are widened, nested ones too', async () => {
  const schema = schemaString({
    a: 'long',
    f: 'double',
    d: 'decimal(12,4)',
    t: 'timestamp_ntz',
    s: struct({ name: 'x', type: 'long', nullable: true, metadata: {} }),
    l: { type: 'array', elementType: 'double', containsNull: true },
  })
  const old = await dataFile(
    'old.parquet',
    "select 1::tinyint as a, 1.5::float as f, 2.25::decimal(5,2) as d, date '2024-02-29' as t, {'x': 3::smallint} as s, [4::integer] as l",
  )
  const later = await dataFile(
    'new.parquet',
    "select 9007199254740993 as a, 0.1::double as f, 1.0001::decimal(12,4) as d, timestamp '2024-02-29 01:02:03.000004' as t, {'x': 5::bigint} as s, [0.5::double] as l",
  )
  writeCommit(bench.root, 0, [features('typeWidening', 'timestampNtz'), metaData({ schemaString: schema }), old, later])
  const found = await bench.session.rows(
    sql`select a, f, d, t::varchar as t, s.x as x, l from (${await currentRows(await at())}) order by a`,
  )
  expect(found).toEqual([
    { a: 1n, f: 1.5, d: '2.2500', t: '2024-02-29 00:00:00', x: 3n, l: [4] },
    { a: 9007199254740993n, f: 0.1, d: '1.0001', t: '2024-02-29 01:02:03.000004', x: 5n, l: [0.5] },
  ])
})

test('names that mean something to the engine are taken to the letter', async () => {
  const names = [
    'a[1].parquet',
    'a1.parquet',
    'a*.parquet',
    'a?.parquet',
    "q'uote.parquet",
    '100%25.parquet',
    'ü€😀.parquet',
    'a+b c.parquet',
    'x:y.parquet',
  ]
  const files: Action[] = []
  for (const [index, name] of names.entries()) files.push(await dataFile(name, `select ${index}::bigint as id, 'n' as name`))
  const plain = await dataFile('50% off.parquet', "select 100::bigint as id, 'n' as name")
  writeCommit(bench.root, 0, [PROTOCOL, metaData(), ...files, { add: { ...(plain['add'] as object), path: '50% off.parquet' } }])
  expect((await rows()).map((row) => Number(Object(row).id)).toSorted((a, b) => a - b)).toEqual([...names.keys(), 100])
})

test('partition values of every type are read from the log', async () => {
  const types = {
    s: ['string', 'ü= /%25', 'ü= /%25'],
    b: ['boolean', 'true', 'true'],
    y: ['byte', '-128', '-128'],
    h: ['short', '32767', '32767'],
    i: ['integer', '-5', '-5'],
    l: ['long', '9223372036854775807', '9223372036854775807'],
    f: ['float', '1.5', '1.5'],
    d: ['double', '1.0E-7', '1e-07'],
    nan: ['double', 'NaN', 'nan'],
    inf: ['double', '-Infinity', '-inf'],
    dec: ['decimal(10,2)', '12.50', '12.50'],
    day: ['date', '2024-02-29', '2024-02-29'],
    iso: ['timestamp', '2024-01-02T03:04:05.123456Z', '2024-01-02 03:04:05.123456+00'],
    ts: ['timestamp', '2024-01-02 03:04:05.5', '2024-01-02 03:04:05.5+00'],
    ntz: ['timestamp_ntz', '2024-01-02 03:04:05.000001', '2024-01-02 03:04:05.000001'],
    bin: ['binary', '\u0001A\\x41', '\\x01A\\x5Cx41'],
    empty: ['integer', '', null],
    none: ['string', null, null],
  } as const
  const names = Object.keys(types)
  const schema = schemaString({ ...Object.fromEntries(Object.entries(types).map(([name, [type]]) => [name, type])), id: 'long' })
  const partitionValues = Object.fromEntries(Object.entries(types).map(([name, [, value]]) => [name, value]))
  const file = await dataFile('x.parquet', "select 1::bigint as id, 'from the file' as s", { partitionValues })
  writeCommit(bench.root, 0, [features('timestampNtz'), metaData({ schemaString: schema, partitionColumns: names }), file])
  const [row] = await bench.session.rows(sql`select columns(*)::varchar from (${await currentRows(await at())})`)
  expect(row).toEqual({ ...Object.fromEntries(Object.entries(types).map(([name, [, , shown]]) => [name, shown])), id: '1' })
})

test('a table of partition columns alone has its rows, and a void column is null', async () => {
  const schema = schemaString({ p: 'long', nothing: 'void' })
  const file = await dataFile('x.parquet', 'select 1 as other from range(3)', { partitionValues: { p: '4' } })
  writeCommit(bench.root, 0, [PROTOCOL, metaData({ schemaString: schema, partitionColumns: ['p'] }), file])
  expect(await rows()).toEqual(Array.from({ length: 3 }, () => ({ p: 4, nothing: null })))
})

test('a blind append reads no list of files, however it is kept', async () => {
  const table = await bench.open()
  for (let batch = 1n; batch <= 11n; batch += 1n) await load(table, { batch, add: sql`select ${batch}, 'x'` })
  await table[Symbol.asyncDispose]()
  const checkpoint = join(bench.root, '_delta_log/00000000000000000010.checkpoint.parquet')
  const [chunk] = await bench.session.rows(
    sql`select min(coalesce(dictionary_page_offset, data_page_offset))::int as first from parquet_metadata(${checkpoint}) where path_in_schema = 'add, path'`,
  )
  const bytes = readFileSync(checkpoint)
  bytes.fill(0xff, Number(chunk?.['first']), Number(chunk?.['first']) + 24)
  writeFileSync(checkpoint, bytes)
  rmSync(join(bench.root, '_delta_log/00000000000000000000.json'))
  const again = await bench.open()
  expect(await load(again, { batch: 12n, add: sql`select 12, 'x'` })).toEqual({ kind: 'committed', version: 11n })
  await expect(again.current()).rejects.toMatchObject({ code: 'ING-TABLE-LOG' })
  expect(bench.warnings).toEqual([])
})
