import type { Session } from '../engine/engine.ts'
import { id, raw, type Sql, sql } from '../engine/sql.ts'
import type { Manifest } from '../model/manifest.ts'
import type { TableConfig } from '../model/table.ts'
import type { DamageFound } from '../model/verification.ts'
import type { TableState } from '../stores/store.ts'
import { loadsInForce, type ReadManifest } from './undone.ts'

/** The column that says which landing file a row came from. */
const SOURCE_FILE = '_source_file'

/** Differences that are told one by one. */
const TOLD = 1000

/** Rows that are expected are handed over in parts of this size. */
const PAGE = 10_000

export interface RowsToVerify {
  readonly table: TableConfig
  readonly state: TableState
  /** A query of the table's rows. */
  readonly rows: Sql
  readonly session: Session
  readonly lastBatch: bigint | null
  readonly read: ReadManifest
}

/**
 * Counts the rows of each landing file again, where the strategy keeps them as they came: append, and the snapshot of an
 * overwrite. Rows of other writers bear no file, and are not ours to judge.
 */
export async function verifyRows(given: RowsToVerify): Promise<readonly DamageFound[]> {
  const { table, state, rows, session } = given
  const isSnapshot = table.strategy === 'overwrite' && table.overwriteScope === 'table'
  if (table.strategy !== 'append' && !isSnapshot) return []
  const expected = await expectedRows(given, isSnapshot)
  const source = state.columns.find(({ name }) => name.toLowerCase() === SOURCE_FILE)
  if (source === undefined) return verifyTotal(expected, rows, session)
  const name = id(session.temporaryName('expected_rows'))
  await session.run(sql`create temp table ${name} (path varchar, rows bigint)`)
  try {
    for (let start = 0; start < expected.length; start += PAGE) {
      const page = JSON.stringify(expected.slice(start, start + PAGE).map(([path, count]) => ({ path, rows: count.toString() })))
      await session.run(sql`insert into ${name} select r.path, r.rows::bigint from (
        select unnest(from_json(${page}::json, '[{"path": "VARCHAR", "rows": "VARCHAR"}]')) as r)`)
    }
    const counted = sql`select ${id(source.name)} as path, count(*) as rows from (${rows}) where ${id(source.name)} is not null group by all`
    const differing =
      await session.rows(sql`select coalesce(c.path, e.path) as path, coalesce(c.rows, 0)::bigint as found, coalesce(e.rows, 0) as loaded
      from (${counted}) as c full join ${name} as e on c.path = e.path where coalesce(c.rows, 0) <> coalesce(e.rows, 0)
      order by path limit ${raw(String(TOLD))}`)
    return differing.map(({ path, found, loaded }) => ({
      damage: 'rows_differ',
      file: String(path),
      version: null,
      detail: `the table has ${String(found)} rows of it, ${String(loaded)} were loaded`,
    }))
  } finally {
    await session.run(sql`drop table if exists ${name}`)
  }
}

async function expectedRows({ lastBatch, read }: RowsToVerify, isSnapshot: boolean): Promise<readonly (readonly [string, bigint])[]> {
  const expected = new Map<string, bigint>()
  const add = (path: string, rows: bigint) => expected.set(path, (expected.get(path) ?? 0n) + rows)
  for await (const manifest of loadsInForce(lastBatch, read)) {
    for (const { path, rows } of manifest.files) add(path, rows.loaded)
    for (const { path, rows } of manifest.resubmit?.files ?? []) add(path, rows.loaded)
    if (isSnapshot && loadsRows(manifest)) break
  }
  return [...expected]
}

function loadsRows({ files }: Manifest): boolean {
  return files.length > 0
}

/** Other writers may have added rows, and nothing tells theirs from ours: fewer than were loaded are too few. */
async function verifyTotal(expected: readonly (readonly [string, bigint])[], rows: Sql, session: Session): Promise<readonly DamageFound[]> {
  const loaded = expected.reduce((sum, [, count]) => sum + count, 0n)
  const [counted] = await session.rows(sql`select count(*) as rows from (${rows})`)
  const found = BigInt(String(counted?.['rows'] ?? 0))
  if (found >= loaded) return []
  return [{ damage: 'rows_differ', file: null, version: null, detail: `the table has ${found} rows, ${loaded} were loaded` }]
}
