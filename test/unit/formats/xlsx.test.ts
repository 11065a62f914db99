import { expect, test } from 'vitest'
import { timeText } from '../../../src/formats/xlsx/sheet.ts'
import { meaningOf } from '../../../src/formats/xlsx/workbook.ts'
import { plainRows, workbook } from '../../support/workbook.ts'
import { zipOf } from '../../support/zip.ts'
import { bench } from './bench.ts'

const text = (at: string, index: number) => `<c r="${at}" t="s"><v>${index}</v></c>`

test('cells become values: texts, numbers as they are written, booleans, days, times and formulas', async () => {
  const xlsx = await bench('xlsx')
  const strings = ['<t>id</t>', '<t>zip</t>', '<t>amount</t>', '<t>day</t>', '<t>at</t>', '<t>ok</t>', '<t>sum</t>', '<t>note</t>']
  const header = strings.map((_text, index) => text(`${'ABCDEFGH'[index]}1`, index)).join('')
  const more = [
    '<t>007</t>',
    '<r><t>rich </t></r><r><t xml:space="preserve">&lt;text&gt;</t></r><rPh><t>x</t></rPh>',
    '<t>a_x000D_b</t>',
    '<t></t>',
  ]
  const rows = `<row r="1">${header}</row>
    <row r="2"><c r="A2"><v>12345678901234567890</v></c>${text('B2', 8)}<c r="C2"><v>0.1</v></c><c r="D2" s="1"><v>45322</v></c>
      <c r="E2" s="2"><v>45322.416666666664</v></c><c r="F2" t="b"><v>1</v></c><c r="G2"><f>A2+1</f><v>1.5E-3</v></c>${text('H2', 9)}</row>
    <row r="3"><c r="A3"><v>2</v></c><c r="C3" s="0"/><c r="F3" t="b"><v>0</v></c><c r="G3" t="str"><f>X</f><v>7</v></c>${text('H3', 10)}</row>
    <row r="5">${text('B5', 8)}${text('H5', 11)}</row>`
  xlsx.land('a.xlsx', workbook([{ name: 'Orders', rows }], { strings: [...strings, ...more] }))
  expect(await xlsx.types()).toEqual([
    'id DECIMAL(38,0)',
    'zip VARCHAR',
    'amount DOUBLE',
    'day DATE',
    'at TIMESTAMP WITH TIME ZONE',
    'ok BOOLEAN',
    'sum VARCHAR',
    'note VARCHAR',
  ])
  expect(await xlsx.rows()).toEqual([
    {
      id: '12345678901234567890',
      zip: '007',
      amount: 0.1,
      day: '2024-01-31',
      at: '2024-01-31 10:00:00+00',
      ok: true,
      sum: '0.0015',
      note: 'rich <text>',
    },
    { id: '2', zip: null, amount: null, day: null, at: null, ok: false, sum: '7', note: 'a\rb' },
    { id: null, zip: '007', amount: null, day: null, at: null, ok: null, sum: null, note: '' },
  ])
})

test('sheets by name, all that are shown, a range, and no header', async () => {
  const sheets = [
    { name: 'Jan', rows: plainRows([['Report'], [], ['x', 'id', 'n'], [9, 1, 10], [9, 2, 20]]) },
    { name: 'Feb', rows: plainRows([['Report'], [], ['x', 'id', 'n', 'more'], [9, 3, 30, 1]]) },
    { name: 'Notes', rows: plainRows([['?']]), state: 'hidden' },
  ]
  const all = await bench('xlsx', { formatOptions: { sheet: ['*'], range: 'B3:C' }, metadataColumns: [] })
  all.land('a.xlsx', workbook(sheets))
  expect(await all.rows()).toEqual([
    { id: 1n, n: 10n },
    { id: 2n, n: 20n },
    { id: 3n, n: 30n },
  ])
  const one = await bench('xlsx', { formatOptions: { sheet: ['feb'], range: 'B4:C9', header: false } })
  one.land('a.xlsx', workbook(sheets))
  expect(await one.rows()).toEqual([{ B: 3n, C: 30n }])
  const first = await bench('xlsx', { formatOptions: { range: 'A3' } })
  first.land('a.xlsx', workbook(sheets))
  first.land('b.zip', zipOf([{ name: 'x/b.xlsx', content: workbook([{ name: 'S', rows: plainRows([['id'], [7]]) }]) }]))
  expect((await first.rows()).map((row) => row['id'])).toEqual([1n, 2n])
  const missing = await bench('xlsx', { formatOptions: { sheet: ['March'] } })
  missing.land('a.xlsx', workbook(sheets))
  expect(await missing.problems()).toEqual(['ING-FILE-FORMAT a.xlsx: it has no sheet "March"; it has "Jan", "Feb", "Notes"'])
})

test('a workbook in an archive, and one without rows', async () => {
  const xlsx = await bench('xlsx')
  xlsx.land('b.zip', zipOf([{ name: 'x/b.xlsx', content: workbook([{ name: 'S', rows: plainRows([['id'], [7]]) }]) }]))
  xlsx.land('header.xlsx', workbook([{ name: 'S', rows: plainRows([['id']]) }]))
  xlsx.land('none.xlsx', workbook([{ name: 'S', rows: '' }]))
  expect(await xlsx.rows()).toEqual([{ id: 7n }])
  expect(await xlsx.paths()).toEqual(['b.zip'])
})

test('what cannot be read names sheet, row and column', async () => {
  const xlsx = await bench('xlsx')
  const sheet = (rows: string) => workbook([{ name: 'S', rows }])
  xlsx.land('value.xlsx', sheet(plainRows([['v'], [1], [], ['x']])))
  xlsx.land('error.xlsx', sheet(`${plainRows([['v']])}<row r="7"><c r="A7" t="e"><v>#N/A</v></c></row>`))
  xlsx.land('formula.xlsx', sheet(`${plainRows([['v']])}<row r="2"><c r="A2"><f>1+1</f></c></row>`))
  xlsx.land('beyond.xlsx', sheet(plainRows([['v'], [1, 2]])))
  xlsx.land('twice.xlsx', sheet(plainRows([['v', 'V']])))
  xlsx.land('cut.xlsx', sheet('').subarray(0, 300))
  xlsx.land('zero.xlsx', '')
  xlsx.land('other.xlsx', zipOf([{ name: 'word/document.xml', content: '' }]))
  xlsx.land('old.xlsx', Buffer.from('d0cf11e0a1b11ae1', 'hex'))
  xlsx.land('broken.xlsx', sheet('<row><c>'))
  const problems = await xlsx.problems({ v: 'BIGINT' })
  expect(problems.map((problem) => problem.replace(/(damaged: ).*/s, '$1…'))).toEqual([
    'ING-FILE-ARCHIVE broken.xlsx: the zip archive is damaged: …',
    'ING-FILE-ARCHIVE old.xlsx: this is an encrypted workbook, or one of Excel before 2007',
    'ING-FILE-DUPLICATE-COLUMN twice.xlsx!S: the columns "v" and "V" differ by case alone',
    'ING-FILE-FORMAT beyond.xlsx!S: line 2: column B has a value, but no name in the header',
    'ING-FILE-FORMAT error.xlsx!S: line 7, column A: #N/A',
    'ING-FILE-FORMAT formula.xlsx!S: line 2, column A: a formula without a value; open the workbook and save it',
    'ING-FILE-FORMAT other.xlsx: this is a zip archive, but no workbook of Excel',
    'ING-FILE-TRUNCATED cut.xlsx: the end of the file is missing: the zip archive stops before its directory',
    'ING-FILE-TRUNCATED zero.xlsx: the end of the file is missing: it has no bytes',
    "ING-FILE-VALUE value.xlsx!S line 4, column v: 'x' is not a BIGINT",
  ])
  const empty = await bench('xlsx', { formatOptions: { cell_errors: 'empty' } })
  empty.land('error.xlsx', sheet(`${plainRows([['v', 'w']])}<row r="7"><c r="A7" t="e"><v>#N/A</v></c><c r="B7"><v>1</v></c></row>`))
  expect(await empty.rows()).toEqual([{ v: null, w: 1n }])
})

test('many rows stream by', async () => {
  const xlsx = await bench('xlsx')
  const rows = Array.from({ length: 50_000 }, (_, index) => [index, `name ${index % 7}`])
  xlsx.land('big.xlsx', workbook([{ name: 'S', rows: plainRows([['id', 'name'], ...rows]) }]))
  expect(await xlsx.types()).toEqual(['id BIGINT', 'name VARCHAR'])
  expect(await xlsx.paths()).toHaveLength(50_000)
})

test('days before March 1900, of 1904, and times of a day', () => {
  expect([1, 59, 61, 45322].map((serial) => timeText(serial, 'date', false))).toEqual([
    '1900-01-01',
    '1900-02-28',
    '1900-03-01',
    '2024-01-31',
  ])
  expect([0, 60, -1, 3_000_000].map((serial) => timeText(serial, 'date', false))).toEqual([undefined, undefined, undefined, undefined])
  expect(timeText(0, 'date', true)).toBe('1904-01-01')
  expect(timeText(0.75, 'time', false)).toBe('18:00:00')
  expect(timeText(45322.5000000058, 'date', false)).toBe('2024-01-31 12:00:00.001')
  expect(timeText(45322.999999999, 'timestamp', false)).toBe('2024-02-01 00:00:00')
})

test('formats tell days and times from numbers', () => {
  const of = (code: string) => meaningOf(200, code)
  expect(['yyyy-mm-dd', 'dd/mm/yy;@', '[$-409]mmm\\ yyyy', 'mmmm'].map(of)).toEqual(['date', 'date', 'date', 'date'])
  expect(['m/d/yy h:mm', 'yyyy-mm-dd"T"hh:mm:ss'].map(of)).toEqual(['timestamp', 'timestamp'])
  expect(['h:mm AM/PM', 'mm:ss.0'].map(of)).toEqual(['time', 'time'])
  expect(['General', '0.00', '#,##0 "days"', '[h]:mm', '[Red]0', '0.00E+00', '\\d0'].map(of)).toEqual(new Array(7).fill('number'))
  expect([0, 9, 14, 22, 20, 46, 49].map((id) => meaningOf(id, undefined))).toEqual([
    'number',
    'number',
    'date',
    'timestamp',
    'time',
    'number',
    'number',
  ])
})
