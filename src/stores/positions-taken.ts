import { integerOf } from '../delta/decode.ts'
import { deletedRows } from '../delta/deletion-vectors/read.ts'
import { partOfQueries } from '../delta/query-parts.ts'
import type { Snapshot } from '../delta/snapshot.ts'
import type { TableLog } from '../delta/table-log.ts'
import { id, literal, type Sql, sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'
import { checkDataFiles, fetchedPaths, locatedFiles } from './data-files.ts'

/** The rows that a plan takes, and the files that lose them. */
export interface TakenFiles extends AsyncDisposable {
  /** Relation (n, row): each place once, and none that is deleted already; `n` is the number of the file. */
  readonly rowsOf: Sql
  /** Relation (n, path as logged, dv, "add", taken, stored, live, whole): rows taken of each file, those that lie in it, those that were left, and whether none stays. */
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
  const rowsOf = id(partOfQueries(log, 'delta_taken', 'table'))
  const files = id(partOfQueries(log, 'delta_touched', 'table'))
  const named = id(partOfQueries(log, 'delta_numbered', 'table'))
  const drop = async () => {
    await session.run(sql`drop table if exists ${rowsOf}`)
    await session.run(sql`drop table if exists ${named}`)
    await session.run(sql`drop table if exists ${files}`)
  }
  try {
    await numberedRows(positions, { rowsOf, named }, snapshot, log)
    await touchedFiles({ rowsOf, files, named }, snapshot, log)
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

/** Files get numbers: paths of millions of rows would fill the memory. */
async function numberedRows(
  positions: Sql,
  { rowsOf, named }: { readonly rowsOf: Sql; readonly named: Sql },
  snapshot: Snapshot,
  { session, name }: TableLog,
): Promise<void> {
  await session.run(sql`create temp table ${named} as select row_number() over (order by path) as n, path from ${await snapshot.files()}`)
  const given = sql`(${positions}) as given(path, "row")`
  await session.run(
    sql`create temp table ${rowsOf} as select distinct f.n, given."row"::bigint as "row" from ${given} left join ${named} as f on f.path = given.path::varchar`,
  )
  const [unknown] = await session.rows(sql`select 1 from ${rowsOf} where n is null limit 1`)
  if (unknown === undefined) return
  const [first] = await session.rows(sql`select given.path::varchar as path from ${given}
    where not exists (select 1 from ${named} as f where f.path = given.path::varchar) order by path nulls first limit 1`)
  throw misplaced(name, `${String(first?.['path'])} is none of its files`)
}

async function touchedFiles(
  { rowsOf, files, named }: { readonly rowsOf: Sql; readonly files: Sql; readonly named: Sql },
  snapshot: Snapshot,
  log: TableLog,
): Promise<void> {
  const { session, name } = log
  const touched = sql`(select n, path, dv, "add" from ${await snapshot.files()} join ${named} using (path) where n in (select n from ${rowsOf}))`
  const deleted = await deletedRows(touched, log)
  if (deleted !== null) {
    await session.run(sql`delete from ${rowsOf} as t using (select f.n, old."row" from ${deleted} as old join ${named} as f using (path)) as gone
      where t.n = gone.n and t."row" = gone."row"`)
  }
  const stored = await storedRows(touched, log)
  // What no vector has deleted by the log's own count is what a reader sees.
  await session.run(sql`create temp table ${files} as select *, live = taken as whole from (
    select f.n, f.path, f.dv, f."add", t.taken, t.highest, t.lowest, s.stored, s.stored - coalesce(f."add"."deletionVector".cardinality, 0) as live
    from ${touched} as f join (select n, count(*) as taken, max("row") as highest, min("row") as lowest from ${rowsOf} group by n) as t using (n)
    join ${stored} as s using (path))`)
  const [beyond] = await session.rows(
    sql`select path, stored from ${files} where highest >= stored or lowest < 0 or lowest is null order by path limit 1`,
  )
  if (beyond) throw misplaced(name, `${String(beyond['path'])} has ${String(beyond['stored'])} rows, and one beyond them was named`)
}

/** Rows of each file by its own footer: relation (path, stored). */
async function storedRows(files: Sql, log: TableLog): Promise<Sql> {
  const located = await locatedFiles(files, log)
  const variable = await fetchedPaths(located, log)
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
