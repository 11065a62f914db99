import { describe, expect, test } from 'vitest'
import { type RecordLayout, readable, walkRecords } from '../../../src/formats/record-walk.ts'

const CSV: RecordLayout = {
  delimiter: ',',
  quote: '"',
  escape: '"',
  comment: '',
  skip: 0,
  header: true,
  blank: 'empty',
  carriage: true,
}
const LINES: RecordLayout = { ...CSV, quote: '', escape: '', header: false, blank: 'spaces', carriage: false }

/** `line@start text` of each record; the text comes in chunks of some bytes. */
async function walked(text: string | Buffer, layout: Partial<RecordLayout> = {}, chunk = 3): Promise<readonly string[]> {
  const bytes = Buffer.from(text)
  const found: string[] = []
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk)
  }
  await walkRecords(chunks(), { ...CSV, ...layout }, 'file', {
    visit: (record) => found.push(`${record.line}@${record.start} ${record.bytes().toString()}${record.isEnded ? '' : '|'}`),
  })
  return found
}

describe('records of a text', () => {
  test('stand on lines, over several where they are quoted', async () => {
    expect(await walked('a,b\n1,2\n\n3,"x\ny"\r\n4,5" \n6,"7""\n8"')).toEqual(['2@4 1,2', '4@9 3,"x\ny"', '6@18 4,5" ', '7@24 6,"7""\n8"|'])
  })

  test('are the same in whatever chunks the text comes', async () => {
    const text = `a,b\n${Array.from({ length: 50 }, (_, index) => (index % 7 === 0 ? `${index},"q\r\n""${index}"` : `${index},v`)).join('\r\n')}\r\n`
    const whole = await walked(text, {}, text.length)
    expect(whole).toHaveLength(50)
    for (const chunk of [1, 2, 5, 64]) expect(await walked(text, {}, chunk)).toEqual(whole)
  })

  test('begin behind a byte order mark, skipped lines, blank lines and the header', async () => {
    expect(await walked('\ufeff# made\n\na\n1\n', { skip: 1 })).toEqual(['4@13 1'])
  })

  test('comments and blank lines are none, unless there is a single column', async () => {
    expect(await walked('a\n# x\n1\n\n2\n', { comment: '#', blank: 'records' })).toEqual(['3@6 1', '4@8 ', '5@9 2'])
  })

  test('an escape before a quote keeps it open', async () => {
    expect(await walked('a,b\n1,"x\\"\ny"\n2,z\n', { escape: '\\' })).toEqual(['2@4 1,"x\\"\ny"', '4@14 2,z'])
  })

  test('a quote that stays open takes the rest', async () => {
    expect(await walked('a\n1\n"2\n3\n')).toEqual(['2@2 1', '3@4 "2\n3\n|'])
  })

  test('lines of JSON pass over white space alone, and know no quotes', async () => {
    expect(await walked('{"a":"x"}\n  \r\n{"b":"\n', LINES)).toEqual(['1@0 {"a":"x"}', '3@14 {"b":"'])
  })

  test('a carriage return alone ends a line', async () => {
    expect(await walked('a,b\r1,"x\ry"\r2,3')).toEqual(['2@4 1,"x\ry"', '4@12 2,3|'])
  })

  test('a delimiter of several characters', async () => {
    expect(await walked('a||b\n1|"x\n2||"y\nz"\n', { delimiter: '||' })).toEqual(['2@5 1|"x', '3@10 2||"y\nz"'])
  })

  test('blocks of a megabyte go on where the last record stopped', async () => {
    const row = `1,"${'x'.repeat(700_000)}\n"\n`
    const found = await walked(`a,b\n${row}${row}${row}2,3\n`, {}, 65_536)
    expect(found.map((one) => one.slice(0, 12))).toEqual(['2@4 1,"xxxxx', '4@700010 1,"', '6@1400016 1,', '8@2100022 2,'])
  })
})

describe('texts of records', () => {
  test('are Latin-1 where they are not UTF-8', () => {
    expect(readable(Buffer.from('caf\u00e9'))).toEqual({ text: 'caf\u00e9', isUtf8: true })
    expect(readable(Buffer.from('caf\u00e9', 'latin1'))).toEqual({ text: 'caf\u00e9', isUtf8: false })
  })
})
