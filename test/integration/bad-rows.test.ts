import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { COUNTS, csvOf, landing, linesOf, only, places, rejected, STRATEGIES } from '../support/bad-rows.ts'

const FORMATS: readonly (readonly [string, string, (rows: readonly (readonly [string, string])[]) => string | Buffer, boolean])[] = [
  ['csv', '1.csv', csvOf, true],
  ['csv.gz', '1.csv.gz', (rows) => gzipSync(csvOf(rows)), true],
  ['ndjson', '1.ndjson', linesOf, true],
  ['ndjson.gz', '1.ndjson.gz', (rows) => gzipSync(linesOf(rows)), true],
  ['json', '1.json', (rows) => `[${linesOf(rows).trim().replaceAll('\n', ',\n')}]`, false],
]

describe.each(FORMATS)('%s', (_, name, contentOf, hasLines) => {
  test.each(STRATEGIES)('rows that do not fit are rejected, and the rest loads: %s', async (__, strategy) => {
    const land = landing({ ...strategy, source_path_pattern: `*.${name.slice(2)}` })
    land.land(
      name,
      contentOf([
        ['1', '10'],
        ['2', 'x'],
        ['3', '30'],
        ['4.5', '40'],
        ['5', '50'],
      ]),
      1,
    )
    const table = only(await land.run())
    expect(table.errors).toEqual([])
    expect(table).toMatchObject({ files: { loaded: 1, failed: 0 }, rows: { read: 5, loaded: 3, rejected: 2 } })
    expect(await land.rows(COUNTS)).toEqual([
      { id: '1', amount: '10' },
      { id: '3', amount: '30' },
      { id: '5', amount: '50' },
    ])
    const bad = await rejected(land)
    expect(bad.map(({ column_name, rule, reason }) => [column_name, rule, reason])).toEqual([
      ['amount', 'type', "'x' is not a BIGINT"],
      ['id', 'type', "'4.5' is not a BIGINT"],
    ])
    const header = name.includes('csv') ? 1 : 0
    expect(bad.map(({ line }) => line)).toEqual(hasLines ? [String(2 + header), String(4 + header)] : [null, null])
    expect(bad[0]?.raw).toBe(name.includes('csv') ? '2,x' : '{"id":"2","amount":"x"}')
    expect((await land.files())[0]).toMatchObject({ status: 'completed', rows_read: 5, rows_loaded: 3, rows_rejected: 2 })
  })
})

describe('limits', () => {
  const bad = csvOf([
    ['1', '1'],
    ['2', 'x'],
    ['3', 'y'],
    ['4', '4'],
  ])

  test('beyond a count the file fails with its lines, and its neighbours load', async () => {
    const land = landing({ max_bad_rows: 1 })
    land.land('1.csv', bad, 1)
    land.land(
      '2.csv',
      csvOf([
        ['5', '5'],
        ['6', 'z'],
      ]),
      2,
    )
    land.land('3.csv', csvOf([['7', '7']]), 3)
    const table = only(await land.run())
    expect(table).toMatchObject({ status: 'error', files: { loaded: 2, failed: 1 }, rows: { read: 3, loaded: 2, rejected: 1 } })
    expect(table.errors).toMatchObject([
      {
        code: 'ING-FILE-BAD-ROWS',
        message: `${land.path('landing/1.csv')}: 2 of 4 rows cannot be loaded (max_bad_rows: 1): line 3: column amount: 'x' is not a BIGINT; line 4: column amount: 'y' is not a BIGINT`,
      },
    ])
    expect(await land.rows(COUNTS)).toEqual([
      { id: '5', amount: '5' },
      { id: '7', amount: '7' },
    ])
    expect(await places(land)).toEqual(['2.csv 3 type 6,z'])
  })

  test('a share is of the rows of the file', async () => {
    const land = landing({ max_bad_rows: '50%' })
    land.land('1.csv', bad, 1)
    land.land(
      '2.csv',
      csvOf([
        ['5', 'x'],
        ['6', 'z'],
        ['7', '7'],
      ]),
      2,
    )
    const table = only(await land.run())
    expect(table).toMatchObject({ files: { loaded: 1, failed: 1 }, rows: { read: 4, loaded: 2, rejected: 2 } })
    expect(table.errors[0]?.message).toContain('2 of 3 rows cannot be loaded (max_bad_rows: 50%)')
  })

  test('with none allowed the first value that does not fit fails the file', async () => {
    const land = landing({ max_bad_rows: 0 })
    land.land('1.csv', bad, 1)
    expect(only(await land.run()).errors).toMatchObject([{ code: 'ING-FILE-VALUE' }])
  })

  test('of many bad rows the first are named', async () => {
    const land = landing({ max_bad_rows: 5 })
    land.land('1.csv', csvOf(Array.from({ length: 20 }, (_, index) => [String(index), 'x'] as const)), 1)
    expect(only(await land.run()).errors[0]?.message).toMatch(
      /20 of 20 rows .*: line 2: .*; line 6: column amount: 'x' is not a BIGINT; and 15 more$/,
    )
  })

  test('rejected rows of all kinds count together', async () => {
    const land = landing({ max_bad_rows: 2, loading_strategy: 'merge', primary_keys: ['id'] })
    land.land('1.csv', 'id,amount\n1,x\n,2\n3\n4,4\n', 1)
    expect(only(await land.run()).errors[0]?.message).toContain(
      "3 of 4 rows cannot be loaded (max_bad_rows: 2): line 2: column amount: 'x' is not a BIGINT; line 3: the key id is null; line 4: 1 field, the header has 2",
    )
  })
})

describe('ill-formed rows', () => {
  test('ragged rows, text behind quotes and rows in another encoding', async () => {
    const land = landing({ columns: { id: 'BIGINT', name: 'VARCHAR', amount: 'BIGINT' } })
    const text = 'id,name,amount\n1,a,1\n2,b\n3,c,3,4\n4,"d"x,4\n5,caf\u00e9,5\n6,f,6\n'
    land.land('1.csv', Buffer.from(text, 'latin1'), 1)
    expect(only(await land.run())).toMatchObject({ rows: { read: 6, loaded: 2, rejected: 4 }, errors: [] })
    expect((await rejected(land)).map(({ line, rule, reason, raw }) => [line, rule, reason, raw])).toEqual([
      ['3', 'ragged', '2 fields, the header has 3', '2,b'],
      ['4', 'ragged', '4 fields, the header has 3', '3,c,3,4'],
      ['5', 'quote', 'text follows a closing quote', '4,"d"x,4'],
      ['6', 'encoding', 'the line is not UTF-8', '5,caf\u00e9,5'],
    ])
  })

  test('a column that is left out is looked at all the same', async () => {
    const land = landing({ exclude_columns: ['name'] })
    land.land('1.csv', Buffer.from('id,name,amount\n1,a,1\n2,caf\u00e9,2\n3,c,x\n', 'latin1'), 1)
    expect(only(await land.run())).toMatchObject({ rows: { read: 3, loaded: 1, rejected: 2 } })
  })

  test('a quote that is never closed fails the file as cut', async () => {
    const land = landing()
    land.land('1.csv', 'id,amount\n1,1\n2,"2\n3,3\n', 1)
    expect(only(await land.run()).errors).toMatchObject([{ code: 'ING-FILE-TRUNCATED' }])
  })

  test('a last row that is cut fails the file, though bad rows are allowed', async () => {
    const land = landing()
    land.land('1.csv', 'id,amount\n1,1\nx,2\n3', 1)
    expect(only(await land.run()).errors).toMatchObject([{ code: 'ING-FILE-TRUNCATED' }])
  })

  test('a last row that is malformed and ended is rejected', async () => {
    const land = landing()
    land.land('1.csv', 'id,amount\n1,1\n2,"2"x\n', 1)
    land.land('2.csv', 'id,amount\n3,3\n', 2)
    expect(only(await land.run())).toMatchObject({ errors: [], rows: { read: 3, loaded: 2, rejected: 1 } })
    expect(await places(land)).toEqual(['1.csv 3 quote 2,"2"x'])
  })

  test('lines that are no JSON, or no records, wherever they stand', async () => {
    const land = landing({ source_path_pattern: '*.ndjson' })
    land.land('1.ndjson', 'oops\n{"id":1,"amount":1}\n\n[1]\n{"id":2,"amount":\n{"id":3,"amount":"x"}\n{"id":4,"amount":4}\n}\n', 1)
    expect(only(await land.run())).toMatchObject({ errors: [], rows: { read: 7, loaded: 2, rejected: 5 } })
    expect(await places(land)).toEqual([
      '1.ndjson 1 json oops',
      '1.ndjson 4 json [1]',
      '1.ndjson 5 json {"id":2,"amount":',
      '1.ndjson 6 type {"id":3,"amount":"x"}',
      '1.ndjson 8 json }',
    ])
  })

  test('a line of JSON that is not UTF-8', async () => {
    const land = landing({ source_path_pattern: '*.ndjson' })
    land.land('1.ndjson', Buffer.from('{"id":1,"amount":1}\n{"id":2,"n":"caf\u00e9"}\n', 'latin1'), 1)
    expect(only(await land.run())).toMatchObject({ errors: [], rows: { read: 2, loaded: 1, rejected: 1 } })
    expect(await places(land)).toEqual(['1.ndjson 2 encoding {"id":2,"n":"caf\u00e9"}'])
  })

  test('a last line of JSON that is cut fails the file', async () => {
    const land = landing({ source_path_pattern: '*.ndjson' })
    land.land('1.ndjson', '{"id":1,"amount":"x"}\n{"id":2,"amount', 1)
    expect(only(await land.run()).errors).toMatchObject([{ code: 'ING-FILE-TRUNCATED' }])
  })

  test('a document of lines rejects those that are no JSON; a broken array fails', async () => {
    const land = landing({ source_path_pattern: '*.json' })
    land.land('1.json', '{"id":1,"amount":1}\n{"id":2,"amount":2\n{"id":3,"amount":3}\n', 1)
    land.land('2.json', '[{"id":4,"amount":4},\n{"id":5 "amount":5}]\n', 2)
    const table = only(await land.run())
    expect(table).toMatchObject({ files: { loaded: 1, failed: 1 }, rows: { read: 3, loaded: 2, rejected: 1 } })
    expect(await places(land)).toEqual(['1.json 2 json {"id":2,"amount":2'])
  })
})

describe('places', () => {
  test.each([
    [
      'records over several lines',
      'id,amount,t\n1,1,"a\nb"\n2,x,"c\n\nd"\n3,3\n4,y,e\n',
      ['4 type 2,x,"c\n\nd"', '7 ragged 3,3', '8 type 4,y,e'],
    ],
    ['CR LF', 'id,amount,t\r\n1,1,a\r\n2,x,b\r\n3,3\r\n4,y,"e\r\nf"\r\n', ['3 type 2,x,b', '4 ragged 3,3', '5 type 4,y,"e\r\nf"']],
    ['a byte order mark', '\ufeffid,amount,t\n1,1,a\n2,x,b\n3,3\n', ['3 type 2,x,b', '4 ragged 3,3']],
    ['blank lines', '\nid,amount,t\n\n1,1,a\n\n2,x,b\n\n3,3\n', ['6 type 2,x,b', '8 ragged 3,3']],
    ['quotes within a field', 'id,amount,t\n1,1,5" pipe\n2,x,6"\n3,3\n', ['3 type 2,x,6"', '4 ragged 3,3']],
    ['old Mac', 'id,amount,t\r1,1,a\r2,x,b\r3,3\r', ['3 type 2,x,b', '4 ragged 3,3']],
  ])('%s', async (_, text, expected) => {
    const land = landing()
    land.land('1.csv', text, 1)
    const table = only(await land.run())
    expect(table.errors).toEqual([])
    expect(table.rows).toMatchObject({ loaded: 1, rejected: expected.length })
    expect(await places(land)).toEqual(expected.map((one) => `1.csv ${one}`))
  })

  test.each([
    ['utf-16', (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['latin-1', (text: string) => Buffer.from(text, 'latin1')],
  ])('%s', async (encoding, encoded) => {
    const land = landing({ format_options: { encoding } })
    land.land('1.csv', encoded('id,amount,t\n1,1,\u00e9\n2,x,\u00e9\u00e9\n3,3\n4,4,a\n5,y,\u00fc\n'), 1)
    expect(only(await land.run())).toMatchObject({ errors: [], rows: { read: 5, loaded: 2, rejected: 3 } })
    expect(await places(land)).toEqual(['1.csv 3 type 2,x,\u00e9\u00e9', '1.csv 4 ragged 3,3', '1.csv 6 type 5,y,\u00fc'])
  })

  test('other delimiters, comments, lines to skip and a single column', async () => {
    const land = landing({ format_options: { delimiter: '|', comment: '#', skip: 1, quote: "'" } })
    land.land('1.csv', "made today\nid|amount|t\n# none\n1|1|'a|b'\n2|x|'c'\n# more\n3|3\n", 1)
    expect(only(await land.run())).toMatchObject({ errors: [], rows: { read: 3, loaded: 1, rejected: 2 } })
    expect(await places(land)).toEqual(["1.csv 5 type 2|x|'c'", '1.csv 7 ragged 3|3'])
    const single = landing({ columns: { id: 'BIGINT' } })
    single.land('1.csv', 'id\n1\n\nx\n2\n3,4\n', 1)
    expect(only(await single.run())).toMatchObject({ errors: [], rows: { read: 5, loaded: 3, rejected: 2 } })
    expect(await places(single)).toEqual(['1.csv 4 type x', '1.csv 6 ragged 3,4'])
  })

  test('numbers of the rows stay those of the file', async () => {
    const land = landing({ loading_strategy: 'merge', primary_keys: ['id'], metadata_columns: ['_file_row_number'] })
    land.land('1.csv', 'id,amount\n1,1\n2,x\n3\n4,4\n,5\n6,6\n,7\n8,z\n9,9\n', 1)
    expect(only(await land.run())).toMatchObject({ errors: [], rows: { read: 9, loaded: 4, rejected: 5 } })
    expect(await land.rows('id::varchar as id, _file_row_number::varchar as number, right(_sequence, 2) as sequence')).toEqual([
      { id: '1', number: '1', sequence: '00' },
      { id: '4', number: '4', sequence: '03' },
      { id: '6', number: '6', sequence: '05' },
      { id: '9', number: '9', sequence: '08' },
    ])
    expect((await rejected(land)).map(({ line, rule, raw }) => [line, rule, raw])).toEqual([
      ['3', 'type', '2,x'],
      ['4', 'ragged', '3'],
      ['6', 'key', ',5'],
      ['8', 'key', ',7'],
      ['9', 'type', '8,z'],
    ])
  })

  test('of many files with and without bad rows', async () => {
    const land = landing()
    for (let file = 0; file < 30; file += 1)
      land.land(
        `${String(file).padStart(2, '0')}.csv`,
        file % 3 === 0
          ? csvOf([
              ['1', '1'],
              ['2', `x${file}`],
              ['3', '3'],
            ])
          : csvOf([['4', '4']]),
        file,
      )
    expect(only(await land.run())).toMatchObject({ errors: [], files: { loaded: 30 }, rows: { read: 50, loaded: 40, rejected: 10 } })
    expect(await places(land)).toEqual(
      Array.from({ length: 10 }, (_, index) => `${String(3 * index).padStart(2, '0')}.csv 3 type 2,x${3 * index}`),
    )
  })
})
