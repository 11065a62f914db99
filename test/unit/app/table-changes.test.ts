import { expect, it } from 'vitest'
import { withTableChanges } from '../../../src/app/table-changes.ts'
import type { ResolvedConfig } from '../../../src/config/config.ts'
import { session } from '../../support/session.ts'

const NO_TABLES = { tables: [] } as unknown as ResolvedConfig

it('constants, names in quotes and comments are no calls', async () => {
  const text = `select 'table_changes(', "table_changes(" -- table_changes(
    /* table_changes('a.b', 1) */ from not_table_changes('a.b', 1)`
  expect(await withTableChanges(text, NO_TABLES, await session())).toBe(text)
})

it.each([
  'table_changes()',
  'table_changes(orders, 1, 2)',
  "table_changes('orders')",
  "TABLE_CHANGES ('orders', 1, 2, 3)",
  "table_changes('orders', -1)",
])('%s is told how to be written', async (call) => {
  await expect(withTableChanges(`select * from ${call}`, NO_TABLES, await session())).rejects.toMatchObject({
    code: 'ING-QUERY',
    hint: expect.stringContaining("table_changes('database.table', 3, 7)"),
  })
})

it('a table that the config does not have, and a point that is neither version nor time, are told', async () => {
  const engine = await session()
  await expect(withTableChanges("from table_changes('no.where', 1)", NO_TABLES, engine)).rejects.toMatchObject({
    code: 'ING-CONFIG-TABLE-UNKNOWN',
  })
  const config = { tables: [{ name: 'db.t', tableName: 't', databaseName: 'db' }] } as unknown as ResolvedConfig
  await expect(withTableChanges("from table_changes('db.t', 'soon')", config, engine)).rejects.toMatchObject({ code: 'ING-USAGE' })
})
