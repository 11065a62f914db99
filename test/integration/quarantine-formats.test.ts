import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { query } from '../support/engine.ts'
import { Landing } from '../support/landing.ts'
import { plainRows, workbook } from '../support/workbook.ts'

interface Quarantined {
  readonly id: string
  readonly line: number | null
  readonly row_number: number | null
  readonly reason: string
  readonly raw: string | null
}

const COLUMNS = { columns: { id: 'BIGINT', amount: 'DOUBLE' }, max_bad_rows: 10, metadata_columns: ['_file_row_number'] }

async function quarantined(landing: Landing): Promise<readonly Quarantined[]> {
  return landing.use(async (ingest) => {
    const rows: Quarantined[] = []
    for await (const row of ingest.quarantined()) rows.push(row)
    return rows
  })
}

/** Exports the quarantine, mends each text, and takes it back in. */
async function mend(landing: Landing, change: (raw: string, id: string) => string) {
  const path = landing.path('mended.ndjson')
  rmSync(path, { force: true })
  return landing.use(async (ingest) => {
    await ingest.exportQuarantine(path)
    const rows = readFileSync(path, 'utf8').trim().split('\n')
    const mended = rows.map((line) => {
      const row = JSON.parse(line) as { id: string; raw?: string }
      return JSON.stringify({ ...row, raw: change(row.raw ?? '', row.id) })
    })
    writeFileSync(path, `${mended.join('\n')}\n`)
    return ingest.resubmit(path)
  })
}

async function counts(landing: Landing): Promise<readonly string[]> {
  return (await landing.files()).map((file) => `${file.rows_read} = ${file.rows_loaded} + ${file.rows_rejected}`)
}

const rowsOf = (landing: Landing) => landing.rows('id, amount, _file_row_number as row')

test('three bad rows of a thousand are quarantined, exported, mended and resubmitted: the table has a thousand, each with its file and row', async () => {
  const landing = new Landing({ ...COLUMNS, columns: { ...COLUMNS.columns, note: 'VARCHAR' }, max_bad_rows: '1%' })
  const bad = new Map([
    [101, '"12,5"'],
    [500, 'much'],
    [899, '?'],
  ])
  // Every hundredth record stands on two lines.
  const record = (id: number) => `${id},${bad.get(id) ?? id / 4},${id % 100 === 0 ? `"two\nlines ${id}"` : `note ${id}`}`
  const file = landing.land('may.csv', `id,amount,note\n${Array.from({ length: 1000 }, (_, id) => record(id)).join('\n')}\n`)
  const report = await landing.run()
  expect(report.tables[0]).toMatchObject({ status: 'warn', rows: { read: 1000, loaded: 997, rejected: 3 } })
  expect(await quarantined(landing)).toMatchObject([
    { id: 'default.t/1-1', line: 105, row_number: 102, raw: '101,"12,5",note 101' },
    { id: 'default.t/1-2', line: 507, row_number: 501, raw: '500,much,"two\nlines 500"' },
    { id: 'default.t/1-3', line: 910, row_number: 900, raw: '899,?,note 899' },
  ])
  // By way of CSV, as an editor would: and the landing file is gone by then.
  const path = landing.path('mend.csv')
  await landing.use((ingest) => ingest.exportQuarantine(path))
  writeFileSync(
    path,
    readFileSync(path, 'utf8').replace('""12,5"",note', '12.5,note').replace('500,much,', '500,99.5,').replace('899,?,', '899,1e3,'),
  )
  rmSync(file)
  expect(await landing.use((ingest) => ingest.resubmit(path))).toMatchObject([{ rows: { resubmitted: 3, loaded: 3, rejected: 0 } }])
  const [whole] = await landing.rows(`count(*) as rows, count(distinct id) as ids, min(_source_file) as first, max(_source_file) as last,
    count(*) filter (_file_row_number = id + 1) as placed, count(*) filter (amount = id / 4.0) as kept`)
  expect(whole).toEqual({ rows: '1000', ids: '1000', first: file, last: file, placed: '1000', kept: '997' })
  expect(await landing.rows('id, amount, note')).toContainEqual({ id: '500', amount: 99.5, note: 'two\nlines 500' })
  expect(await counts(landing)).toEqual(['1000 = 1000 + 0'])
  expect(await quarantined(landing)).toEqual([])
})

test('a text that is still bad stays with its new reason and text; what is no single record is refused by name', async () => {
  const landing = new Landing(COLUMNS)
  landing.land('a.csv', 'id,amount\n1,x\n2,2\n3,y\n')
  await landing.run()
  expect(await mend(landing, (raw) => raw.replace('x', '1').replace('y', 'z'))).toMatchObject([{ rows: { loaded: 1, rejected: 1 } }])
  expect(await quarantined(landing)).toMatchObject([
    { id: 'default.t/1-2', line: 4, row_number: 3, raw: '3,z', reason: expect.stringContaining('z') },
  ])
  await expect(mend(landing, () => '3,3\n4,4')).rejects.toThrow('the text is not one record: default.t/1-2')
  await expect(mend(landing, () => '3,"3')).rejects.toThrow('the text is not one record: default.t/1-2')
  await mend(landing, () => '3,3')
  expect(await rowsOf(landing)).toEqual([1, 2, 3].map((id) => ({ id: String(id), amount: id, row: String(id) })))
  expect(await counts(landing)).toEqual(['3 = 3 + 0'])
})

test('each text is read by the columns of its own file', async () => {
  const landing = new Landing(COLUMNS)
  landing.land('a.csv', 'id,amount\n1,x\n', 1)
  landing.land('b.csv', 'amount,id\ny,2\n', 2)
  await landing.run()
  await mend(landing, (raw) => raw.replace('x', '10').replace('y', '20'))
  expect(await rowsOf(landing)).toEqual([
    { id: '1', amount: 10, row: '1' },
    { id: '2', amount: 20, row: '1' },
  ])
  expect(await counts(landing)).toEqual(['1 = 1 + 0', '1 = 1 + 0'])
})

const SHAPES: readonly (readonly [string, { table: Record<string, unknown>; name: string; content: string | Uint8Array }])[] = [
  [
    'semicolons and single quotes',
    { table: { format_options: { delimiter: ';', quote: "'" } }, name: 'a.csv', content: "id;amount\n1;1\n2;'x'\n" },
  ],
  ['no header', { table: { format_options: { header: false } }, name: 'a.csv', content: '1,1\n2,x\n' }],
  ['lines before the header', { table: { format_options: { skip: 2 } }, name: 'a.csv', content: 'one\ntwo\nid,amount\n1,1\n2,x\n' }],
  ['a footer', { table: { format_options: { skip_footer: 1 } }, name: 'a.csv', content: 'id,amount\n1,1\n2,x\ntotal,2\n' }],
  ['CRLF', { table: {}, name: 'a.csv', content: 'id,amount\r\n1,1\r\n2,x\r\n' }],
  ['gzip', { table: {}, name: 'a.csv.gz', content: gzipSync('id,amount\n1,1\n2,x\n') }],
  ['NDJSON', { table: { source_path_pattern: '*.ndjson' }, name: 'a.ndjson', content: '{"id":1,"amount":1}\n{"id":2,"amount":"x"}\n' }],
  ['a JSON array', { table: { source_path_pattern: '*.json' }, name: 'a.json', content: '[{"id":1,"amount":1},{"id":2,"amount":"x"}]' }],
  [
    'JSON with a path',
    {
      table: { source_path_pattern: '*.json', json_path: '$.items' },
      name: 'a.json',
      content: '{"items":[{"id":1,"amount":1},{"id":2,"amount":"x"}]}',
    },
  ],
]

test.each(SHAPES)('%s: a mended row comes back', async (_, { table, name, content }) => {
  const landing = new Landing({ ...COLUMNS, ...table })
  landing.land(name, content)
  expect((await landing.run()).tables[0]).toMatchObject({ rows: { loaded: 1, rejected: 1 }, errors: [] })
  expect(await mend(landing, (raw) => raw.replace('"x"', '2').replace('x', '2'))).toMatchObject([{ rows: { loaded: 1, rejected: 0 } }])
  expect(await rowsOf(landing)).toEqual([
    { id: '1', amount: 1, row: '1' },
    { id: '2', amount: 2, row: '2' },
  ])
  expect(await counts(landing)).toEqual(['2 = 2 + 0'])
})

test('a record of Parquet is mended as JSON', async () => {
  const landing = new Landing({ source_path_pattern: '*.parquet', loading_strategy: 'merge', primary_keys: ['id'], max_bad_rows: 1 })
  landing.land('empty', '')
  const path = landing.path('landing', 'a.parquet')
  await query(`copy (select * from (values (1::bigint, 1.5), (null, 2.5)) as t(id, amount)) to '${path}' (format parquet)`)
  await landing.run()
  expect(await quarantined(landing)).toMatchObject([{ row_number: 2, raw: null }])
  expect(await mend(landing, () => '{"id": null, "amount": 2.5}')).toMatchObject([{ rows: { loaded: 0, rejected: 1 } }])
  expect(await quarantined(landing)).toMatchObject([{ id: 'default.t/1-1', row_number: 2, raw: null }])
  expect(await mend(landing, () => '{"id": 2, "amount": 2.5}')).toMatchObject([{ rows: { loaded: 1, rejected: 0 } }])
  expect(await landing.rows('id')).toEqual([{ id: '1' }, { id: '2' }])
})

test('a row of a workbook comes back, and its file is told by its row', async () => {
  const landing = new Landing({ ...COLUMNS, source_path_pattern: '*.xlsx' })
  const cells = [
    ['id', 'amount'],
    [1, 1],
    [2, 'x'],
  ]
  landing.land('a.xlsx', workbook([{ name: 'S', rows: plainRows(cells) }]))
  expect((await landing.run()).tables[0]).toMatchObject({ rows: { loaded: 1, rejected: 1 }, errors: [] })
  const [row] = await quarantined(landing)
  expect(await mend(landing, (raw) => (raw === '' ? '{"id": 2, "amount": 2}' : raw.replace('x', '2')))).toMatchObject([
    { rows: { loaded: 1, rejected: 0 } },
  ])
  expect(row).toMatchObject({ row_number: 2 })
  expect(await rowsOf(landing)).toEqual([
    { id: '1', amount: 1, row: '1' },
    { id: '2', amount: 2, row: '2' },
  ])
  expect(await counts(landing)).toEqual(['2 = 2 + 0'])
})

test('a mended version of a key lands in its place in a history', async () => {
  const landing = new Landing({
    loading_strategy: 'scd2',
    primary_keys: ['id'],
    sequence_by: 'at',
    columns: { id: 'BIGINT', amount: 'BIGINT', at: 'DATE' },
    max_bad_rows: 1,
  })
  landing.land('a.csv', 'id,amount,at\n1,1,2024-01-01\n1,x,2024-01-02\n1,3,2024-01-03\n')
  await landing.run()
  expect(await mend(landing, (raw) => raw.replace('x', '2'))).toMatchObject([{ rows: { loaded: 1, rejected: 0 } }])
  expect(await landing.rows('amount, effective_date::varchar as since, end_date::varchar as until, is_current as now')).toEqual([
    { amount: '1', since: '2024-01-01', until: '2024-01-02', now: false },
    { amount: '2', since: '2024-01-02', until: '2024-01-03', now: false },
    { amount: '3', since: '2024-01-03', until: null, now: true },
  ])
})

test('true values of masked columns are nowhere in quarantine, and a mended record is masked', async () => {
  const landing = new Landing({ ...COLUMNS, columns: { ...COLUMNS.columns, email: 'VARCHAR' }, mask: { email: 'redact' } })
  landing.land('a.csv', 'id,amount,email\n1,1,secret-1\n2,x,secret-2\n')
  await landing.run()
  expect(await quarantined(landing)).toMatchObject([{ raw: null }])
  await mend(landing, () => '{"id": 2, "amount": "y", "email": "secret-2"}')
  expect(JSON.stringify(await quarantined(landing))).not.toContain('secret')
  await mend(landing, () => '{"id": 2, "amount": 2, "email": "secret-2"}')
  const rows = await landing.rows('id, amount, email')
  expect(rows).toHaveLength(2)
  expect(JSON.stringify(rows)).not.toContain('secret')
  expect(await counts(landing)).toEqual(['2 = 2 + 0'])
})

test('a snapshot takes its mended rows back as long as it is the current one', async () => {
  const landing = new Landing({ ...COLUMNS, loading_strategy: 'overwrite' })
  landing.land('a.csv', 'id,amount\n1,1\n2,x\n', 1)
  await landing.run()
  await mend(landing, (raw) => raw.replace('x', '2'))
  expect(await rowsOf(landing)).toHaveLength(2)
  landing.land('b.csv', 'id,amount\n3,x\n4,4\n', 2)
  await landing.run()
  expect((await quarantined(landing)).map(({ id }) => id)).toEqual(['default.t/3-1'])
  await mend(landing, (raw) => raw.replace('x', '3'))
  expect((await rowsOf(landing)).map(({ id }) => id)).toEqual(['3', '4'])
})

test('a transform, and columns of the path, make of a mended row what they make of all', async () => {
  const landing = new Landing({
    ...COLUMNS,
    columns: { amount: 'DOUBLE', place: 'VARCHAR' },
    source_path_pattern: '**/*.csv',
    path_columns: ['place'],
    transform: { sql: 'select * replace (amount * 2 as amount) from records' },
  })
  landing.land('place=north/a.csv', 'id,amount\n1,1\n')
  await landing.run()
  landing.land('place=south/b.csv', 'id,amount\n2,2\n3,x\n')
  const report = await landing.run()
  // What a transform fails on is nobody's row: then the file fails, and there is nothing to mend.
  if (report.tables[0]?.rows.rejected === 0) return expect(report.tables[0].status).toBe('error')
  await mend(landing, (raw) => raw.replace('x', '3'))
  expect(await landing.rows('amount, place')).toContainEqual({ amount: 6, place: 'south' })
})
