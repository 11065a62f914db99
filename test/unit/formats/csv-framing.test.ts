import { expect, test } from 'vitest'
import { literal, sql } from '../../../src/engine/sql.ts'
import { csvFraming } from '../../../src/formats/csv/framing.ts'
import type { FormatContext } from '../../../src/formats/format.ts'
import { session as openedSession } from '../../support/session.ts'
import { tableConfig } from '../../support/table.ts'

function framing(formatOptions: Record<string, string | boolean>, columns: readonly string[] = ['id', 'name']) {
  return csvFraming(columns, { table: tableConfig({ formatOptions }), reader: null } as unknown as FormatContext)
}

test('a header stands before the records in the dialect of the table, where its files have one', () => {
  expect(framing({}, ['id', 'a "b"']).head).toBe('"id","a ""b"""\n')
  expect(framing({ delimiter: ';', quote: "'" }).head).toBe("'id';'name'\n")
  expect(framing({ quote: '' }).head).toBe('id,name\n')
  expect(framing({ header: false }).head).toBe('')
})

test.each([
  [{}, '1,a', true],
  [{}, '1,"a\nb"', true],
  [{}, '1,"a ""b""\r\nc",', true],
  [{}, '1,a\n2,b', false],
  [{}, '1,"a', false],
  [{}, '1,a"b', false],
  [{}, '1,"a"",b', false],
  [{ quote: "'" }, "1,'a\nb'", true],
  [{ escape: '\\' }, '1,"a \\" \n b"', true],
  [{ escape: '\\' }, '1,"a \\"', false],
  [{ quote: '' }, '1,"a', true],
  [{ quote: '' }, '1,"a\n"', false],
])('with %o the text %j is one record: %s', async (options, text, isOne) => {
  const session = await openedSession()
  const [row] = await session.rows(sql`select ${framing(options).isRecord(literal(text))} as one`)
  expect(row?.['one']).toBe(isOne)
})
