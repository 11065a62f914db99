import { expect, test } from 'vitest'
import { Landing } from '../support/landing.ts'

const counts = async (landing: Landing) =>
  (await landing.files()).map(({ status, error_message, rows_read, rows_loaded, rows_filtered }) =>
    status === 'completed'
      ? [Number(rows_read), Number(rows_loaded), Number(rows_filtered)]
      : error_message?.replace(landing.path('landing/'), ''),
  )

test('lines that a pattern does not match are counted as filtered', async () => {
  const pattern = '(?<at>\\S+) (?<level>\\w+) (?<message>.*)'
  const landing = new Landing({ source_path_pattern: '*.log', format_options: { pattern, on_mismatch: 'skip', comment: '#' } })
  landing.land('a.log', '2024-01-31T10:00:00Z INFO started\nTraceback\n# x\n2024-01-31T10:00:01Z WARN slow\n')
  landing.land('b.log.gz', '')
  const report = await landing.run()
  expect(report.tables[0]?.errors).toEqual([])
  expect(await landing.rows('level, message')).toEqual([
    { level: 'INFO', message: 'started' },
    { level: 'WARN', message: 'slow' },
  ])
  expect(await counts(landing)).toEqual([
    [3, 2, 1],
    [0, 0, 0],
  ])
})

test('fixed-width files load beside one that is short, with types of the config', async () => {
  const fields = [
    { name: 'id', width: 3 },
    { name: 'name', width: 4 },
    { name: 'amount', width: 6 },
  ]
  const landing = new Landing({
    source_path_pattern: '*.txt',
    file_format: 'fixed_width',
    format_options: { fields, comment: '*' },
    columns: { amount: 'DECIMAL(10,2)' },
    metadata_columns: ['_file_row_number'],
  })
  landing.land('a.txt', '*HEAD\n  1ab    1.50\n\n  2cd   12.25\n*END\n', 1)
  landing.land('short.txt', '  3ab    1.50\n  4cd\n', 2)
  await landing.run()
  expect(await landing.rows('id, name, amount, _file_row_number::int as n')).toEqual([
    { id: '1', name: 'ab', amount: '1.50', n: 1 },
    { id: '2', name: 'cd', amount: '12.25', n: 2 },
  ])
  expect(await counts(landing)).toEqual([[2, 2, 0], 'short.txt line 2: 5 characters, a record has 13'])
})

test('a key that is null in a line is rejected with its line', async () => {
  const landing = new Landing({
    source_path_pattern: '*.txt',
    file_format: 'fixed_width',
    format_options: { widths: [3, 4], names: ['id', 'name'] },
    loading_strategy: 'merge',
    primary_keys: ['id'],
  })
  landing.land('a.txt', '  1ab  \n\n   cd  \n')
  await landing.run()
  expect((await counts(landing))[0]).toMatch(/a\.txt.*line 3.*the key id is null/)
})

test.each(['json', 'ndjson'])('%s: records at a path load with their nested fields as columns', async (format) => {
  const landing = new Landing({
    source_path_pattern: '*.data',
    file_format: format,
    json_path: '$.result.items',
    format_options: { flatten: true },
    loading_strategy: 'merge',
    primary_keys: ['id'],
  })
  landing.land('1.data', '{"page":1,"result":{"items":[{"id":1,"a":{"b":"x"}},{"id":2,"a":{"b":"y"}}]}}\n', 1)
  landing.land('2.data', '{"page":2,"result":{"items":[{"id":2,"a":{"b":"z","c":[1]}}]}}\n', 2)
  landing.land('3.data', '{"page":3,"error":"none"}\n', 3)
  await landing.run()
  expect(await landing.rows('id, a_b, a_c')).toEqual([
    { id: '1', a_b: 'x', a_c: null },
    { id: '2', a_b: 'z', a_c: ['1'] },
  ])
  expect(await counts(landing)).toEqual([[2, 2, 0], [1, 1, 0], '3.data: it has no list of records at json_path $.result.items'])
})
