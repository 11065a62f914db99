import { describe, expect, test } from 'vitest'
import { csvLine } from '../../../src/cli/text/csv.ts'
import { jsonText } from '../../../src/cli/text/json.ts'
import { bytes, count, counted, duration } from '../../../src/cli/text/numbers.ts'
import { printable, printableLines } from '../../../src/cli/text/printable.ts'
import { TextTable, textTable } from '../../../src/cli/text/table.ts'
import { widthOf } from '../../../src/cli/text/width.ts'

describe('text from outside', () => {
  test('escape sequences of a file name are shown and not obeyed', () => {
    expect(printable('a\u001b[31mred\u0007.csv')).toBe('a\\x1b[31mred\\x07.csv')
  })

  test('newlines and tabs stay on one line', () => {
    expect(printable('two\nlines\tand\rmore')).toBe('two\\nlines\\tand\\rmore')
  })

  test('C1 controls, DEL, bidirectional overrides and half surrogates are escaped', () => {
    expect(printable('\u009b31m\u007f\u202egpj.exe\ud800')).toBe('\\x9b31m\\x7f\\u{202e}gpj.exe\\u{d800}')
  })

  test('accents, emoji and other scripts are left alone', () => {
    expect(printable('naïve 日本語 👩‍👩‍👧 ‘quoted’')).toBe('naïve 日本語 👩‍👩‍👧 ‘quoted’')
  })

  test('a message keeps its lines, but nothing else that moves the cursor', () => {
    expect(printableLines('first\r\nsecond\u001b[2J')).toBe('first\nsecond\\x1b[2J')
  })

  test('JSON escapes controls that a terminal could obey, and stays the same value', () => {
    const text = jsonText({ name: 'a\u009b31m\u007f' })
    expect(text).toBe('{"name":"a\\u009b31m\\u007f"}')
    expect(JSON.parse(text)).toEqual({ name: 'a\u009b31m\u007f' })
  })

  test('JSON shows integers beyond 2^53 as strings', () => {
    expect(jsonText([2n ** 53n - 1n, 2n ** 53n])).toBe('[9007199254740991,"9007199254740992"]')
  })
})

describe('numbers', () => {
  test('counts have separators, and one is singular', () => {
    expect([count(1234567), counted(1, 'file'), counted(0, 'file'), counted(1234, 'row')]).toEqual([
      '1,234,567',
      '1 file',
      '0 files',
      '1,234 rows',
    ])
  })

  test('bytes go up in powers of 1000 without ever showing 1000.0', () => {
    expect([0, 999, 1000, 1234, 999_949, 999_951, 5_500_000_000].map(bytes)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '1.2 kB',
      '999.9 kB',
      '1.0 MB',
      '5.5 GB',
    ])
  })

  test('durations grow from seconds to minutes and hours', () => {
    expect([0, 2.34, 59.94, 59.96, 125, 3599.6, 3720].map(duration)).toEqual([
      '0.0s',
      '2.3s',
      '59.9s',
      '1m 00s',
      '2m 05s',
      '1h 00m',
      '1h 02m',
    ])
  })
})

describe('widths', () => {
  test('wide characters and emoji take two columns, combining marks none', () => {
    expect([widthOf('abc'), widthOf('日本'), widthOf('👩‍👩‍👧'), widthOf('e\u0301'), widthOf('ï'), widthOf('\u200b')]).toEqual([
      3, 4, 2, 1, 1, 0,
    ])
  })
})

describe('tables', () => {
  test('text stands left, numbers right, and no line ends with blanks', () => {
    const table = textTable(
      [{ head: 'NAME' }, { head: 'ROWS', align: 'right' }, { head: 'WHY' }],
      [
        ['a', '1', ''],
        ['日本', '1,234', 'late'],
      ],
    )
    expect(table).toBe(['NAME   ROWS  WHY', 'a         1', '日本  1,234  late'].join('\n'))
  })

  test('a value with a newline stays in its row', () => {
    expect(textTable([{ head: 'FILE' }], [['a\nb']])).toBe('FILE\na\\nb')
  })

  test('columns never shrink from block to block', () => {
    const table = new TextTable([{ head: 'A' }, { head: 'B' }])
    expect(table.lines([['long value', '1']])).toEqual(['long value  1'])
    expect(table.lines([['x', '2']])).toEqual(['x           2'])
  })

  test('colours do not move columns', () => {
    const style = {
      head: (text: string) => `<${text}>`,
      cell: (padded: string, raw: string) => (raw === 'failed' ? `!${padded}!` : padded),
    }
    expect(
      textTable(
        [{ head: 'STATUS' }, { head: 'N' }],
        [
          ['failed', '1'],
          ['ok', '2'],
        ],
        style,
      ),
    ).toBe('<STATUS>  <N>\n!failed!  1\nok      2')
  })
})

describe('csv', () => {
  test('null is nothing and an empty string is quoted', () => {
    expect(csvLine([null, '', 'a'])).toBe(',"",a')
  })

  test('separators, quotes, line ends and outer blanks are quoted', () => {
    expect(csvLine(['a,b', 'say "hi"', 'two\nlines', ' x', 'plain text'])).toBe('"a,b","say ""hi""","two\nlines"," x",plain text')
  })
})
