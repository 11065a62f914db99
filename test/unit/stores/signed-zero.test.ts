import { expect, test } from 'vitest'
import { sql } from '../../../src/engine/sql.ts'
import { Bench, load } from './support.ts'

test('rows of 0.0 are found in a file where -0.0 comes before them', async () => {
  await using bench = await Bench.make()
  const table = await bench.open()
  const columns = [{ name: 'zero', type: 'DOUBLE', nullable: true }]
  const values = sql`select (case i % 3 when 0 then '-0.0' when 1 then '0.0' end)::double from range(300) as r(i)`
  await load(table, { batch: 1n, add: values, columns })
  for (const zero of ['0.0', '-0.0']) {
    const [found] = await bench.session.rows(sql`select count(*)::int as n from (${await table.current()}) where zero = ${zero}::double`)
    expect(found, zero).toEqual({ n: 200 })
  }
})
