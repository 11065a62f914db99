import { expect, test } from 'vitest'
import { bench } from './bench.ts'

const GOOD = 'id,name\n1,x\n2,"y"\n'

test.each([
  ['too few fields', 'id,name\n1,x\n2\n3,z\n', 'ING-FILE-RAGGED-ROW bad.csv line 3: 1 field, the header has 2'],
  ['too many fields', 'id,name\n1,x,y,z\n', 'ING-FILE-RAGGED-ROW bad.csv line 2: 4 fields, the header has 2'],
  [
    'a cut last line',
    'id,name\n1,x\n22',
    'ING-FILE-TRUNCATED bad.csv: the end of the file is missing: its last line, 3, has 1 of 2 fields',
  ],
  ['a ragged last line with its newline', 'id,name\n1,x\n2\n', 'ING-FILE-RAGGED-ROW bad.csv line 3: 1 field, the header has 2'],
  [
    'an open quote',
    'id,name\n1,x\n2,"abc\n3,z\n',
    'ING-FILE-TRUNCATED bad.csv: the end of the file is missing: the quote that opens on line 3 is not closed',
  ],
  [
    'an open quote in the header',
    'id,"na',
    'ING-FILE-TRUNCATED bad.csv: the end of the file is missing: a quote in the header is not closed',
  ],
  ['text behind a quote', 'id,name\n1,"x"y\n2,z\n', 'ING-FILE-FORMAT bad.csv line 2: text follows a closing quote'],
  ['a value of another type', 'id,name\n1,x\n"multi\nline",y\n', "ING-FILE-VALUE bad.csv line 3, column id: 'multi line' is not a BIGINT"],
  ['duplicate names', 'id,id\n1,2\n', 'ING-FILE-DUPLICATE-COLUMN bad.csv: the column "id" stands twice'],
  ['names that differ by case', 'id,ID\n1,2\n', 'ING-FILE-DUPLICATE-COLUMN bad.csv: the columns "id" and "ID" differ by case alone'],
  [
    'another delimiter',
    'id;name\n1;x\n',
    'ING-FILE-FORMAT bad.csv: its first line has a single column at the delimiter ",", but ";" in it',
  ],
  [
    'two kinds of line ends',
    'id,name\r\n1,x\n2,y\r\n',
    'ING-FILE-FORMAT bad.csv: line endings of two kinds stand in it, or quotes that do not pair',
  ],
  ['a reserved name', 'id,__path\n1,2\n', 'ING-FILE-COLUMN-NAME bad.csv: the column name __path is reserved'],
])('%s is named, and its neighbours are not', async (_, content, problem) => {
  const csv = await bench('csv')
  csv.land('a.csv', GOOD)
  csv.land('bad.csv', content)
  csv.land('c.csv', GOOD)
  const { reader } = await (async () => csv.format.inspect(csv.files.slice(0, 1), csv.context))()
  Object.assign(csv.context, { reader })
  expect(await csv.problems({ id: 'BIGINT' })).toEqual([problem])
})

test.each([
  ['latin-1 in a row', Buffer.from('id,name\n1,x\n2,caf\xe9\n', 'latin1'), 'ING-FILE-ENCODING bad.csv: line 3 is not UTF-8'],
  ['latin-1 in the header', Buffer.from('id,n\xe4me\n1,x\n', 'latin1'), 'ING-FILE-ENCODING bad.csv: the first line is not UTF-8'],
  ['UTF-16', Buffer.from('\ufeffid,name\n1,x\n', 'utf16le'), 'ING-FILE-ENCODING bad.csv: the text is UTF-16'],
  [
    'UTF-16 without a mark',
    Buffer.from('id,name\n1,x\n', 'utf16le'),
    'ING-FILE-ENCODING bad.csv: the first line has zero bytes: the text is UTF-16, or no text at all',
  ],
])('%s is an error of the encoding', async (_, content, problem) => {
  const csv = await bench('csv')
  csv.land('a.csv', GOOD)
  csv.land('bad.csv', content)
  expect(await csv.problems()).toEqual([problem])
})

test('with encoding utf-16 other texts are refused, and what the reader cannot take is no silent loss', async () => {
  const csv = await bench('csv', { formatOptions: { encoding: 'utf-16' } })
  csv.land('a.csv', Buffer.from('\ufeffid,name\n1,x\n', 'utf16le'))
  csv.land('big-endian.csv', Buffer.from('\ufeffid,name\n1,x\n', 'utf16le').swap16())
  csv.land('emoji.csv', Buffer.from('\ufeffid,name\n1,😀\n', 'utf16le'))
  csv.land('utf8.csv', GOOD)
  expect(await csv.problems()).toEqual([
    'ING-FILE-ENCODING big-endian.csv: the text is UTF-16 with the high byte first',
    'ING-FILE-ENCODING emoji.csv: the text is not in the encoding of the table, or has characters beyond U+FFFF in UTF-16',
    'ING-FILE-ENCODING utf8.csv: the text is not UTF-16',
  ])
})

test('several bad files among many are found together', async () => {
  const csv = await bench('csv')
  for (let index = 0; index < 60; index += 1)
    csv.land(
      `${String(index).padStart(2, '0')}.csv`,
      index % 20 === 7 ? 'id,name\n1,x\nzz,y\n' : index % 20 === 8 ? 'id,name\n1\n2,x\n' : GOOD,
    )
  expect(await csv.problems({ id: 'BIGINT' })).toEqual([
    'ING-FILE-RAGGED-ROW 08.csv line 2: 1 field, the header has 2',
    'ING-FILE-RAGGED-ROW 28.csv line 2: 1 field, the header has 2',
    'ING-FILE-RAGGED-ROW 48.csv line 2: 1 field, the header has 2',
    "ING-FILE-VALUE 07.csv line 3, column id: 'zz' is not a BIGINT",
    "ING-FILE-VALUE 27.csv line 3, column id: 'zz' is not a BIGINT",
    "ING-FILE-VALUE 47.csv line 3, column id: 'zz' is not a BIGINT",
  ])
})

test('an error never shows more than a short piece of a value', async () => {
  const csv = await bench('csv')
  csv.land('a.csv', `id\n${'x'.repeat(500)}\n`)
  const [problem = ''] = await csv.problems({ id: 'BIGINT' })
  expect(problem).toBe(`ING-FILE-VALUE a.csv line 2, column id: '${'x'.repeat(77)}...' is not a BIGINT`)
})

test("a quoted empty number names the option that reads '' as null", async () => {
  const csv = await bench('csv')
  csv.land('a.csv', 'id,v\n1,2\n1,""\n')
  const { groups, reader } = await csv.inspect()
  const [group] = groups
  const columns = [
    { name: 'id', type: 'BIGINT' },
    { name: 'v', type: 'BIGINT' },
  ]
  const problems = group && (await csv.format.diagnose(group, columns, undefined, { ...csv.context, reader }))
  expect(problems?.map((error) => error.hint)).toEqual(["set format_options: {allow_quoted_nulls: true} to read '' as null"])
})

test('a last record with a bad quote is found among more files than there are threads, large ones too', async () => {
  const csv = await bench('csv')
  for (let index = 0; index < 20; index += 1) csv.land(`${index}.csv`, GOOD)
  const large = `id,name\n${'1,"x, y"\n'.repeat(20_000)}`
  csv.land('bad-open.csv', 'id,name\n1,x\n2,"y')
  csv.land('bad-stray.csv', 'id,name\n1,5" pipe\n2,"y')
  csv.land('bad-text.csv', 'id,name\n1,x\n2,"y"z"')
  csv.land('bad-large.csv', `${large}2,"y`)
  csv.land('good-large.csv', large)
  csv.land('good-stray.csv', 'id,name\n1,5" pipe\n2,6" pipe')
  expect(await csv.problems()).toEqual([
    'ING-FILE-FORMAT bad-text.csv line 3: text follows a closing quote',
    'ING-FILE-TRUNCATED bad-large.csv: the end of the file is missing: the quote that opens on line 20002 is not closed',
    'ING-FILE-TRUNCATED bad-open.csv: the end of the file is missing: the quote that opens on line 3 is not closed',
    'ING-FILE-TRUNCATED bad-stray.csv: the end of the file is missing: the quote that opens on line 3 is not closed',
  ])
  expect((await csv.inspect()).groups.map((group) => group.files.length)).toEqual([22])
})
