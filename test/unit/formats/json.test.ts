import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { bench } from './bench.ts'

test('ndjson gets its types from all records, nested ones too', async () => {
  const ndjson = await bench('ndjson')
  ndjson.land(
    'a.ndjson',
    '{"id":1,"at":"2024-01-31T10:00:00Z","day":"2024-01-31","a":{"x":1,"l":[{"y":"q"}]},"n":null,"zip":"007"}\n{"id":2,"late":1.5}\n',
  )
  expect(await ndjson.types()).toEqual([
    'id BIGINT',
    'at TIMESTAMP WITH TIME ZONE',
    'day DATE',
    'a STRUCT("x" BIGINT, "l" STRUCT("y" VARCHAR)[])',
    'n VARCHAR',
    'zip VARCHAR',
    'late DOUBLE',
  ])
  expect(await ndjson.rows()).toEqual([
    { id: 1n, at: '2024-01-31 10:00:00+00', day: '2024-01-31', a: { x: 1n, l: [{ y: 'q' }] }, n: null, zip: '007', late: null },
    { id: 2n, at: null, day: null, a: null, n: null, zip: null, late: 1.5 },
  ])
})

test('json takes arrays, records after one another and one record a line', async () => {
  const json = await bench('json')
  json.land('array.json', '[{"a":1},\n{"a":2}]')
  json.land('lines.json', '{"a":3}\n{"a":4}\n')
  json.land('loose.json', '{\n "a":5\n}{"a":6} {"a":7}')
  json.land('none.json', '[]')
  json.land('zero.json', '')
  json.land('blank.json', ' \n')
  const { groups } = await json.inspect()
  expect(groups.map((group) => [group.files.length, group.empty])).toEqual([
    [3, true],
    [3, false],
  ])
  expect((await json.rows()).map((row) => row['a'])).toEqual([1n, 2n, 3n, 4n, 5n, 6n, 7n])
})

test('a field that only the last record of a file has is a column', async () => {
  const ndjson = await bench('ndjson')
  ndjson.land('a.ndjson', `${'{"a":1}\n'.repeat(30_000)}{"a":1,"rare":{"x":[1]}}\n`)
  expect(await ndjson.types()).toEqual(['a BIGINT', 'rare STRUCT("x" BIGINT[])'])
})

test('with schema_evolution false files are told apart by their fields', async () => {
  const ndjson = await bench('ndjson', { schemaEvolution: 'fail' })
  ndjson.land('a.ndjson', '{"a":1,"b":2}\n')
  ndjson.land('b.ndjson', '{"b":1}\n{"a":2}\n')
  ndjson.land('c.ndjson', '{"a":1,"b":2,"c":3}\n')
  const { groups } = await ndjson.inspect()
  expect(groups.map((group) => [group.files.length, group.columns.map((column) => column.name).toSorted()])).toEqual([
    [2, ['a', 'b']],
    [1, ['a', 'b', 'c']],
  ])
})

test('files that spell a field in another case are read each in its own spelling', async () => {
  const ndjson = await bench('ndjson')
  ndjson.land('a.ndjson', '{"Id":1}\n')
  ndjson.land('b.ndjson', '{"id":2}\n')
  expect(await ndjson.types()).toEqual(['Id BIGINT'])
  expect(await ndjson.rows()).toEqual([{ Id: 1n }, { id: 2n }])
})

test('integers beyond 64 bits stay exact', async () => {
  const ndjson = await bench('ndjson')
  ndjson.land(
    'a.ndjson',
    '{"u":18446744073709551615,"h":12345678901234567890123,"t":123456789012345678901234567890123456789,"m":9223372036854775807}\n',
  )
  expect(await ndjson.types()).toEqual(['u DECIMAL(38,0)', 'h DECIMAL(38,0)', 't VARCHAR', 'm BIGINT'])
  expect(await ndjson.rows()).toEqual([
    { u: '18446744073709551615', h: '12345678901234567890123', t: '123456789012345678901234567890123456789', m: 9223372036854775807n },
  ])
})

test.each([
  ['BIGINT', '1.5', '1.5'],
  ['BIGINT', '"abc"', 'abc'],
  ['BIGINT', '{"x":1}', '{"x":1}'],
  ['DOUBLE', '"abc"', 'abc'],
  ['DATE', '"2024-01-31 10:00:00"', '2024-01-31 10:00:00'],
  ['DECIMAL(10,2)', '1.239', '1.239'],
  ['STRUCT("x" BIGINT)', '{"x":1,"y":2}', '{"x":1,"y":2}'],
  ['STRUCT("x" BIGINT)', '{"x":1.5}', '{"x":1.5}'],
  ['STRUCT("x" BIGINT)', '[1]', '[1]'],
  ['BIGINT[]', '[1,"q"]', '[1,"q"]'],
  ['STRUCT("x" BIGINT)[]', '[{"y":1}]', '[{"y":1}]'],
])('a %s column refuses %s, naming the line', async (type, json, value) => {
  const ndjson = await bench('ndjson')
  ndjson.land('good.ndjson', '{"v":null}\n')
  ndjson.land('bad.ndjson', `{"v":null}\n\n{"v":${json}}\n`)
  expect(await ndjson.problems({ v: type })).toEqual([`ING-FILE-VALUE bad.ndjson line 3, column v: '${value}' is not a ${type}`])
})

test('a value of an array is named by its record', async () => {
  const json = await bench('json')
  json.land('a.json', '[{"v":1},\n{"v":"x"}]')
  expect(await json.problems({ v: 'BIGINT' })).toEqual(["ING-FILE-VALUE a.json, column v of record 2: 'x' is not a BIGINT"])
})

test.each([
  ['ndjson', '{"a":1}\n{"a":x}\n{"a":3}\n', 'ING-FILE-JSON f line 2: this is not valid JSON: {"a":x}'],
  ['ndjson', '{"a":1}\n{"a":\n{"a":3}\n', 'ING-FILE-JSON f line 2: this is not valid JSON: {"a":'],
  ['ndjson', '{"a":1}\n{"a":2', 'ING-FILE-TRUNCATED f: the end of the file is missing: its last record is not closed'],
  [
    'ndjson',
    '{"a":1}\n{"a":{"b":1}',
    'ING-FILE-TRUNCATED f: the end of the file is missing: the record on its last line, 2, is not closed',
  ],
  ['ndjson', '{"a":1}\n5\n{"a":2}\n', 'ING-FILE-JSON f line 2: a record must be an object: 5'],
  ['ndjson', '[{"a":1}]', 'ING-FILE-JSON f: a record begins with \'{\', not with "["'],
  ['ndjson', '{"a":1,"a":2}\n', 'ING-FILE-DUPLICATE-COLUMN f: the column "a" stands twice'],
  ['ndjson', '{"a":1}\n{"A":2}\n', 'ING-FILE-DUPLICATE-COLUMN f: the columns "A" and "a" differ by case alone'],
  ['ndjson', '{"":1}\n', 'ING-FILE-COLUMN-NAME f: a field has an empty name'],
  ['json', '[{"a":1},{"a":2}', 'ING-FILE-TRUNCATED f: the end of the file is missing: its last array is not closed'],
  ['json', '[{"a":1},', 'ING-FILE-TRUNCATED f: the end of the file is missing: its last array is not closed'],
  ['json', '[{"a":[1]', 'ING-FILE-TRUNCATED f: the end of the file is missing: its last value is not closed'],
  ['json', '[\n{"a":1},\n{"a":x}]', 'ING-FILE-JSON f line 3: this is not valid JSON: {"a":x}'],
  ['json', '[1,2]', 'ING-FILE-JSON f line 1: a record must be an object: 1'],
  ['json', '<html></html>', "ING-FILE-JSON f: a record begins with '{' and an array with '[', not with \"<\""],
] as const)('%s %j is %s', async (format, content, problem) => {
  const one = await bench(format)
  one.land('good', '{"a":1}\n')
  one.land('f', content)
  expect(await one.problems()).toEqual([problem])
})

test('JSON in UTF-16 is refused as such', async () => {
  const json = await bench('json')
  json.land('f', Buffer.from('{"a":1}', 'utf16le'))
  expect(await json.problems()).toEqual(['ING-FILE-ENCODING f: the JSON is not UTF-8'])
})

test('a gzip file is read, and found cut wherever it ends', async () => {
  const whole = gzipSync(Array.from({ length: 500 }, (_, index) => `{"a":${index}}\n`).join(''))
  const ndjson = await bench('ndjson')
  ndjson.land('whole.ndjson.gz', whole)
  for (const cut of [1, 4, 8, 9, 40, whole.length - 12]) ndjson.land(`cut-${cut}.ndjson.gz`, whole.subarray(0, whole.length - cut))
  const { groups, failed } = await ndjson.inspect()
  expect(groups.map((group) => group.files.map((file) => file.path.slice(ndjson.folder.length + 1)))).toEqual([['whole.ndjson.gz']])
  expect(failed.map((error) => error.code)).toEqual(Array.from({ length: 6 }, () => 'ING-FILE-TRUNCATED'))
})
