import type BetterSqlite from 'better-sqlite3'

/** Rows, then rows that have the same first column, first two columns and so on, as a large tracker has them. */
const STATISTICS: Readonly<Record<string, string>> = {
  by_path: '1000000 250000 1',
  counts: '1000000 250000 50000 10 10 10',
  pending: '100000 50000 1 1',
  processing: '10000 10000',
  failed: '10000 5000 1',
  held: '10 5',
  due: '1000 500 1',
}

/**
 * Tells the planner what a large tracker looks like. Left to itself it takes a table's files for a handful and goes
 * through all of them for each file of a page. Given once instead of measured, so that a plan never changes by itself.
 */
export function fixStatistics(database: BetterSqlite.Database, table: string): void {
  // Makes the table of statistics where it is missing; the second time it has them read.
  database.exec('analyze sqlite_master')
  database.prepare('delete from sqlite_stat1 where tbl = ?').run(table)
  const insert = database.prepare('insert into sqlite_stat1 (tbl, idx, stat) values (?, ?, ?)')
  for (const [index, statistics] of Object.entries(STATISTICS)) insert.run(table, `${table}_${index}`, statistics)
  database.exec('analyze sqlite_master')
}
