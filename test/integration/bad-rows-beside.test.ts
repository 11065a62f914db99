import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { COUNTS, csvOf, landing, only, places, rejected, STRATEGIES, TYPES } from '../support/bad-rows.ts'
import { query } from '../support/engine.ts'

describe('with what else reads rows', () => {
  test('what is rescued is no reject', async () => {
    const land = landing({ schema_evolution: { mode: 'fail', columns: { amount: 'rescue' } }, columns: { ...TYPES, at: 'DATE' } })
    land.land('1.csv', 'id,amount,at\n1,1,2024-01-01\n2,x,2024-01-01\n3,y,never\n4\n', 1)
    expect(only(await land.run())).toMatchObject({ errors: [], rows: { read: 4, loaded: 2, rejected: 2 } })
    expect(
      await land.rows("id::varchar as id, amount::varchar as amount, json_extract_string(_rescued_data, 'amount') as rescued"),
    ).toEqual([
      { id: '1', amount: '1', rescued: null },
      { id: '2', amount: null, rescued: 'x' },
    ])
    expect(await places(land)).toEqual(['1.csv 4 type 3,y,never', '1.csv 5 ragged 4'])
  })

  test('a column that widens takes its values before rows are rejected', async () => {
    const land = landing({ schema_evolution: { mode: 'widen' }, columns: { id: 'INTEGER', amount: 'BIGINT' } })
    land.land('1.csv', csvOf([['1', '1']]), 1)
    await land.run()
    land.land(
      '2.csv',
      csvOf([
        ['3000000000', '2'],
        ['3', 'x'],
      ]),
      2,
    )
    expect(only(await land.run())).toMatchObject({ errors: [], rows: { read: 2, loaded: 1, rejected: 1 } })
    expect(await places(land)).toEqual(['2.csv 3 type 3,x'])
  })

  test.each(['evolve', 'widen'])('files with a line that is no JSON and a nested value that does not fit, by mode %s', async (mode) => {
    const land = landing({ source_path_pattern: '*.ndjson', columns: {}, schema_evolution: { mode } })
    const line = (id: number) => `{"id":${id},"deep":{"a":[${id}]}}\n`
    land.land('0.ndjson', line(1) + line(2), 1)
    await land.run()
    // Two of them: what their nested values are cannot be told from any file.
    for (const name of ['1.ndjson', '2.ndjson']) land.land(name, `${line(3)}{"id":4,"deep":4]}\n{"id":5,"deep":{"a":["x"]}}\n${line(6)}`, 2)
    const table = only(await land.run())
    expect(table).toMatchObject({ errors: [], files: { loaded: 2 }, rows: { read: 8, loaded: 4 } })
  })

  test('a transform sees the rows that fit', async () => {
    const land = landing({ columns: {}, transform: { sql: 'select id, amount * 2 as twice from records where id <> 3' } })
    land.land(
      '1.csv',
      csvOf([
        ['1', '1'],
        ['2', '2'],
      ]),
      1,
    )
    await land.run()
    land.land(
      '2.csv',
      csvOf([
        ['3', '3'],
        ['4', 'x'],
        ['5', '5'],
      ]),
      2,
    )
    expect(only(await land.run())).toMatchObject({ errors: [], rows: { read: 3, loaded: 1, rejected: 1, filtered: 1 } })
    expect(await places(land)).toEqual(['2.csv 3 type 4,x'])
  })

  test('a table with masked columns shows no record', async () => {
    const land = landing({ columns: { id: 'BIGINT' }, mask: { email: 'redact' } })
    land.land('1.csv', 'id,email\n1,a@x.de\nx,secret@x.de\n3,secret@x.de,4\n', 1)
    expect(only(await land.run())).toMatchObject({ errors: [], rows: { read: 3, loaded: 1, rejected: 2 } })
    const bad = await rejected(land)
    expect(bad.map(({ line, rule, reason, raw }) => [line, rule, reason, raw])).toEqual([
      ['3', 'type', 'not a BIGINT', null],
      ['4', 'ragged', '3 fields, the header has 2', null],
    ])
  })

  test('keys and ties are told with line and text', async () => {
    const land = landing({ loading_strategy: 'merge', primary_keys: ['id'], sequence_by: 'at', when_tied: 'reject', columns: {} })
    land.land('1.csv', 'id,at,v\n1,1,a\n,1,b\n3,,c\n4,1,"d\ne"\n4,1,f\n', 1)
    expect(only(await land.run())).toMatchObject({ errors: [], rows: { read: 5, loaded: 1, rejected: 4 } })
    expect((await rejected(land)).map(({ line, column_name, rule, raw }) => [line, column_name, rule, raw])).toEqual([
      ['3', 'id', 'key', ',1,b'],
      ['4', 'at', 'sequence', '3,,c'],
      ['5', null, 'tie', '4,1,"d\ne"'],
      ['7', null, 'tie', '4,1,f'],
    ])
  })

  test.each(STRATEGIES.filter(([name]) => name !== 'scd2'))('rows that the table forbids: %s', async (_, strategy) => {
    const land = landing({ ...strategy, table_properties: { 'delta.constraints.positive': 'amount > 0' } })
    land.land(
      '1.csv',
      csvOf([
        ['1', '1'],
        ['2', '-2'],
        ['3', '3'],
      ]),
      1,
    )
    expect(only(await land.run())).toMatchObject({ errors: [], rows: { read: 3, loaded: 2, rejected: 1 } })
    expect((await rejected(land)).map(({ line, rule, reason, raw }) => [line, rule, reason, raw])).toEqual([
      ['3', 'constraint', 'violates the constraint positive (amount > 0)', '2,-2'],
    ])
  })

  test('a header alone, and a file without a byte', async () => {
    const land = landing()
    land.land('1.csv', 'id,amount\n', 1)
    land.land('2.csv', '', 2)
    land.land('3.csv', csvOf([['1', 'x']]), 3)
    expect(only(await land.run())).toMatchObject({ errors: [], files: { loaded: 3 }, rows: { read: 1, loaded: 0, rejected: 1 } })
  })

  test('a dry run counts them and writes nothing', async () => {
    const land = landing()
    land.land(
      '1.csv',
      csvOf([
        ['1', '1'],
        ['2', 'x'],
      ]),
      1,
    )
    const table = only(await land.run({ dryRun: true, count: true } as never))
    expect(table.errors).toEqual([])
    expect(await land.files()).toEqual([])
  })

  test('Parquet values that do not fit the type of the table', async () => {
    const land = landing({
      source_path_pattern: '*.parquet',
      columns: { id: 'BIGINT', amount: 'INTEGER' },
      metadata_columns: ['_file_row_number'],
    })
    await query(
      `copy (select unnest([1, 2, 3]) as id, unnest([1, 3000000000, 3]) as amount) to '${land.path('1.parquet')}' (format parquet)`,
    )
    land.land('1.parquet', readFileSync(land.path('1.parquet')), 1)
    expect(only(await land.run())).toMatchObject({ errors: [], rows: { read: 3, loaded: 2, rejected: 1 } })
    expect((await rejected(land)).map(({ line, number, column_name, rule, raw }) => [line, number, column_name, rule, raw])).toEqual([
      [null, '2', 'amount', 'type', null],
    ])
    expect(await land.rows('id::varchar as id, _file_row_number::varchar as number')).toEqual([
      { id: '1', number: '1' },
      { id: '3', number: '3' },
    ])
  })

  test('Parquet texts and fractions for numbers', async () => {
    const land = landing({ source_path_pattern: '*.parquet', columns: { id: 'BIGINT', amount: 'BIGINT' } })
    await query(
      `copy (select unnest(['1', '2', 'x', '4']) as id, unnest([1.0, 2.5, 3.0, 4.0]::double[]) as amount) to '${land.path('1.parquet')}' (format parquet)`,
    )
    land.land('1.parquet', readFileSync(land.path('1.parquet')), 1)
    expect(only(await land.run())).toMatchObject({ errors: [], rows: { read: 4, loaded: 2, rejected: 2 } })
    expect((await rejected(land)).map(({ number, column_name, reason }) => [number, column_name, reason])).toEqual([
      ['2', 'amount', "'2.5' is not a BIGINT"],
      ['3', 'id', "'x' is not a BIGINT"],
    ])
    expect(await land.rows(COUNTS)).toEqual([
      { id: '1', amount: '1' },
      { id: '4', amount: '4' },
    ])
  })

  test('the example of the docs', async () => {
    const [, text = ''] = /```csv\n([^`]*)```/.exec(readFileSync('docs/bad-rows.md', 'utf8')) ?? []
    const land = landing({ max_bad_rows: 3 })
    land.land('may.csv', text, 1)
    expect(only(await land.run())).toMatchObject({ errors: [], rows: { read: 5, loaded: 2, rejected: 3 } })
    expect((await rejected(land)).map(({ line, rule, reason, raw }) => [line, rule, reason, raw])).toEqual([
      ['3', 'type', "'ten' is not a BIGINT", '2,ten,b'],
      ['4', 'ragged', '2 fields, the header has 3', '3,30'],
      ['7', 'type', "'5.5' is not a BIGINT", '5,5.5,e'],
    ])
  })
})
