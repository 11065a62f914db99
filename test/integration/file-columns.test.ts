import { describe, expect, test } from 'vitest'
import { query } from '../support/engine.ts'
import { Landing } from '../support/landing.ts'
import { logActions } from '../support/project.ts'

type Report = Awaited<ReturnType<Landing['run']>>

function errorsOf(report: Report): readonly (readonly [string, string])[] {
  return report.tables.flatMap(({ errors }) => errors.map(({ code, message }) => [code, message] as const))
}

function typesOf(landing: Landing): Record<string, string> {
  const text = logActions(landing.table).findLast(({ action }) => action['metaData'])?.action['metaData']?.['schemaString']
  const { fields } = JSON.parse(String(text)) as { fields: { name: string; type: string }[] }
  return Object.fromEntries(fields.map(({ name, type }) => [name, type]))
}

describe('metadata_columns', () => {
  test('true adds the path, name, size, modified time, row number and batch of every row', async () => {
    const landing = new Landing({ source_path_pattern: '**/*.csv', metadata_columns: true, audit_columns: false })
    const a = landing.land('a.csv', 'id\n1\n2\n', 1)
    const b = landing.land("sub/b'; drop.csv", 'id\n3\n', 2)
    expect((await landing.run()).totals).toMatchObject({ error: 0, files: 2, rows: 3 })
    const about = (path: string, size: string, second: string) => ({
      _file_path: path,
      _file_name: path.slice(path.lastIndexOf('/') + 1),
      _file_size: size,
      _file_modified_time: `2023-11-14 22:13:2${second}+00`,
      _batch_number: '1',
    })
    expect(await landing.rows('* replace (_file_modified_time::varchar as _file_modified_time)')).toEqual([
      { id: '1', ...about(a, '7', '1'), _file_row_number: '1' },
      { id: '2', ...about(a, '7', '1'), _file_row_number: '2' },
      { id: '3', ...about(b, '5', '2'), _file_row_number: '1' },
    ])
    landing.land('c.csv', 'id\n4\n', 3)
    await landing.run()
    expect(await landing.rows('_file_name, _batch_number')).toContainEqual({ _file_name: 'c.csv', _batch_number: '2' })
  })

  test('a list adds those alone, beside a selection of columns, and rename_columns names them', async () => {
    const landing = new Landing({
      metadata_columns: ['_file_size', '_file_name'],
      columns: ['id'],
      rename_columns: { _file_size: 'bytes' },
    })
    landing.land('a.csv', 'id,other\n1,x\n')
    await landing.run()
    expect(await landing.rows()).toEqual([{ id: '1', _file_name: 'a.csv', bytes: '13' }])
  })

  test.for([
    ['csv', (ids: readonly number[]) => `id\n${ids.join('\n')}\n`],
    ['ndjson', (ids: readonly number[]) => ids.map((id) => `{"id": ${id}}\n`).join('')],
    ['json', (ids: readonly number[]) => `[${ids.map((id) => `{"id": ${id}}`).join(',')}]`],
  ] as const)('rows of %s files are numbered as the files have them, many files at a time', async ([format, content]) => {
    const landing = new Landing({ source_path_pattern: `*.${format}`, metadata_columns: ['_file_row_number', '_file_name'] })
    const FILES = 5
    const ROWS = 40_000
    const ids = Array.from({ length: ROWS }, (_, index) => index + 1)
    for (let file = 1; file <= FILES; file += 1) landing.land(`${file}.${format}`, content(ids))
    expect((await landing.run()).totals).toMatchObject({ error: 0, rows: FILES * ROWS })
    expect(
      await landing.rows('count(*) as rows, count(*) filter (id = _file_row_number) as right_ones, count(distinct _file_name) as files'),
    ).toEqual([{ rows: String(FILES * ROWS), right_ones: String(FILES * ROWS), files: String(FILES) }])
  })

  test.for([
    ['append', { deduplicate: true }, { deduplicated: 1 }],
    ['merge', { primary_keys: ['id'], sequence_by: 'n' }, { unchanged: 1 }],
    ['scd2', { primary_keys: ['id'] }, { unchanged: 1 }],
  ] as const)('the same row from another file is the same row (%s)', async ([strategy, keys, rows]) => {
    const landing = new Landing({ loading_strategy: strategy, ...keys, metadata_columns: true, rename_columns: { _file_name: 'file' } })
    landing.land('a.csv', 'id,n\n1,1\n', 1)
    await landing.run()
    landing.land('b.csv', 'id,n\n1,1\n', 2)
    expect((await landing.run()).tables[0]?.rows).toMatchObject({ read: 1, inserted: 0, updated: 0, ...rows })
    expect(await landing.rows('id, file')).toEqual([{ id: '1', file: 'a.csv' }])
  })

  test('rows of Parquet files are numbered as the files have them', async () => {
    const landing = new Landing({ source_path_pattern: '*.parquet', metadata_columns: ['_file_row_number'] })
    landing.land('not-taken.txt', '')
    for (const file of ['a', 'b', 'c'])
      await query(
        `copy (select range + 1 as id from range(300000)) to '${landing.path('landing', `${file}.parquet`)}' (row_group_size 20000)`,
      )
    expect((await landing.run()).totals).toMatchObject({ error: 0, rows: 900_000 })
    expect(await landing.rows('count(*) filter (id = _file_row_number) as right_ones')).toEqual([{ right_ones: '900000' }])
  })

  test('a column of the file that has the name of an own one fails the file', async () => {
    const landing = new Landing({ metadata_columns: ['_file_size'] })
    landing.land('a.csv', '_file_size\n1\n')
    expect(errorsOf(await landing.run())).toMatchObject([['ING-FILE-DUPLICATE-COLUMN', expect.stringContaining('_file_size')]])
  })

  test('a file with a column file_index, and names that the engine would take for patterns', async () => {
    const landing = new Landing({ metadata_columns: ['_file_name'] })
    landing.land('a[1]*.csv', 'file_index\n7\n', 1)
    landing.land('b?.csv', 'file_index\n8\n', 2)
    expect((await landing.run()).totals).toMatchObject({ error: 0, rows: 2 })
    expect(await landing.rows()).toEqual([
      { file_index: '7', _file_name: 'a[1]*.csv' },
      { file_index: '8', _file_name: 'b?.csv' },
    ])
  })

  test('a table without evolution takes them with its first file', async () => {
    const landing = new Landing({ metadata_columns: ['_file_size'], schema_evolution: false, columns: { id: 'BIGINT' } })
    landing.land('a.csv', 'id\n1\n', 1)
    expect(errorsOf(await landing.run())).toEqual([])
    landing.land('b.csv', 'id\n2\n', 2)
    expect(errorsOf(await landing.run())).toEqual([])
    expect(await landing.rows()).toEqual([
      { id: '1', _file_size: '5' },
      { id: '2', _file_size: '5' },
    ])
  })
})

describe('path_columns', () => {
  test('named groups of a pattern become columns whose types are inferred, and partition the table', async () => {
    const landing = new Landing({
      source_path_pattern: '**/*.csv',
      path_columns: '/(?<region>[a-z]+)/year=(?<year>\\d+)/(?<code>\\d+)_(?<day>\\d{4}-\\d\\d-\\d\\d)\\.csv$',
      partition_columns: ['year', 'region'],
    })
    landing.land('eu/year=2023/007_2023-01-31.csv', 'id\n1\n', 1)
    landing.land('us/year=2024/008_2024-02-29.csv', 'id\n2\n', 2)
    expect((await landing.run()).totals).toMatchObject({ error: 0, rows: 2 })
    expect(typesOf(landing)).toMatchObject({ id: 'long', region: 'string', year: 'long', code: 'string', day: 'date' })
    const rows = 'id, region, year, code, day::varchar as day'
    expect(await landing.rows(rows)).toEqual([
      { id: '1', region: 'eu', year: '2023', code: '007', day: '2023-01-31' },
      { id: '2', region: 'us', year: '2024', code: '008', day: '2024-02-29' },
    ])
    const added = logActions(landing.table).flatMap(({ action }) => (action['add'] ? [action['add']['partitionValues']] : []))
    expect(added).toHaveLength(2)
    expect(added).toContainEqual({ year: '2023', region: 'eu' })
  })

  test('folders name=value: the deepest counts, escapes are undone, what Hive writes for null is null', async () => {
    const landing = new Landing({ source_path_pattern: '**/*.csv', path_columns: ['country', 'note'], columns: { country: 'VARCHAR' } })
    landing.land("country=at/note=a%2Fb 100%/country=it's/1.csv", 'id\n1\n', 1)
    landing.land('Country=de/NOTE=__HIVE_DEFAULT_PARTITION__/2.csv', 'id\n2\n', 2)
    landing.land('country=/note=%20x%3Dy/3.csv', 'id\n3\n', 3)
    expect((await landing.run()).totals).toMatchObject({ error: 0, rows: 3 })
    expect(await landing.rows('id, country, note')).toEqual([
      { id: '1', country: "it's", note: 'a%2Fb 100%' },
      { id: '2', country: 'de', note: null },
      { id: '3', country: null, note: ' x=y' },
    ])
  })

  test('patterns by column: the group of its name, else the first, else the match; a group that takes no part is null', async () => {
    const landing = new Landing({
      path_columns: { kind: '[a-z]+(?=-)', number: '-(\\d+)', part: '(?:\\.(?<part>p\\d))?\\.csv$' },
    })
    landing.land('order-12.p3.csv', 'id\n1\n', 1)
    landing.land('sale-13.csv', 'id\n2\n', 2)
    await landing.run()
    expect(await landing.rows('id, kind, number, part')).toMatchObject([
      { id: '1', number: '12', part: 'p3' },
      { id: '2', number: '13', part: null },
    ])
  })

  test('types are given under columns, and a value that is not of its type fails its file alone', async () => {
    const landing = new Landing({
      path_columns: { amount: '^.*/([^/]*)\\.csv$' },
      columns: { amount: 'DECIMAL(6,2)' },
    })
    landing.land('1.25.csv', 'id\n1\n', 1)
    landing.land('2.csv', 'id\n2\n', 2)
    const rounded = landing.land('3.125.csv', 'id\n3\n', 3)
    const text = landing.land("x'y.csv", 'id\n4\n', 4)
    expect(errorsOf(await landing.run())).toEqual([
      ['ING-FILE-PATH', `${rounded}: column amount of its path: '3.125' is not DECIMAL(6,2)`],
      ['ING-FILE-PATH', `${text}: column amount of its path: 'x'y' is not DECIMAL(6,2)`],
    ])
    expect(typesOf(landing)).toMatchObject({ amount: 'decimal(6,2)' })
    expect(await landing.rows('id, amount::varchar as amount')).toEqual([
      { id: '1', amount: '1.25' },
      { id: '2', amount: '2.00' },
    ])
  })

  test("the table's type stays: a later value that does not fit it fails", async () => {
    const landing = new Landing({ source_path_pattern: '**/*.csv', path_columns: ['year'] })
    landing.land('year=2024/a.csv', 'id\n1\n', 1)
    await landing.run()
    const late = landing.land('year=unknown/b.csv', 'id\n2\n', 2)
    landing.land('year=2025/c.csv', 'id\n3\n', 3)
    expect(errorsOf(await landing.run())).toEqual([['ING-FILE-PATH', `${late}: column year of its path: 'unknown' is not BIGINT`]])
    expect(await landing.rows('id, year')).toEqual([
      { id: '1', year: '2024' },
      { id: '3', year: '2025' },
    ])
  })

  test('a path that does not tell a column fails its file alone, with a way out', async () => {
    const landing = new Landing({ source_path_pattern: '**/*.csv', path_columns: ['year'] })
    const bare = landing.land('a.csv', 'id\n1\n', 1)
    landing.land('year=2024/b.csv', 'id\n2\n', 2)
    const report = await landing.run()
    expect(errorsOf(report)).toEqual([['ING-FILE-PATH', `${bare}: no folder of its path is named year=…, so that column year is not told`]])
    expect(report.tables[0]?.files).toMatchObject({ loaded: 1, failed: 1 })
    const optional = { path_columns: '(?:year=(?<year>\\d+)/.*)?\\.csv$' }
    await landing.use((ingest) => ingest.retry({ paths: [bare] }), optional)
    expect(errorsOf(await landing.run({}, optional))).toEqual([])
    expect(await landing.rows('id, year')).toEqual([
      { id: '1', year: null },
      { id: '2', year: '2024' },
    ])
  })

  test('a key of a merge, and what delete_when asks', async () => {
    const landing = new Landing({
      source_path_pattern: '**/*.csv',
      loading_strategy: 'merge',
      primary_keys: ['shop', 'id'],
      path_columns: ['shop', 'op'],
      delete_when: "op = 'gone'",
    })
    landing.land('shop=a/op=new/1.csv', 'id,n\n1,x\n2,y\n', 1)
    landing.land('shop=b/op=new/1.csv', 'id,n\n1,z\n', 2)
    landing.land('shop=a/op=gone/2.csv', 'id\n1\n', 3)
    expect(errorsOf(await landing.run())).toEqual([])
    expect(await landing.rows('shop, id, n')).toEqual([
      { shop: 'a', id: '2', n: 'y' },
      { shop: 'b', id: '1', n: 'z' },
    ])
  })

  test('a dry run names them as new columns', async () => {
    const landing = new Landing({ source_path_pattern: '**/*.csv', path_columns: ['year'], audit_columns: false })
    landing.land('year=2024/a.csv', 'id\n1\n')
    const report = await landing.use((ingest) => ingest.run({ dryRun: true }))
    expect(report.tables[0]?.plan?.schema_change).toMatchObject([
      { column: 'id', type: 'BIGINT' },
      { column: 'year', type: 'BIGINT' },
    ])
  })
})
