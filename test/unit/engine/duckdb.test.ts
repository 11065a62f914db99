import { expect, test } from 'vitest'
import { raw, sql } from '../../../src/engine/sql.ts'
import { session } from '../../support/session.ts'

async function streamed(text: string): Promise<readonly unknown[]> {
  const engine = await session()
  const rows: (readonly unknown[])[] = []
  for await (const chunk of engine.stream(raw(text))) rows.push(...chunk.rows)
  return rows
}

test('a streamed value stands as JSON holds it: wide integers and decimals as text, timestamps in ISO 8601', async () => {
  expect(
    await streamed(`select 1::bigint, 9007199254740993, 1.50::decimal(5,2), timestamptz '2024-01-02 03:04:05.123456+01', timestamp '1969-12-31 23:59:59.9999',
      date '2024-01-02', 'nan'::double, {'a': 2::bigint, 'l': [3::bigint]}, map {'k': 4::bigint}, true, null`),
  ).toEqual([
    [
      1,
      '9007199254740993',
      '1.50',
      '2024-01-02T02:04:05.123456Z',
      '1969-12-31T23:59:59.999900',
      '2024-01-02',
      'NaN',
      { a: 2, l: [3] },
      { k: 4 },
      true,
      null,
    ],
  ])
})

test('parameters keep their types, and sessions are in UTC', async () => {
  const engine = await session()
  expect(
    await engine.rows(
      sql`select typeof(${5}) as number, typeof(${5n}) as big, typeof(${1.5}) as fraction, typeof(${'x'}) as text, current_setting('TimeZone') as zone`,
    ),
  ).toEqual([{ number: 'BIGINT', big: 'BIGINT', fraction: 'DOUBLE', text: 'VARCHAR', zone: 'UTC' }])
})

test('rows that readers of files gave are counted apart from what came of them', async () => {
  const engine = await session()
  const { scanned } = await engine.counting(() =>
    engine.rows(
      sql`select count(*) from read_csv(${new URL('../../../package.json', import.meta.url).pathname}, auto_detect = false, columns = {'line': 'VARCHAR'}, header = false, delim = '\x01', quote = '', escape = '')`,
    ),
  )
  expect(scanned).toBeGreaterThan(50n)
})
