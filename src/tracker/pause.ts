import { inTransaction, type Ledger, ROWS } from './ledger.ts'

/** Those that were not paused before. */
export async function pause(ledger: Ledger, tables: readonly string[]): Promise<readonly string[]> {
  return inTransaction(ledger, ROWS, async (within) => {
    const before = await pausedTables(within)
    const changed = tables.filter((table) => !before.has(table))
    for (const table of changed) {
      await within.db
        .insertInto('target')
        .values({ table_name: table, paused: 1n })
        .onConflict((conflict) => conflict.column('table_name').doUpdateSet({ paused: 1n }))
        .execute()
    }
    return changed
  })
}

/** Those that were paused before. */
export async function resume(ledger: Ledger, tables: readonly string[]): Promise<readonly string[]> {
  return inTransaction(ledger, ROWS, async (within) => {
    const before = await pausedTables(within)
    const changed = tables.filter((table) => before.has(table))
    for (const table of changed) await within.db.updateTable('target').set({ paused: 0n }).where('table_name', '=', table).execute()
    return changed
  })
}

export async function pausedTables({ db }: Ledger): Promise<ReadonlySet<string>> {
  const rows = await db.selectFrom('target').select('table_name').where('paused', '<>', 0n).execute()
  return new Set(rows.map((row) => row.table_name))
}
