import { integerOf } from '../delta/decode.ts'
import { deletedRows } from '../delta/deletion-vectors/read.ts'
import type { Snapshot } from '../delta/snapshot.ts'
import type { TableLog } from '../delta/table-log.ts'
import { id, literal, type Sql, sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'
import { checkDataFiles, locatedFiles, pathsVariable } from './data-files.ts'

/** The rows that a plan takes, and the files that lose them. */
export interface TakenFiles extends AsyncDisposable {
  /** Relation (path as logged, row): each place once, and none that is deleted already. */
  readonly rowsOf: Sql
  /** Relation (n, path, dv, "add", taken, stored, live, whole): rows taken of each file, those that lie in it, those that were left, and whether none stays. */
  readonly files: Sql
  readonly rows: bigint
  readonly counts: TakenCounts
}

/** Of the files that lose rows. */
export interface TakenCounts {
  readonly touched: bigint
  /** That lose all. */
  readonly whole: bigint
  readonly withVectorBefore: bigint
  readonly wholeWithVector: bigint
}

/** Brings the positions of a plan together with the active files. TableError for places that the table does not have. */
export async function takenFiles(positions: Sql, snapshot: Snapshot, log: TableLog): Promise<TakenFiles> {
  const { session } = log
  const rowsOf = id(session.temporaryName('delta_taken'))
  const files = id(session.temporaryName('delta_touched'))
  const drop = async () => {
    await session.run(sql`drop table if exists ${rowsOf}`)
    await session.run(sql`drop table if exists ${files}`)
  }
  try {
    await session.run(
      sql`create temp table ${rowsOf} as select distinct path::varchar as path, "row"::bigint as "row" from (${positions}) as given(path, "row")`,
    )
    await touchedFiles({ rowsOf, files }, snapshot, log)
    const [sums] =
      await session.rows(sql`select coalesce(sum(taken), 0)::bigint as rows, count(*) as touched, count(*) filter (whole) as whole,
      count(*) filter (dv <> '') as vectors, count(*) filter (whole and dv <> '') as wholes from ${files}`)
    const counted = (name: string) => integerOf(sums?.[name]) ?? 0n
    const counts = {
      touched: counted('touched'),
      whole: counted('whole'),
      withVectorBefore: counted('vectors'),
      wholeWithVector: counted('wholes'),
    }
    return { rowsOf, files, rows: counted('rows'), counts, [Symbol.asyncDispose]: drop }
  } catch (error) {
    await drop()
    throw error
  }
}

async function touchedFiles(
  { rowsOf, files }: { readonly rowsOf: Sql; readonly files: Sql },
  snapshot: Snapshot,
  log: TableLog,
): Promise<void> {
  const { session, name } = log
  const active = await snapshot.files()
  const [unknown] = await session.rows(
    sql`select path from ${rowsOf} anti join ${active} as f using (path) order by path nulls first limit 1`,
  )
  if (unknown) throw misplaced(name, `${String(unknown['path'])} is none of its files`)
  const touched = sql`(select path, dv, "add" from ${active} where path in (select path from ${rowsOf}))`
  const deleted = await deletedRows(touched, log)
  if (deleted !== null) {
    await session.run(sql`delete from ${rowsOf} as t using ${deleted} as old where t.path = old.path and t."row" = old."row"`)
  }
  const stored = await storedRows(touched, log)
  // What no vector has deleted by the log's own count is what a reader sees.
  await session.run(sql`create temp table ${files} as select row_number() over (order by path) as n, *, live = taken as whole from (
    select f.path, f.dv, f."add", t.taken, t.highest, t.lowest, s.stored, s.stored - coalesce(f."add"."deletionVector".cardinality, 0) as live
    from ${touched} as f join (select path, count(*) as taken, max("row") as highest, min("row") as lowest from ${rowsOf} group by path) as t using (path)
    join ${stored} as s using (path))`)
  const [beyond] = await session.rows(
    sql`select path, stored from ${files} where highest >= stored or lowest < 0 or lowest is null order by path limit 1`,
  )
  if (beyond) throw misplaced(name, `${String(beyond['path'])} has ${String(beyond['stored'])} rows, and one beyond them was named`)
}

/** Rows of each file by its own footer: relation (path, stored). */
async function storedRows(files: Sql, log: TableLog): Promise<Sql> {
  const located = await locatedFiles(files, log)
  const variable = await pathsVariable(located, log.session)
  if (variable === undefined) return sql`(select null::varchar as path, 0::bigint as stored where false)`
  await checkDataFiles(located, variable, log)
  return sql`(select f.path, m.num_rows::bigint as stored from (${located}) as f
    join parquet_file_metadata(getvariable(${literal(variable)})) as m on m.file_name = f.file)`
}

function misplaced(table: string, problem: string): TableError {
  return new TableError('ING-TABLE-STRATEGY', `${table}: the strategy removes rows that the table does not have: ${problem}`, {
    hint: 'positions are (file, row) as `current` gives them in __file and __position',
  })
}
