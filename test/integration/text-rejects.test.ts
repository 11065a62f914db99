import { expect, test } from 'vitest'
import { list, query } from '../support/engine.ts'
import { Landing } from '../support/landing.ts'
import { activeFiles } from '../support/project.ts'
import { plainRows, workbook } from '../support/workbook.ts'
import { zipOf } from '../support/zip.ts'

/** Loads one file of four rows of which one or two are rejected; what became of them. */
async function rejected(table: Record<string, unknown>, name: string, content: string | Uint8Array) {
  const landing = new Landing({
    source_path_pattern: `*${name.slice(name.indexOf('.'))}`,
    max_bad_rows: 2,
    columns: { v: 'BIGINT' },
    ...table,
  })
  landing.land(name, content)
  const report = await landing.run()
  expect(report.tables[0]?.errors).toEqual([])
  const [file] = await landing.files()
  const quarantine = landing.path('tables/default/t__quarantine')
  const rows = await query(
    `select line, column_name, rule, raw from read_parquet(${list(activeFiles(quarantine))}, union_by_name = true) order by all`,
  )
  return {
    counts: [Number(file?.rows_read), Number(file?.rows_loaded), Number(file?.rows_rejected)],
    loaded: (await landing.rows('v')).map(({ v }) => v),
    rows,
  }
}

test('lines that are too short, and values that do not fit, are rejected with their lines', async () => {
  const options = {
    file_format: 'fixed_width',
    format_options: {
      fields: [
        { name: 'v', width: 3 },
        { name: 'w', width: 2 },
      ],
      comment: '#',
      skip: 1,
    },
  }
  const found = await rejected(options, 'a.txt', 'HEAD\n\n#  x\n  1ab\n  2\n\n  xcd\n  4ef\n')
  expect(found.counts).toEqual([4, 2, 2])
  expect(found.loaded).toEqual(['1', '4'])
  expect(found.rows.map((row) => Object.values(row))).toEqual([
    ['5', null, 'ragged', '  2'],
    ['7', 'v', 'type', '  xcd'],
  ])
})

test('lines that a pattern does not match are rejected, or passed over', async () => {
  const pattern = '(?<v>\\S+) (?<w>.*)'
  const strict = await rejected({ format_options: { pattern } }, 'a.log', '1 a\nnone\nx b\n2 c\n')
  expect(strict.counts).toEqual([4, 2, 2])
  expect(strict.rows.map((row) => Object.values(row))).toEqual([
    ['2', null, 'pattern', 'none'],
    ['3', 'v', 'type', 'x b'],
  ])
  const lenient = await rejected({ format_options: { pattern, on_mismatch: 'skip' } }, 'a.log', '1 a\nnone\nx b\n2 c\n')
  expect(lenient.counts).toEqual([4, 2, 1])
  expect(lenient.rows.map((row) => Object.values(row))).toEqual([['3', 'v', 'type', 'x b']])
})

test('rows of a sheet are rejected with their row', async () => {
  const found = await rejected({}, 'a.xlsx', workbook([{ name: 'S', rows: plainRows([['v'], [1], ['x'], [3]]) }]))
  expect(found.counts).toEqual([3, 2, 1])
  expect(found.rows.map((row) => Object.values(row))).toEqual([['3', 'v', 'type', '{"v":"x"}']])
})

test('records below a path are rejected without a line, since theirs is none of the file', async () => {
  const found = await rejected({ json_path: '$.r' }, 'a.json', '{\n"r":[\n{"v":1},\n{"v":"x"},\n{"v":3}]}')
  expect(found.counts).toEqual([3, 2, 1])
  expect(found.rows.map((row) => Object.values(row))).toEqual([[null, 'v', 'type', '{"v":"x"}']])
})

test('rows of a member of an archive are rejected, and the archive loads', async () => {
  const members = [
    { name: 'a.csv', content: 'v\n1\n' },
    { name: 'b.csv', content: 'v\nx\n3\n' },
  ]
  const found = await rejected({ file_format: 'csv' }, 'a.zip', zipOf(members))
  expect(found.counts).toEqual([3, 2, 1])
  expect(found.loaded).toEqual(['1', '3'])
})

test('an archive whose members differ in their columns rejects no rows, but fails', async () => {
  const landing = new Landing({ source_path_pattern: '*.zip', file_format: 'csv', max_bad_rows: 5, columns: { v: 'BIGINT' } })
  landing.land(
    'a.zip',
    zipOf([
      { name: 'a.csv', content: 'v\n1\nx\n' },
      { name: 'b.csv', content: 'v,w\n2,b\n' },
    ]),
    1,
  )
  landing.land(
    'b.zip',
    zipOf([
      { name: 'a.csv', content: 'v\n1\n' },
      { name: 'b.csv', content: 'v,w\n2,b\n' },
    ]),
    2,
  )
  await landing.run()
  expect((await landing.files()).map(({ status, error_message }) => [status, error_message?.split('/').at(-1)])).toEqual([
    ['failed', "a.zip!a.csv line 3, column v: 'x' is not a BIGINT"],
    ['completed', undefined],
  ])
  expect(await landing.rows('v')).toEqual([{ v: '1' }, { v: '2' }])
})

test('a value that does not fit is found in Latin-1, with its line', async () => {
  for (const [format, options] of [
    ['csv', { encoding: 'latin-1', header: true }],
    ['fixed_width', { encoding: 'latin-1', widths: [2, 2], names: ['v', 'w'], skip: 1 }],
  ] as const) {
    const landing = new Landing({ source_path_pattern: '*.txt', file_format: format, format_options: options, columns: { v: 'BIGINT' } })
    landing.land('a.txt', Buffer.from(format === 'csv' ? 'v,w\n1,é\nx,é\n' : 'v w\n1 é \nx é \n', 'latin1'))
    await landing.run()
    expect((await landing.files())[0]?.error_message).toMatch(/a\.txt line 3, column v: 'x' is not a BIGINT/)
  }
})
