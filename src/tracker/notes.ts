import { inTransaction, type Ledger, ROWS } from './ledger.ts'

/** What the tracker remembers of a table, beside its files. */
export async function remember(ledger: Ledger, table: string, key: string, value: string): Promise<void> {
  await inTransaction(ledger, ROWS, ({ db }) =>
    db
      .insertInto('note')
      .values({ table_name: table, key, value })
      .onConflict((conflict) => conflict.columns(['table_name', 'key']).doUpdateSet({ value }))
      .execute(),
  )
}

export async function recall(ledger: Ledger, table: string, key: string): Promise<string | undefined> {
  const row = await ledger.db.selectFrom('note').select('value').where('table_name', '=', table).where('key', '=', key).executeTakeFirst()
  return row?.value
}
