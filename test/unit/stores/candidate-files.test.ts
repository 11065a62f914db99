import { expect, onTestFinished, test } from 'vitest'
import { raw, sql } from '../../../src/engine/sql.ts'
import { Bench, staged } from './support.ts'

/** Values at the edges of what statistics can hold, each in a file of its own between two others. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  BIGINT: ['(-9223372036854775807 - 1)', '0', '9007199254740993', '9223372036854775807'],
  INTEGER: ['-1', '7'],
  'DECIMAL(38,2)': ['-123456789012345678901234567890.12', '0.10', '12345678901234567890.12', '999999999999999999999999999999999999.99'],
  'DECIMAL(9,3)': ['1.001', '1.010', '-999999.999'],
  VARCHAR: [`'${'a'.repeat(40)}x'`, `'${'a'.repeat(40)}y'`, `'é'`, `'\u{1F600}${'z'.repeat(40)}'`, `''`, `'\uFFFD'`],
  DATE: [`date '0001-01-01'`, `date '2024-02-29'`, `date '9999-12-31'`],
  'TIMESTAMP WITH TIME ZONE': [
    `timestamptz '1969-12-31 23:59:59.999999+00'`,
    `timestamptz '2024-01-02 03:04:05.000999+00'`,
    `timestamptz '2024-01-02 03:04:05.001+00'`,
  ],
  TIMESTAMP: [`timestamp '2024-01-02 03:04:05.999999'`, `timestamp '1500-01-01 00:00:00.000001'`],
  DOUBLE: [`-0.0`, `0.1`, `'nan'::double`, `'inf'::double`, `1e300`],
  BOOLEAN: ['true', 'false'],
  BLOB: [`'\\xFF'::blob`, `'a'::blob`],
}

test.for(Object.entries(VALUES))('a file that holds a key of type %s is never left out', async ([type, values]) => {
  const bench = await Bench.make()
  onTestFinished(() => bench[Symbol.asyncDispose]())
  const columns = [
    { name: 'k', type, nullable: true },
    { name: 'file', type: 'BIGINT', nullable: true },
  ]
  const table = await bench.open()
  for (const [index, value] of values.entries())
    await table.commit(
      await staged(table, { batch: BigInt(index + 1), columns, add: raw(`select ${value}::${type} as k, ${index}::bigint as file`) }),
    )
  for (const [index, value] of values.entries()) {
    const keys = { rows: raw(`(select ${value}::${type} as k)`), columns: ['k'] }
    const rows = await bench.session.rows(
      sql`select file from (${await table.located(keys)}) where k = ${raw(value)}::${raw(type)} and file = ${index}`,
    )
    expect(rows).toHaveLength(1)
  }
})

test('files whose keys lie elsewhere are left out, also between far keys', async () => {
  const bench = await Bench.make()
  onTestFinished(() => bench[Symbol.asyncDispose]())
  const columns = [
    { name: 'a', type: 'BIGINT', nullable: true },
    { name: 'b', type: 'VARCHAR', nullable: true },
  ]
  const table = await bench.open()
  for (const batch of [1n, 2n, 3n, 4n])
    await table.commit(
      await staged(table, { batch, columns, add: sql`select ${batch}::bigint as a, 'x' as b union all select ${batch}, 'z'` }),
    )
  const found = async (rows: string) => {
    const query = await table.located({ rows: raw(`(select * from (values ${rows}) as v(a, b))`), columns: ['a', 'b'] })
    return (await bench.session.rows(sql`select distinct a from (${query}) order by a`)).map((row) => row['a'])
  }
  expect(await found(`(1, 'y'), (4, 'y')`)).toEqual([1n, 4n])
  expect(await found(`(2, 'a')`)).toEqual([])
  expect(await found(`(9, 'y')`)).toEqual([])
})

test('of more keys than are compared one by one, too, files between far keys are left out', async () => {
  const bench = await Bench.make()
  onTestFinished(() => bench[Symbol.asyncDispose]())
  const columns = [{ name: 'a', type: 'BIGINT', nullable: true }]
  const table = await bench.open()
  for (const batch of [1n, 2n, 3n])
    await table.commit(await staged(table, { batch, columns, add: sql`select ${batch}::bigint * 1000000000 as a from range(2)` }))
  const near = sql`select 1000000000::bigint + range from range(204800) union all select 3000000000 - range from range(204800) union all select null`
  const query = await table.located({ rows: sql`(select * from (${near}) as v(a))`, columns: ['a'] })
  expect(await bench.session.rows(sql`select distinct a from (${query}) order by a`)).toEqual([
    { a: 1_000_000_000n },
    { a: 3_000_000_000n },
  ])
})

test('a key that is a partition column is looked for in its partition', async () => {
  const bench = await Bench.make()
  onTestFinished(() => bench[Symbol.asyncDispose]())
  const changes = { partitionColumns: ['name'] }
  const table = await bench.open(changes)
  await table.commit(
    await staged(table, { batch: 1n, add: raw(`select 1::bigint as id, 'a' as name union all select 2, 'b' union all select 3, null`) }),
  )
  const query = await table.located({ rows: raw(`(select 'b' as name)`), columns: ['name'] })
  expect((await bench.session.rows(sql`select id from (${query})`)).map((row) => row['id'])).toEqual([2n])
})

test('a file without statistics can hold any key', async () => {
  const bench = await Bench.make()
  onTestFinished(() => bench[Symbol.asyncDispose]())
  const table = await bench.open({ tableProperties: { 'delta.dataSkippingNumIndexedCols': '0' } })
  await table.commit(await staged(table, { batch: 1n, add: raw(`select 1::bigint as id, 'a' as name`) }))
  const query = await table.located({ rows: raw('(select 99::bigint as id)'), columns: ['id'] })
  expect(await bench.session.rows(sql`select id from (${query})`)).toHaveLength(1)
})
