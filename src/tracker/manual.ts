import { sql } from 'kysely'
import type { FileStatus } from '../model/file.ts'
import { ALL_TABLES, inTransaction, type Ledger, pathsOf } from './ledger.ts'
import { forgetError, forgetResult, type Move, move, replacePending, statusIn } from './moves.ts'
import { tableNames } from './read.ts'
import type { FileFilter } from './tracker.ts'

export async function retry(ledger: Ledger, filter: FileFilter): Promise<number> {
  return inTransaction(ledger, ALL_TABLES, async (within) =>
    move(within, {
      ...(await chosen(within, filter, ['failed', 'skipped'])),
      to: 'pending',
      // By hand all automatic retries are there again; the last error stays until the next outcome.
      set: [sql`retry_count = 0, next_attempt_at = null, status_reason = null`, ...forgetResult()],
      reason: sql`'retried by hand'`,
    }),
  )
}

/** Lets held files load, in the version that was held, whatever the guard says. */
export async function approve(ledger: Ledger, filter: FileFilter): Promise<number> {
  return inTransaction(ledger, ALL_TABLES, async (within) => {
    const { where, given } = await chosen(within, filter, ['pending'])
    return replacePending(within, {
      where: sql`${where} and f.held_reason is not null`,
      ...(given === undefined ? {} : { given }),
      set: [sql`held_reason = null, approved_version = f.file_version, status_reason = 'approved by hand'`],
      reason: sql`'approved by hand'`,
    })
  })
}

export async function skip(ledger: Ledger, filter: FileFilter, reason: string): Promise<number> {
  return inTransaction(ledger, ALL_TABLES, async (within) => skipFiles(within, await chosen(within, filter, ['pending', 'failed']), reason))
}

export async function skipPending(ledger: Ledger, table: string, paths: readonly string[], reason: string): Promise<number> {
  if (paths.length === 0) return 0
  return inTransaction(ledger, table, async (within) =>
    skipFiles(within, await chosen(within, { tables: [table], paths }, ['pending']), reason),
  )
}

async function skipFiles(ledger: Ledger, which: Pick<Move, 'from' | 'where' | 'given'>, reason: string): Promise<number> {
  return move(ledger, {
    ...which,
    to: 'skipped',
    set: [sql`status_reason = ${reason}, next_attempt_at = null, held_reason = null`],
    reason: sql`${reason}`,
  })
}

export async function replay(ledger: Ledger, table: string, paths: readonly string[] | null, reason: string): Promise<number> {
  const filter = paths === null ? { tables: [table] } : { tables: [table], paths }
  return inTransaction(ledger, table, async (within) =>
    move(within, {
      ...(await chosen(within, filter, ['completed'])),
      to: 'pending',
      // A full drop replaces all rows anyway.
      set: [sql`retry_count = 0, status_reason = ${reason}, replaces = ${paths === null ? null : 1n}`, ...forgetResult(), ...forgetError()],
      reason: sql`${reason}`,
    }),
  )
}

export async function reopenFolders(ledger: Ledger, table: string, folders: readonly string[], reason: string): Promise<number> {
  if (folders.length === 0) return 0
  const prefixes = folders.map((folder) => (folder.endsWith('/') ? folder : `${folder}/`))
  const given = ledger.dialect.relation(
    { prefix: 'text', beyond: 'text' },
    // «0» follows «/»: the range is what the index of paths can seek.
    prefixes.map((prefix) => [prefix, `${prefix.slice(0, -1)}0`]),
  )
  return inTransaction(ledger, table, (within) =>
    move(within, {
      from: ['completed', 'failed'],
      to: 'pending',
      given,
      where: sql`f.table_name = ${table} and f.file_path >= g.prefix and f.file_path < g.beyond
        and substr(f.file_path, length(g.prefix) + 1) not like '%/%'`,
      set: [sql`retry_count = 0, status_reason = ${reason}`, ...forgetResult(), ...forgetError()],
      reason: sql`${reason}`,
    }),
  )
}

/** The files that a filter means; with a limit, the first of them by table and path. */
async function chosen(ledger: Ledger, filter: FileFilter, from: readonly FileStatus[]): Promise<Pick<Move, 'from' | 'where' | 'given'>> {
  const states = filter.status === undefined ? from : from.filter((state) => state === filter.status)
  const { paths } = filter
  // Paths are sought within a table, so all tables are named where none is.
  const tables = filter.tables ?? (paths === undefined ? undefined : await tableNames(ledger))
  const inTables = tables === undefined ? sql`true` : sql`f.table_name in (select t.path from ${pathsOf(ledger, tables)} as t)`
  const given = paths === undefined ? {} : { given: pathsOf(ledger, [...new Set(paths)]) }
  const where = paths === undefined ? inTables : sql`${inTables} and f.file_path = g.path`
  if (filter.limit === undefined) return { from: states, where, ...given }
  const among = given.given === undefined ? sql`` : sql`${given.given} as g, `
  const first = sql`select f.id from ${among}${sql.table('file')} as f where ${statusIn(states)} and ${where}
    order by f.table_name, f.file_path limit ${BigInt(filter.limit)}`
  return { from: states, where: sql`f.id in (${first})` }
}
