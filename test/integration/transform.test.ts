import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { query } from '../support/engine.ts'
import { Landing } from '../support/landing.ts'

type Report = Awaited<ReturnType<Landing['run']>>

function errorsOf(report: Report): readonly string[] {
  return report.tables.flatMap(({ errors }) => errors.map(({ code, message }) => `${code} ${message}`))
}

function transforming(sql: string, table: Record<string, unknown> = {}, params: Record<string, unknown> = {}): Landing {
  return new Landing({ transform: { sql, params }, ...table })
}

describe('a transform', () => {
  test('makes the rows that are loaded, with its parameters bound as values', async () => {
    const landing = transforming(
      'select id, upper(name) as name, $label as label, $flag as flag from records where amount >= $minimum and name <> $odd',
      {},
      { minimum: 10, label: "it's $minimum; drop", flag: true, odd: "' or true --" },
    )
    landing.land('a.csv', 'id,name,amount\n1,x,5\n2,y,10\n3,z,11.5\n')
    const report = await landing.run()
    expect(errorsOf(report)).toEqual([])
    expect(report.tables[0]?.rows).toMatchObject({ read: 3, loaded: 2, filtered: 1, rejected: 0 })
    expect(await landing.rows()).toEqual([
      { id: '2', name: 'Y', label: "it's $minimum; drop", flag: true },
      { id: '3', name: 'Z', label: "it's $minimum; drop", flag: true },
    ])
    expect((await landing.files())[0]).toMatchObject({ rows_read: 3, rows_loaded: 2, rows_filtered: 1 })
  })

  test('sees one file at a time, whatever the query; rows that it adds and drops are balanced for each file', async () => {
    for (const [sql, wanted] of [
      [
        'select k, sum(n) as n, count(*) as rows from records group by k',
        [
          ['a.csv', 'x', '3', '2'],
          ['a.csv', 'y', '4', '1'],
          ['b.csv', 'x', '5', '1'],
        ],
      ],
      [
        'select * from (with best as (select k, max(n) as n from records group by k) select b.k, b.n, (select count(*) from records) as rows from best b)',
        [
          ['a.csv', 'x', '2', '3'],
          ['a.csv', 'y', '4', '3'],
          ['b.csv', 'x', '5', '1'],
        ],
      ],
      [
        'select k, n, row_number() over (order by n desc) as rows from records qualify rows = 1',
        [
          ['a.csv', 'y', '4', '1'],
          ['b.csv', 'x', '5', '1'],
        ],
      ],
      [
        'select k, n, unnest([1, 2]) as rows from records where n > 3',
        [
          ['a.csv', 'y', '4', '1'],
          ['a.csv', 'y', '4', '2'],
          ['b.csv', 'x', '5', '1'],
          ['b.csv', 'x', '5', '2'],
        ],
      ],
      [
        'select distinct k, 0 as n, 0 as rows from records order by k limit 1',
        [
          ['a.csv', 'x', '0', '0'],
          ['b.csv', 'x', '0', '0'],
        ],
      ],
    ] as const) {
      const landing = transforming(sql)
      landing.land('a.csv', 'k,n\nx,1\nx,2\ny,4\n', 1)
      landing.land('b.csv', 'k,n\nx,5\n', 2)
      const report = await landing.run()
      expect(errorsOf(report), sql).toEqual([])
      const rows = await landing.rows('parse_filename(_source_file) as file, k, n, rows')
      expect(
        rows.map((row) => Object.values(row).map(String)),
        sql,
      ).toEqual(wanted)
      for (const file of await landing.files()) {
        const made = wanted.filter(([name]) => file.file_path.endsWith(name)).length
        const read = file.file_path.endsWith('a.csv') ? 3 : 1
        expect(file, sql).toMatchObject({ rows_read: read, rows_loaded: made, rows_filtered: Math.max(0, read - made), rows_rejected: 0 })
      }
    }
  })

  test.for(['csv', 'ndjson', 'parquet'] as const)('takes %s files, and rows in their order', async (format) => {
    const landing = transforming('select *, id % 2 = 0 as even from records where id <> 7', {
      source_path_pattern: `*.${format}`,
      loading_strategy: 'merge',
      primary_keys: ['key'],
    })
    landing.land('not-taken.txt', '')
    const options = { csv: '(format csv, header)', ndjson: '(format json)', parquet: '(format parquet)' }[format]
    for (const file of [1, 2])
      await query(
        `copy (select range as id, range % 1000 as key, ${file} as file from range(30000)) to '${landing.path('landing', `${file}.${format}`)}' ${options}`,
      )
    expect(errorsOf(await landing.run())).toEqual([])
    expect(await landing.rows('count(*) as rows, min(id) as least, max(id) as most, count(*) filter (even) as even')).toEqual([
      { rows: '1000', least: '29000', most: '29999', even: '500' },
    ])
    expect((await landing.files()).map(({ rows_filtered }) => rows_filtered)).toEqual([1, 1])
  })

  test('stands in a file of its own, and works with columns of files, masks and every later step', async () => {
    const landing = new Landing(
      {
        source_path_pattern: '**/*.csv',
        transform: { file: 'clean.sql' },
        path_columns: ['country'],
        mask: { email: 'redact' },
        rename_columns: { num: 'number' },
        partition_columns: ['country'],
        metadata_columns: ['_file_row_number'],
      },
      {},
    )
    const file = landing.path('clean.sql')
    writeFileSync(
      file,
      '-- cleans\nselect lower(email) as email, split_part(email, chr(64), 2) as domain, num, country,\n  _file_row_number as line\nfrom records\nwhere num is not null;\n',
    )
    landing.config['tables'] = (landing.config['tables'] as Record<string, unknown>[]).map((table) => ({ ...table, transform: { file } }))
    landing.land('country=at/a.csv', 'email,num\nA@x.at,1\nB@x.at,\n\nC@x.at,3\n')
    expect(errorsOf(await landing.run())).toEqual([])
    expect(await landing.rows('email, domain, number, country, line')).toEqual([
      { email: '***', domain: 'x.at', number: '1', country: 'at', line: '1' },
      { email: '***', domain: 'x.at', number: '3', country: 'at', line: '3' },
    ])
  })

  test('reads files by types that are found once; what a later file lacks is null, what it adds is there', async () => {
    const landing = transforming('select * from records')
    landing.land('a.csv', 'id,code\n1,007\n', 1)
    await landing.run()
    landing.land('b.csv', 'id,more\n2,x\n', 2)
    landing.land('c.csv', 'id,code\n3,8\n', 3)
    landing.land('d.csv', 'id,code\nx,9\n', 4)
    expect(errorsOf(await landing.run())).toEqual([
      expect.stringMatching(/^ING-FILE-VALUE .*d\.csv line 2, column id: 'x' is not a BIGINT$/),
    ])
    expect(await landing.rows()).toEqual([
      { id: '1', code: '007', more: null },
      { id: '2', code: null, more: 'x' },
      { id: '3', code: '8', more: null },
    ])
  })

  test('a file on whose rows it fails is set aside by itself, and its neighbours load', async () => {
    const landing = transforming('select id,\n  text::integer as number\nfrom records')
    landing.land('a.csv', 'id,text\n1,x1\n', 1)
    landing.land('b.csv', 'id,text\n2,22\n', 2)
    const report = await landing.run({}, { columns: { text: 'VARCHAR' } })
    expect(errorsOf(report)).toEqual([
      expect.stringMatching(
        /^ING-FILE-TRANSFORM .*a\.csv: transform\.sql line 2, column 3: Conversion Error: Could not convert string 'x1' to INT32/,
      ),
    ])
    expect(report.tables[0]?.files).toMatchObject({ loaded: 1, failed: 1 })
    const masked = await landing.use(
      async (ingest) => {
        await ingest.retry({})
        return ingest.run()
      },
      {
        columns: { text: 'VARCHAR' },
        transform: { sql: 'select id, text::integer as number, text from records' },
        mask: { text: 'redact' },
      },
    )
    expect(errorsOf(masked).join()).toContain('ING-FILE-TRANSFORM')
    expect(errorsOf(masked).join()).not.toContain('x1')
  })

  test('a dry run tells of it, of the columns that it makes and of rows that it drops', async () => {
    const landing = transforming('select id, id * 2 as twice from records where id > 1', { audit_columns: false })
    landing.land('a.csv', 'id\n1\n2\n')
    const report = await landing.use((ingest) => ingest.run({ dryRun: true, verbose: true }))
    expect(errorsOf(report)).toEqual([])
    expect(report.tables[0]?.plan).toMatchObject({
      transform: 'transform.sql',
      schema_change: [
        { column: 'id', type: 'BIGINT' },
        { column: 'twice', type: 'BIGINT' },
      ],
      rows: { read: 2, loaded: 1, filtered: 1 },
    })
  })

  test.for([
    ['select id,\n  oops\nfrom records', ' line 2, column 3: Referenced column "oops" not found in FROM clause!'],
    ['select id from records\n\n where where', ' line 3, column 8: syntax error at or near "where"'],
    ['select /* ä */ id, nofunction(id) from records', ' line 1, column 20: Scalar Function with name nofunction does not exist!'],
    ["select *\nfrom '/etc/passwd'", ' line 2, column 6: there is no relation "/etc/passwd": only records can be read'],
    ["select * from read_csv('/etc/passwd')", ' line 1, column 15: read_csv is not possible here: only records can be read'],
    ["select (select content from read_text('/etc/passwd')) from records", 'read_text is not possible here'],
    ['select * from other.records', 'there is no relation "records"'],
    ['select * from duckdb_settings()', 'duckdb_settings is not possible here'],
    ["select getvariable('x') from records", 'getvariable is not possible here: it tells what is not in the rows'],
    ["select current_setting('temp_directory') from records", 'current_setting is not possible here'],
    ['select * from records where random() < 0.5', 'random is not possible here: it gives another value each time'],
    ['select * from records using sample 1', 'a sample is another one each time'],
    ['select * from "/etc/hosts.csv", (with "/etc/hosts.csv" as (select 1) select 1)', 'there is no relation "/etc/hosts.csv"'],
    ['from (show tables)', 'only records can be read'],
    ['select 1; select 2', 'it is more than one query'],
    ["copy records to '/tmp/x'", 'it must be a SELECT'],
    ['insert into records select 1', 'it must be a SELECT'],
    ['select $who from records', 'params has no who, which the query asks for as $who'],
    ['select ? from records', 'parameters are written $name'],
    ['select __path from records', 'there is no column __path'],
    ['select id as __path from records', 'the column name __path is reserved'],
  ] as const)('%j is refused, and the files wait', async ([sql, message]) => {
    const landing = transforming(sql)
    landing.land('a.csv', 'id\n1\n')
    const report = await landing.run()
    expect(errorsOf(report)).toHaveLength(1)
    expect(errorsOf(report)[0]).toMatch(/^ING-TABLE-TRANSFORM default\.t: transform\.sql/)
    expect(errorsOf(report)[0]).toContain(message)
    expect(await landing.states()).toEqual(['a.csv pending'])
  })

  test('a parameter that the query does not use is a mistake', async () => {
    const landing = transforming('select * from records', {}, { minimum: 1 })
    landing.land('a.csv', 'id\n1\n')
    expect(errorsOf(await landing.run())[0]).toContain('params.minimum is not used in it')
  })

  test('constants of any size stay what they are', async () => {
    const landing = transforming(
      'select id, 9007199254740993 as big, 0.1::decimal(3,2) as exact, $n as n, typeof(1.5e0) as t from records',
      {},
      { n: 2.5 },
    )
    landing.land('a.csv', 'id\n1\n')
    expect(errorsOf(await landing.run())).toEqual([])
    expect(await landing.rows('id, big::varchar as big, exact::varchar as exact, n, t')).toEqual([
      { id: '1', big: '9007199254740993', exact: '0.10', n: 2.5, t: 'DOUBLE' },
    ])
  })
})
