import { describe, expect, test } from 'vitest'
import { Landing } from '../support/landing.ts'

const csv = { file_format: 'csv', format_options: { delimiter: ',', header: true } }
const ndjson = { source_path_pattern: '*.ndjson', file_format: 'ndjson' }

async function outcome(land: Landing) {
  const [table] = (await land.run()).tables
  return { loaded: table?.rows.loaded, rejected: table?.rows.rejected, errors: table?.errors.map(({ code }) => code) }
}

describe('numbers that are too large', () => {
  test('fail beside infinite ones, which are loaded', async () => {
    const land = new Landing({ ...csv, columns: { v: 'DOUBLE' } })
    land.land('1.csv', 'v\n1e400\n', 1)
    land.land('2.csv', 'v\ninf\n-Infinity\n1.5\n', 2)
    expect(await outcome(land)).toEqual({ loaded: 3, rejected: 0, errors: ['ING-FILE-VALUE'] })
    expect(await land.rows('v::varchar as v')).toEqual([{ v: '-inf' }, { v: '1.5' }, { v: 'inf' }])
  })

  test('are rejected with max_bad_rows, and rescued by that mode', async () => {
    const land = new Landing({ ...ndjson, columns: { v: 'DOUBLE', f: 'FLOAT', n: 'STRUCT(a DOUBLE)' }, max_bad_rows: 3 })
    land.land('1.ndjson', '{"v":1e400}\n{"f":1e39}\n{"n":{"a":-1e999}}\n{"v":1.5}\n')
    expect(await outcome(land)).toEqual({ loaded: 1, rejected: 3, errors: [] })
    const rescuing = new Landing({ ...csv, columns: { v: 'DOUBLE' }, schema_evolution: { mode: 'rescue' } })
    rescuing.land('1.csv', 'v\n1e400\n2.5\n')
    expect(await outcome(rescuing)).toEqual({ loaded: 2, rejected: 0, errors: [] })
    expect(await rescuing.rows(`v, _rescued_data->>'v' as rescued`)).toEqual([
      { v: 2.5, rescued: null },
      { v: null, rescued: '1e400' },
    ])
  })
})

describe('decimals of JSON', () => {
  const columns = { d: 'DECIMAL(38,20)', größe: 'DECIMAL(38,20)', s: 'VARCHAR' }

  test('keep their digits, however their name is written, and texts stay as they are', async () => {
    const land = new Landing({ ...ndjson, columns })
    const text = String.raw`"a \"d\": 1.12345678901234567891, b"`
    land.land('1.ndjson', `{"d":1.12345678901234567891,"s":${text}}\n{"gr\\u00f6\\u00dfe":-0.00000000000000000001}\n`)
    land.land('2.ndjson', '{"größe":1.00000000000000000001}\n{"d":123456789012345678.00000000000000000001}\n')
    expect(await outcome(land)).toEqual({ loaded: 4, rejected: 0, errors: [] })
    expect(await land.rows('coalesce(d, größe)::varchar as d, s')).toEqual([
      { d: '-0.00000000000000000001', s: null },
      { d: '1.00000000000000000001', s: null },
      { d: '1.12345678901234567891', s: JSON.parse(text) },
      { d: '123456789012345678.00000000000000000001', s: null },
    ])
  })

  test('with more digits than their column are refused with their line, and rejected with max_bad_rows', async () => {
    const line = '{"d":1.123456789012345678901}\n'
    const land = new Landing({ ...ndjson, columns })
    land.land('1.ndjson', `{"d":1}\n${line}`)
    const [table] = (await land.run()).tables
    expect(table?.errors[0]?.message).toContain(`line 2, column d: '1.123456789012345678901' is not a DECIMAL(38,20)`)
    const tolerant = new Landing({ ...ndjson, columns, max_bad_rows: 1 })
    tolerant.land('1.ndjson', `{"d":1.12345678901234567891}\n${line}`)
    expect(await outcome(tolerant)).toEqual({ loaded: 1, rejected: 1, errors: [] })
    expect(await tolerant.rows('d::varchar as d')).toEqual([{ d: '1.12345678901234567891' }])
  })

  test.each([
    ['below json_path', { json_path: '$.x', columns: { d: 'DECIMAL(38,20)' } }, '{"x":[{"d":1.12345678901234567891}]}', 'd'],
    ['flattened', { format_options: { flatten: true }, columns: { x_d: 'DECIMAL(38,20)' } }, '[{"x":{"d":1.12345678901234567891}}]', 'x_d'],
    ['in lists of an array', { columns: { d: 'DECIMAL(38,20)[]' } }, '[{"d":[1.12345678901234567891]}]', 'd[1]'],
  ])('%s keep their digits', async (_where, config, content, column) => {
    const land = new Landing({ source_path_pattern: '*.json', file_format: 'json', ...config })
    land.land('1.json', content)
    expect(await outcome(land)).toEqual({ loaded: 1, rejected: 0, errors: [] })
    expect(await land.rows(`${column}::varchar as d`)).toEqual([{ d: '1.12345678901234567891' }])
  })
})

test('a CSV file of which the table knows no column fails, and adds none', async () => {
  const land = new Landing(csv)
  land.land('1.csv', 'id,name\n1,x\n', 1)
  await land.run()
  land.land('2.csv', '2,y\n3,z\n', 2)
  land.land('3.csv', 'id,more\n4,m\n', 3)
  expect(await outcome(land)).toEqual({ loaded: 1, rejected: 0, errors: ['ING-SCHEMA-STRANGER'] })
  expect(await land.rows()).toEqual([
    { id: '1', name: 'x', more: null },
    { id: '4', name: null, more: 'm' },
  ])
})

test('objects without a name, or with names that differ by case, are text where no file tells otherwise', async () => {
  const land = new Landing(ndjson)
  land.land('1.ndjson', '{"id":1,"a":{"x":1,"":2},"b":{"x":1,"X":2}}\n')
  expect(await outcome(land)).toEqual({ loaded: 1, rejected: 0, errors: [] })
  expect(await land.rows()).toEqual([{ id: '1', a: '{"x":1,"":2}', b: '{"x":1,"X":2}' }])
  const known = new Landing(ndjson)
  known.land('1.ndjson', '{"id":1,"a":{"x":1}}\n', 1)
  known.land('2.ndjson', '{"id":2,"a":{"x":1,"":2}}\n', 2)
  known.land('3.ndjson', '{"id":3,"a":{"x":1,"X":2}}\n', 3)
  expect(await outcome(known)).toEqual({ loaded: 1, rejected: 0, errors: ['ING-FILE-VALUE', 'ING-FILE-VALUE'] })
})

test('under rescue a text where an object belongs is rescued, in a JSON file with ill-formed lines too', async () => {
  const land = new Landing({
    source_path_pattern: '*.json',
    file_format: 'json',
    columns: { id: 'BIGINT', deep: 'STRUCT(a BIGINT)' },
    schema_evolution: { mode: 'rescue' },
    max_bad_rows: 1,
  })
  land.land('1.json', '{"id":1,"deep":{"a":1}}\n{"id":2,"deep":"text"}\n{"id":3,"deep":\n{"id":4}\n')
  expect(await outcome(land)).toEqual({ loaded: 3, rejected: 1, errors: [] })
  expect(await land.rows(`id, _rescued_data->>'deep' as rescued`)).toEqual([
    { id: '1', rescued: null },
    { id: '2', rescued: 'text' },
    { id: '4', rescued: null },
  ])
})
