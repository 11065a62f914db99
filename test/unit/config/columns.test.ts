import { describe, expect, test } from 'vitest'
import { folder, load, problems, table, tableText } from './support.ts'

const KEY = 'a key of many characters'

describe('keys that add, mask or transform columns', () => {
  test.each([
    [
      'path_columns: "year=(\\\\d+)"',
      'path_columns',
      'the pattern names no column; write named groups, for example "year=(?<year>\\\\d+)"; for folders name=value write a list: [year] [ING-CONFIG-COMBINATION]',
    ],
    [
      'path_columns: {a: "(x"}',
      'path_columns.a',
      'it is no regular expression: unterminated group; write for example "a-(\\\\d+)" [ING-CONFIG-COMBINATION]',
    ],
    [
      'path_columns: [_source_file]',
      'path_columns',
      '_source_file is a name of ingestd itself; choose another name [ING-CONFIG-COMBINATION]',
    ],
    [
      'path_columns: [_FILE_SIZE], metadata_columns: true',
      'path_columns',
      '_file_size stands twice; choose another name [ING-CONFIG-COMBINATION]',
    ],
    [
      'mask: {a: redact}, loading_strategy: merge, primary_keys: [A]',
      'mask.a',
      'redact makes different values the same, but rows are told apart by a; write hash [ING-CONFIG-COMBINATION]',
    ],
    [
      'mask: {a: partial}, deduplicate: [a]',
      'mask.a',
      'partial makes different values the same, but rows are told apart by a; write hash [ING-CONFIG-COMBINATION]',
    ],
    [
      'mask: {t: redact}, loading_strategy: merge, primary_keys: [a], sequence_by: t',
      'mask.t',
      't is in sequence_by, and masked values have no order; remove one of them [ING-CONFIG-COMBINATION]',
    ],
    [
      'mask: {a: redact}, columns: {A: BIGINT}',
      'mask.a',
      'a masked column is text, but columns says BIGINT; write VARCHAR there [ING-CONFIG-COMBINATION]',
    ],
    ['mask: {a: redact, A: redact}', 'mask.A', 'another column differs by case alone; remove one of them [ING-CONFIG-COMBINATION]'],
    [
      'mask: {a: hash}',
      'mask',
      'hash needs a key; add mask_key: ${MASK_KEY} beside tables, or set the environment variable INGEST_MASK_KEY [ING-CONFIG-MISSING]',
    ],
  ])('{%s} is refused', async (keys, key, message) => {
    const found = await problems(tableText(keys))
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(`tables[0].${key}: ${message}`)
  })

  test('the key of masks comes from the config or the environment, and only tables that hash have it', async () => {
    const text = `tables:\n- {table_name: a, source_path_pattern: a.csv, mask: {b: hash}}\n- {table_name: c, source_path_pattern: c.csv, mask: {b: redact}}\n`
    for (const config of [await load(`mask_key: ${KEY}\n${text}`), await load(text, { env: { INGEST_MASK_KEY: KEY } })])
      expect(config.tables.map(({ mask, maskKey }) => [mask, maskKey])).toEqual([
        [{ b: 'hash' }, KEY],
        [{ b: 'redact' }, null],
      ])
  })

  test('a key that is too short is refused without being told', async () => {
    const found = await problems(`mask_key: tooshort\n${tableText('mask: {a: hash}')}`)
    expect(found.join()).toContain('mask_key: must be text of at least 16 characters')
    expect(found.join()).not.toContain('tooshort')
  })

  test('the forms of path_columns and metadata_columns come to one', async () => {
    expect((await table("path_columns: '(?<a>x)(?<b>y)'")).pathColumns).toEqual([
      { name: 'a', pattern: '(?<a>x)(?<b>y)' },
      { name: 'b', pattern: '(?<a>x)(?<b>y)' },
    ])
    expect((await table('path_columns: [a], metadata_columns: [_file_size, _file_path], columns: [id]')).selectColumns).toEqual([
      'id',
      'a',
      '_file_path',
      '_file_size',
    ])
    expect((await table('path_columns: {a: x}')).pathColumns).toEqual([{ name: 'a', pattern: 'x' }])
  })

  test('a transform is its query, inline or in a file beside the config; a file that is not there is an error', async () => {
    const params = { a: 1, b: 'x', c: true, d: null }
    expect((await table(`transform: {sql: select 1, params: ${JSON.stringify(params)}}`)).transform).toEqual({
      sql: 'select 1',
      place: 'transform.sql',
      params,
    })
    await using made = await folder({ 'sql/a.sql': 'select 2\n', 'ingest.yaml': tableText('transform: {file: sql/a.sql}') })
    const [found] = (await load({ file: `${made.path}/ingest.yaml` })).tables
    expect(found?.transform).toEqual({ sql: 'select 2\n', place: 'sql/a.sql', params: {} })
    expect(await problems(tableText('transform: {file: nowhere.sql}'))).toEqual([
      expect.stringMatching(/tables\[0\]\.transform\.file: the file .*; create it, or correct the path/),
    ])
  })
})
