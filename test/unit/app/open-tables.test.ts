import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { OpenTables } from '../../../src/app/open-tables.ts'
import { sql } from '../../../src/engine/sql.ts'
import { Bench, load } from '../stores/support.ts'

test('a table whose log was cleaned up beyond what is known, or set back, is opened anew by the next call', async () => {
  await using bench = await Bench.make()
  const tables = new OpenTables(() => bench.open())
  const other = await bench.open()
  await load(other, { batch: 1n, add: sql`select 1, 'x'` })
  const known = await tables.at(bench.table())
  expect(known.state?.version).toBe(0n)
  for (let batch = 2n; batch <= 12n; batch += 1n) await load(other, { batch, add: sql`select ${batch}, 'x'` })
  const log = join(bench.root, '_delta_log')
  const gone = readdirSync(log).filter((name) => name < '00000000000000000010')
  for (const name of gone) rmSync(join(log, name))
  await expect(tables.at(bench.table())).rejects.toMatchObject({ code: 'ING-TABLE-LOG' })
  const opened = await tables.at(bench.table())
  expect(opened.state?.version).toBe(11n)
  expect(await bench.rowsOf(opened)).toHaveLength(12)
  rmSync(join(log, '00000000000000000011.json'))
  await expect(tables.at(bench.table())).rejects.toMatchObject({ code: 'ING-TABLE-LOG' })
  expect((await tables.at(bench.table())).state?.version).toBe(10n)
})
