import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { OptionValue } from '../../../src/model/table.ts'
import { zipOf } from '../../support/zip.ts'
import { bench } from './bench.ts'

const FIELDS = [
  { name: 'id', start: 1, width: 4 },
  { name: 'name', width: 6 },
  { name: 'amount', start: 12, width: 8 },
]
const fixed = (options: Readonly<Record<string, OptionValue>> = {}) =>
  bench('fixed_width', { formatOptions: { fields: FIELDS, ...options } })

describe('fixed width', () => {
  test('fields are cut by characters, trimmed, and typed like those of CSV', async () => {
    const text = await fixed()
    text.land('a.txt', '0001Ünal  |    1.50\r\n\r\n0002      |   12.25\r\n')
    text.land('b.txt.gz', gzipSync('0003"x",y |   -3.00'))
    expect(await text.types()).toEqual(['id VARCHAR', 'name VARCHAR', 'amount DOUBLE'])
    expect(await text.rows()).toEqual([
      { id: '0001', name: 'Ünal', amount: 1.5 },
      { id: '0002', name: null, amount: 12.25 },
      { id: '0003', name: '"x",y', amount: -3 },
    ])
    expect(await text.paths()).toEqual(['a.txt', 'a.txt', 'b.txt.gz'])
    expect(await text.rows({ id: 'BIGINT', amount: 'DECIMAL(10,2)' })).toContainEqual({ id: 2n, name: null, amount: '12.25' })
  })

  test('comments, lines before the records, null texts and untrimmed values', async () => {
    const text = await fixed({ skip: 2, comment: '#', null_values: ['N/A'], trim: 'right' })
    text.land('a.txt', 'EXPORT\n\n#1  x\n   1 N/A  |    1.50\n\n#2\n   2N/A   |    1.50\n')
    text.land('b.txt', '\n\n   3z     |    1.50\n')
    expect(await text.rows()).toEqual([
      { id: 1n, name: ' N/A', amount: 1.5 },
      { id: 2n, name: null, amount: 1.5 },
      { id: 3n, name: 'z', amount: 1.5 },
    ])
  })

  test('widths alone, with names or a header', async () => {
    const named = await bench('fixed_width', { formatOptions: { widths: [3, 3], names: ['a'] } })
    named.land('a.txt', '  1  2\n')
    expect(await named.rows()).toEqual([{ a: 1n, column1: 2n }])
    const headed = await bench('fixed_width', { formatOptions: { widths: [3, 4], header: true } })
    headed.land('a.txt', 'id name\n1  x   \n')
    headed.land('b.txt', 'ID day \n')
    headed.land('c.txt', 'id nam')
    headed.land('d.txt', 'x  x   \n1  2   \n')
    expect(await headed.rows().catch((error: Error) => error.message.split('/').at(-1))).toBe('d.txt: the column "x" stands twice')
    const { groups } = await headed.inspect()
    expect(groups.map(({ columns, empty }) => [columns.map(({ name }) => name), empty])).toEqual([
      [['id', 'name'], false],
      [['ID', 'day'], true],
      [['id', 'nam'], true],
    ])
  })

  test('the last field may take the rest of the line, and short lines may be padded', async () => {
    const rest = await bench('fixed_width', { formatOptions: { fields: [{ name: 'id', width: 2 }, { name: 'note' }] } })
    rest.land('a.txt', '1 long text, to the end\n2 x\n')
    expect(await rest.rows()).toEqual([
      { id: 1n, note: 'long text, to the end' },
      { id: 2n, note: 'x' },
    ])
    const padded = await fixed({ short_lines: 'pad' })
    padded.land('a.txt', '   1ab\n   2')
    expect(await padded.rows()).toEqual([
      { id: 1n, name: 'ab', amount: null },
      { id: 2n, name: null, amount: null },
    ])
  })

  test('UTF-16 and Latin-1', async () => {
    const wide = await fixed({ encoding: 'utf-16' })
    wide.land('a.txt', Buffer.from('\ufeff   1Ünal€ |    1.50\r\n', 'utf16le'))
    expect(await wide.rows()).toEqual([{ id: 1n, name: 'Ünal€', amount: 1.5 }])
    const latin = await fixed({ encoding: 'latin-1' })
    latin.land('a.txt', Buffer.from('   1Ünal  |    1.50\n', 'latin1'))
    expect(await latin.rows()).toEqual([{ id: 1n, name: 'Ünal', amount: 1.5 }])
  })

  test('a file that is cut, short, in another encoding or of another type fails alone, with its line', async () => {
    const text = await fixed()
    const good = '   1ab    |    1.50\n'
    text.land('good.txt', good)
    text.land('cut.txt', `${good}   2ab    |    1.`)
    text.land('cut.txt.gz', gzipSync(good).subarray(0, -3))
    text.land('short.txt', `\n${good}\n   2ab    |\n${good}`)
    text.land('value.txt', `${good}\n\n  x2ab    |    1.50\n${good}`)
    text.land('latin.txt', Buffer.from(`${good}   2Ünal  |    1.50\n`, 'latin1'))
    text.land('wide.txt', Buffer.from(`\ufeff${good}`, 'utf16le'))
    text.land('endings.txt', `${good}   2ab    |    1.50\r\n${good}`)
    expect(await text.problems({ id: 'BIGINT', amount: 'DOUBLE' })).toEqual([
      'ING-FILE-ENCODING latin.txt: the text is not UTF-8',
      'ING-FILE-ENCODING wide.txt: the text is UTF-16',
      'ING-FILE-FORMAT endings.txt: line endings of two kinds stand in it',
      'ING-FILE-FORMAT short.txt line 4: 11 characters, a record has 19',
      'ING-FILE-TRUNCATED cut.txt.gz: the end of the file is missing: the gzip data stops before its trailer',
      'ING-FILE-TRUNCATED cut.txt: the end of the file is missing: its last line has no line end: 17 characters, a record has 19',
      "ING-FILE-VALUE value.txt line 4, column id: 'x2' is not a BIGINT",
    ])
  })

  test('empty files have no rows, and rows tell their lines', async () => {
    const text = await fixed({ comment: '#' })
    text.land('none.txt', '')
    text.land('blank.txt', '\n\n')
    const file = text.land('a.txt', '\n   1ab    |    1.50\n# x\n\n   2ab    |    1.50\n')
    const { groups } = await text.inspect()
    expect(groups.map((group) => [group.files.length, group.empty])).toEqual([
      [2, true],
      [1, false],
    ])
    const group = groups.find((one) => !one.empty)
    if (!group) throw new Error('no group')
    const lineOf = (row: bigint) => text.format.lineOf?.(file, row, { group, context: text.context })
    expect([await lineOf(0n), await lineOf(1n), await lineOf(2n)]).toEqual([2, 5, null])
    expect(await text.format.rowsRead?.(groups, text.context)).toEqual(new Map([[file.path, 2n]]))
  })

  test('a text that the engine would take for a delimiter is no way to lose the rest of a line', async () => {
    const text = await fixed()
    text.land('a.txt', '   1\u001f\u001e\u001f\u001eab    |    1.50\n')
    expect((await text.problems()).join()).toMatch(/^ING-FILE-FORMAT a\.txt/)
  })
})

const LOG = String.raw`(?<at>\S+ \S+) \[(?P<level>\w+)\](?: <(?<user>[^>]*)>)? ([a-z]+): (?<message>.*)`
const log = (options: Readonly<Record<string, OptionValue>> = {}) => bench('regex', { formatOptions: { pattern: LOG, ...options } })

describe('regex', () => {
  test('named groups are columns with types; a group that takes no part is null', async () => {
    const text = await log()
    text.land('a.log', '2024-01-31 10:00:00 [INFO] <7> web: started "x"\n2024-01-31 10:00:01 [WARN] db: slow\n')
    text.land('b.zip', zipOf([{ name: 'b.log', content: '2024-01-31 10:00:02 [INFO] <8> web: done' }]))
    expect(await text.types()).toEqual(['at TIMESTAMP WITH TIME ZONE', 'level VARCHAR', 'user BIGINT', 'message VARCHAR'])
    expect(await text.rows()).toEqual([
      { at: '2024-01-31 10:00:00+00', level: 'INFO', user: 7n, message: 'started "x"' },
      { at: '2024-01-31 10:00:01+00', level: 'WARN', user: null, message: 'slow' },
      { at: '2024-01-31 10:00:02+00', level: 'INFO', user: 8n, message: 'done' },
    ])
  })

  test('a line that does not match fails its file, or is passed over and counted', async () => {
    const line = '2024-01-31 10:00:00 [INFO] web: started\n'
    const strict = await log()
    strict.land('good.log', line)
    strict.land('bad.log', `${line}  at main.ts:7\n${line}`)
    strict.land('cut.log', `${line}2024-01-31 10:00`)
    expect(await strict.problems()).toEqual([
      'ING-FILE-FORMAT bad.log line 2: the pattern does not match:  at main.ts:7',
      'ING-FILE-TRUNCATED cut.log: the end of the file is missing: its last line has no line end: the pattern does not match: 2024-01-31 10:00',
    ])
    const lenient = await log({ on_mismatch: 'skip', comment: '#' })
    const file = lenient.land('bad.log', `${line}  at main.ts:7\n# x\n\n${line}`)
    expect(await lenient.rows()).toHaveLength(2)
    const { groups } = await lenient.inspect()
    expect(await lenient.format.rowsRead?.(groups, lenient.context)).toEqual(new Map([[file.path, 3n]]))
  })

  test('a value that does not fit names line and column', async () => {
    const text = await log()
    text.land('a.log', '2024-01-31 10:00:00 [INFO] <7> web: a\n\n2024-01-31 10:00:00 [INFO] <x> web: b\n')
    expect(await text.problems({ user: 'BIGINT' })).toEqual(["ING-FILE-VALUE a.log line 3, column user: 'x' is not a BIGINT"])
  })

  test('groups are counted past brackets and escapes', async () => {
    const text = await bench('regex', { formatOptions: { pattern: String.raw`(?i:\((?<a>[(\])]+)\)) (x|y) (?<b>\d+)` } })
    text.land('a.log', '(()]) y 7\n')
    expect(await text.rows()).toEqual([{ a: '(()]'.slice(1), b: 7n }])
  })

  test('what RE2 does not take fails the table by name', async () => {
    const text = await bench('regex', { formatOptions: { pattern: '(?<a>x)(?=y)' } })
    text.land('a.log', 'x\n')
    await expect(text.inspect()).rejects.toThrow('default.t: format_options.pattern is no regular expression of RE2')
  })
})
