import { expect, test } from 'vitest'
import { problems, table, tableText } from './support.ts'

/** Messages without their place. */
function said(found: readonly string[]): readonly string[] {
  return found.map((text) => text.replace(/^\S+ \S+: /, '').replace(/ \[ING-[A-Z-]+\]$/, ''))
}

test('fixed_width needs fields or widths, and regex a pattern with named groups', async () => {
  const fields = 'format_options: {fields: [{name: id, start: 1, width: 4}, {name: rest}]}'
  expect(await table(`file_format: fixed_width, ${fields}`)).toMatchObject({
    fileFormat: 'fixed_width',
    formatOptions: { fields: [{ name: 'id', start: 1, width: 4 }, { name: 'rest' }] },
    unsupported: [],
  })
  const fixed = async (options: string) => said(await problems(tableText(`file_format: fixed_width, format_options: {${options}}`)))
  expect(await fixed('trim: both')).toEqual([
    'fixed_width needs to know where the fields stand; add format_options: {fields: [{name: id, start: 1, width: 10}]}',
  ])
  expect(await fixed('widths: [3, 0]')).toEqual(['must be a list of whole numbers of at least 1; write for example widths: [10, 5]'])
  expect(await fixed('fields: [{name: id}, {name: b}]')).toEqual([
    'must be a list of {name, start, width}, with a width for all but the last; write for example fields: [{name: id, start: 1, width: 10}]',
  ])
  expect(await fixed('widths: [3], fields: [{name: b}]')).toEqual(['fields and widths say the same; remove one of them'])
  const regex = async (options: string) => said(await problems(tableText(`file_format: regex, format_options: {${options}}`)))
  const fix = "write for example pattern: '(?<at>\\S+) (?<level>\\w+) (?<message>.*)'"
  expect(await regex('skip: 1')).toEqual([`regex needs a pattern; ${fix}`])
  expect(await regex('pattern: "(x)"')).toEqual([`has no named group; ${fix}`])
  expect(await regex('pattern: "(?<a>x)(?P<A>y)"')).toEqual([`names two groups the same; ${fix}`])
  expect(await regex('pattern: "(?<a>x)", on_mismatch: skip')).toEqual([])
})

test('a range of a sheet begins at a cell', async () => {
  const xlsx = async (options: string) => said(await problems(tableText(`file_format: xlsx, format_options: {${options}}`)))
  expect(await xlsx('range: A:F')).toEqual(['is no range of cells; write for example range: B3, range: B3:F or range: B3:F100'])
  expect(await xlsx('range: $b$3:F, sheet: [a, b], header: false, cell_errors: empty')).toEqual([])
})

test('an encoding is one that is known', async () => {
  const csv = async (encoding: string) => said(await problems(tableText(`format_options: {encoding: ${encoding}}`)))
  expect(await csv('klingon')).toEqual([
    'is no encoding that is known; write for example utf-8, utf-16, latin-1, windows-1252 or shift_jis',
  ])
  for (const known of ['UTF-8', 'utf16', 'utf-16be', 'Latin-1', 'windows-1252', 'cp1252', 'Shift_JIS']) expect(await csv(known)).toEqual([])
})

test('members are told of formats that have some', async () => {
  const delta = 'table_name: t, source_path_pattern: /lake/orders, file_format: delta, metadata_columns: [_file_member]'
  expect(said(await problems(`tables:\n- {${delta}}\n`))).toEqual([
    'delta files have no members, which _file_member would tell; remove _file_member',
  ])
  expect(await problems(tableText('metadata_columns: [_file_member]'))).toEqual([])
})

test('json_path is a path, and for JSON', async () => {
  expect(said(await problems(tableText('file_format: json, json_path: "$.a..b"')))).toEqual([
    'is not a path to the records of a document; write for example json_path: $.data.items',
  ])
  expect(said(await problems(tableText('json_path: $.a')))).toEqual(['is for json and ndjson, but the files are csv; remove it'])
})
