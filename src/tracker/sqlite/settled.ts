import type BetterSqlite from 'better-sqlite3'

const SUMMED = ['rows_loaded', 'rows_rejected', 'bytes']

/**
 * Has the database keep the sums of files in the states in which most of them stay, whatever statement moves them. A move between other states,
 * as a claim, costs nothing.
 */
export function keepSettled(database: BetterSqlite.Database, table: string): void {
  const name = (suffix: string) => `"${(table + suffix).replaceAll('"', '""')}"`
  const settled = name('_settled')
  const isSettled = (row: 'old' | 'new') => `${row}.status in ('completed', 'skipped')`
  const columns = SUMMED.join(', ')
  const values = SUMMED.map((column) => `coalesce(new.${column}, 0)`).join(', ')
  const more = SUMMED.map((column) => `${column} = ${column} + excluded.${column}`).join(', ')
  const less = SUMMED.map((column) => `${column} = ${column} - coalesce(old.${column}, 0)`).join(', ')
  const add = `insert into ${settled} (table_name, status, files, ${columns}) values (new.table_name, new.status, 1, ${values})
    on conflict (table_name, status) do update set files = files + 1, ${more};`
  const take = `update ${settled} set files = files - 1, ${less} where table_name = old.table_name and status = old.status;`
  const changed = `update of status, ${columns}`
  for (const [suffix, event, row, statement] of [
    ['_inserted', 'insert', 'new', add],
    ['_deleted', 'delete', 'old', take],
    ['_left', changed, 'old', take],
    ['_entered', changed, 'new', add],
  ] as const) {
    database.exec(
      `create trigger if not exists ${name(suffix)} after ${event} on ${name('')} when ${isSettled(row)} begin ${statement} end`,
    )
  }
}
