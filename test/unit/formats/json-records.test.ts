import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { TableConfig } from '../../../src/model/table.ts'
import { bench } from './bench.ts'

const at = (jsonPath: string, table: Partial<TableConfig> = {}) => bench('json', { jsonPath, ...table })

test.each(['$.data.items', '$.data.items[*]', 'data.items', '$."data".items'])('records are read from the list at %s', async (path) => {
  const json = await at(path)
  json.land('a.json', '{"next":null,"data":{"items":[{"id":1,"big":12345678901234567890123},\n{"id":2}]}}')
  json.land('b.json', '{"data":{"items":[]}}\n{"data":{"items":[{"id":3}]}}')
  json.land('c.json.gz', gzipSync('[{"data":{"items":{"id":4}}},{"data":{"items":null}}]'))
  json.land('d.json', '')
  expect(await json.types()).toEqual(['id BIGINT', 'big DECIMAL(38,0)'])
  expect((await json.rows()).map((row) => row['id'])).toEqual([1n, 2n, 3n, 4n])
  expect(await json.paths()).toEqual(['a.json', 'a.json', 'b.json', 'c.json.gz'])
})

test('lists within lists give their records in order', async () => {
  const json = await at('$.pages[*].rows')
  json.land('a.json', '{"pages":[{"rows":[{"n":1},{"n":2}]},{"rows":[]},{"rows":[{"n":3}]}]}')
  expect((await json.rows()).map((row) => row['n'])).toEqual([1n, 2n, 3n])
})

test('one element of a list, and the top of the document', async () => {
  const one = await at('$[1].rows')
  one.land('a.json', '[{"rows":[{"n":1}]},{"rows":[{"n":2}]}]')
  // The elements of an array at the top are documents of their own.
  expect(await one.problems()).toEqual(['ING-FILE-JSON a.json: it has no list of records at json_path $[1].rows'])
  const top = await at('$')
  top.land('a.json', '[{"n":1}]')
  expect(await top.rows()).toEqual([{ n: 1n }])
})

test('a document without the path, with scalars there, or cut fails alone', async () => {
  const json = await at('$.data')
  json.land('good.json', '{"data":[{"a":1}]}')
  json.land('missing.json', '{"date":[{"a":1}]}')
  json.land('scalar.json', '{"data":7}')
  json.land('scalars.json', '{"data":[7]}')
  json.land('cut.json', '{"data":[{"a":1},{"a"')
  json.land('cut.json.gz', gzipSync('{"data":[{"a":1}]}').subarray(0, -4))
  expect(await json.problems()).toEqual([
    'ING-FILE-JSON missing.json: it has no list of records at json_path $.data',
    'ING-FILE-JSON scalar.json: it has no list of records at json_path $.data',
    'ING-FILE-JSON scalars.json: a record must be an object',
    'ING-FILE-TRUNCATED cut.json.gz: the end of the file is missing: the gzip data stops before its trailer',
    'ING-FILE-TRUNCATED cut.json: the end of the file is missing: its last record is not closed',
  ])
})

test('a value that does not fit is named by its record below the path', async () => {
  const json = await at('$.data')
  json.land('a.json', '{\n"data":[\n{"v":1},\n{"v":"x"}]}')
  expect(await json.problems({ v: 'BIGINT' })).toEqual(["ING-FILE-VALUE a.json, column v of record 2: 'x' is not a BIGINT"])
})

test('names of the envelope may stand twice', async () => {
  const json = await at('$.data')
  json.land('a.json', '{"Meta":1,"meta":2,"data":[{"v":1}]}')
  expect(await json.rows()).toEqual([{ v: 1n }])
})

test.each(['json', 'ndjson'] as const)('flatten makes nested fields of %s columns; lists stay lists', async (format) => {
  const json = await bench(format, { formatOptions: { flatten: true } })
  json.land('a.json', '{"id":1,"a":{"b":{"c":"x","d":1.5},"l":[1,2]},"e":{}}\n')
  json.land('b.json', '{"id":2,"a":{"b":{"c":null,"new":true}},"l":[{"x":1}]}\n{"id":3}\n')
  expect(await json.types()).toEqual([
    'id BIGINT',
    'a_b_c VARCHAR',
    'a_b_d DOUBLE',
    'a_l BIGINT[]',
    'e VARCHAR',
    'a_b_new BOOLEAN',
    'l STRUCT("x" BIGINT)[]',
  ])
  expect(await json.rows()).toEqual([
    { id: 1n, a_b_c: 'x', a_b_d: 1.5, a_l: [1n, 2n], e: '{}', a_b_new: null, l: null },
    { id: 2n, a_b_c: null, a_b_d: null, a_l: null, e: null, a_b_new: true, l: [{ x: 1n }] },
    { id: 3n, a_b_c: null, a_b_d: null, a_l: null, e: null, a_b_new: null, l: null },
  ])
})

test('flatten takes any key, another separator, and records without fields', async () => {
  const json = await bench('json', { jsonPath: '$.r', formatOptions: { flatten: true, flatten_separator: '.' } })
  json.land('a.json', '{"r":[{"a/b":{"c~d":1,"0":2,"q\\"":3}}]}')
  json.land('b.json', '{"r":[{},{}]}')
  const rows = await json.rows()
  expect(rows).toEqual([
    { 'a/b.c~d': 1n, 'a/b.0': 2n, 'a/b.q"': 3n },
    { 'a/b.c~d': null, 'a/b.0': null, 'a/b.q"': null },
    { 'a/b.c~d': null, 'a/b.0': null, 'a/b.q"': null },
  ])
})

test('two fields that flatten to one name fail the file', async () => {
  const json = await bench('json', { formatOptions: { flatten: true } })
  json.land('a.json', '{"a_b":1,"a":{"B":2}}')
  expect(await json.problems()).toEqual(['ING-FILE-DUPLICATE-COLUMN a.json: the columns "a_b" and "a_B" differ by case alone'])
})

test('a field that is an object in some records alone stays one column of JSON', async () => {
  const json = await bench('json', { formatOptions: { flatten: true } })
  json.land('a.json', '{"a":{"b":1}}\n{"a":2}')
  expect(await json.rows()).toEqual([{ a: '{"b":1}' }, { a: '2' }])
})
