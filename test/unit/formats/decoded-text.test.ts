import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { zipOf } from '../../support/zip.ts'
import { bench } from './bench.ts'

describe('encodings that the engine does not read', () => {
  test('are read by their name, compressed and in archives too', async () => {
    const euro = Buffer.concat([Buffer.from('id,name\n1,caf'), Buffer.from([0xe9, 0x20, 0x80]), Buffer.from('\n')])
    const windows = await bench('csv', { formatOptions: { encoding: 'windows-1252' } })
    windows.land('a.csv', euro)
    windows.land('b.csv.gz', gzipSync(euro))
    windows.land('c.csv.zip', zipOf([{ name: 'c.csv', content: euro }]))
    windows.land('none.csv', '')
    expect(await windows.rows()).toEqual([1, 2, 3].map(() => ({ id: 1n, name: 'café €' })))
    expect((await windows.paths()).toSorted()).toEqual(['a.csv', 'b.csv.gz', 'c.csv.zip'])
    const japanese = await bench('fixed_width', { formatOptions: { widths: [2, 2], names: ['id', 'name'], encoding: 'shift_jis' } })
    japanese.land('a.txt', Buffer.from('203193fa967b0a', 'hex'))
    expect(await japanese.rows()).toEqual([{ id: 1n, name: '日本' }])
  })

  test('UTF-16 of either byte order, with characters of any plane', async () => {
    const little = Buffer.from('\ufeffid,name\r\n1,😀\r\n', 'utf16le')
    const big = Buffer.from(little).swap16()
    for (const [encoding, content] of [
      ['utf-16le', little],
      ['utf-16be', big],
    ] as const) {
      const csv = await bench('csv', { formatOptions: { encoding } })
      csv.land('a.csv', content)
      expect(await csv.rows()).toEqual([{ id: 1n, name: '😀' }])
    }
  })

  test('a text that is in another or cut within a character fails alone, and lines stay', async () => {
    const csv = await bench('csv', { formatOptions: { encoding: 'utf-16be' } })
    const of = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le').swap16()
    csv.land('good.csv', of('v\n1\n'))
    csv.land('cut.csv', of('v\n1\n').subarray(0, -1))
    csv.land('lone.csv', Buffer.from('feff0076000ad83d000a', 'hex'))
    csv.land('value.csv', of('v\n1\n\nx\n'))
    expect(await csv.problems({ v: 'BIGINT' })).toEqual([
      'ING-FILE-ENCODING lone.csv: the text is not utf-16be',
      'ING-FILE-TRUNCATED cut.csv: the end of the file is missing: the text stops within a character',
      "ING-FILE-VALUE value.csv line 4, column v: 'x' is not a BIGINT",
    ])
  })
})

describe('lines at the end that are no records', () => {
  test.each(['\n', '\r\n', '\r'])('are left out, blank lines behind them uncounted (%j)', async (end) => {
    const csv = await bench('csv', { formatOptions: { skip_footer: 2 } })
    const lines = (...texts: readonly string[]) => texts.join(end)
    csv.land('a.csv', lines('id,name', '1,x', '2,y', 'TOTAL 2', 'END'))
    csv.land('b.csv', lines('id,name', '3,z', '', 'TOTAL 1', '', 'END', '', '', ''))
    csv.land('c.csv', lines('id,name', 'TOTAL 0', 'END', ''))
    csv.land('d.csv', lines('END', ''))
    expect(await csv.rows()).toEqual([
      { id: 1n, name: 'x' },
      { id: 2n, name: 'y' },
      { id: 3n, name: 'z' },
    ])
  })

  test('of long files and of other formats', async () => {
    const csv = await bench('csv', { formatOptions: { skip_footer: 1, encoding: 'latin-1' } })
    csv.land('a.csv', Buffer.from(`v,n\n${'1,é\n'.repeat(50_000)}SUM`, 'latin1'))
    expect(await csv.paths()).toHaveLength(50_000)
    const log = await bench('regex', { formatOptions: { pattern: '(?<n>\\d+)', skip_footer: 1 } })
    log.land('a.log', '1\n2\nend\n')
    expect(await log.rows()).toEqual([{ n: 1n }, { n: 2n }])
  })
})
