import type { Session } from '../engine/engine.ts'
import { id, literalList, raw, type Sql, sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'
import type { FileSeen } from '../model/file.ts'
import type { TakenOutFile } from '../model/manifest.ts'
import type { OpenTable } from '../stores/store.ts'
import type { LoadPlan } from '../strategies/strategy.ts'
import type { LoadContext } from './context.ts'
import type { LoadJob } from './protocol.ts'

/** The column that tells which landing file a row of an append table came from. */
const SOURCE_FILE = '_source_file'

/** Rows that a table has of landing files, found and kept by their places; closing it drops that. */
export interface RowsOfFiles extends AsyncDisposable {
  /** As a batch's manifest tells them, one for each file that was asked for. */
  readonly takenOut: readonly TakenOutFile[]
  /** Query of (file VARCHAR, row BIGINT), as `located` gives them. */
  readonly positions: Sql
  /** Condition on rows of the table that are of none of the files. */
  readonly others: Sql
}

/**
 * Finds the rows of landing files by the audit columns. Data files that can have none, by their statistics, are not read. TableError
 * `ING-TABLE-SOURCE-UNKNOWN` for a table whose rows do not tell where they came from.
 */
export async function rowsOfFiles(paths: readonly string[], name: string, target: OpenTable, session: Session): Promise<RowsOfFiles> {
  const list = sql`(select unnest(${literalList(paths)}::varchar[]) as ${id(SOURCE_FILE)})`
  const others = sql`(${id(SOURCE_FILE)} is null or ${id(SOURCE_FILE)} not in (from ${list}))`
  const table = id(session.temporaryName('rows_of_files'))
  const drop = () => session.run(sql`drop table if exists ${table}`)
  if (target.state === null) return { takenOut: noneOf(paths), positions: NOWHERE, others, [Symbol.asyncDispose]: drop }
  if (!target.state.columns.some((column) => column.name.toLowerCase() === SOURCE_FILE)) throw untold(name, 'it has no audit columns')
  const located = await target.located({ rows: list, columns: [SOURCE_FILE] })
  await session.run(
    sql`create temp table ${table} as select __file as file, __position as "row", ${id(SOURCE_FILE)} as path
      from (${located}) where ${id(SOURCE_FILE)} in (from ${list})`,
  )
  try {
    const counted = new Map(
      (await session.rows(sql`select path, count(*) as rows from ${table} group by path`)).map(({ path, rows }) => [
        String(path),
        BigInt(String(rows)),
      ]),
    )
    if (counted.size < paths.length) await checkTold(name, target, session)
    const takenOut = paths.map((path) => ({ path, rows: counted.get(path) ?? 0n }))
    return { takenOut, positions: sql`select file, "row" from ${table}`, others, [Symbol.asyncDispose]: drop }
  } catch (error) {
    await drop()
    throw error
  }
}

/** Earlier rows of the files of a batch that replace them; undefined where none does. Versions of keys replace one another by themselves. */
export async function replacedRows(
  files: readonly FileSeen[],
  { job, target, context }: { readonly job: LoadJob; readonly target: OpenTable; readonly context: LoadContext },
): Promise<RowsOfFiles | undefined> {
  // By what was claimed: files that were looked at before know nothing of the tracker.
  const asked = new Set(job.batch.files.flatMap(({ path, replaces }) => (replaces === true ? [path] : [])))
  const paths = files.flatMap(({ path }) => (asked.has(path) ? [path] : []))
  if (paths.length === 0 || job.replaceAll || context.strategy.name !== 'append') return undefined
  return rowsOfFiles(paths, job.table.name, target, context.session)
}

/** The same plan, which also takes those rows out: one commit swaps them for the new ones. */
export function replacing(plan: LoadPlan, replaced: RowsOfFiles | undefined): LoadPlan {
  if (takenOutOf(replaced).every(({ rows }) => rows === 0n) || replaced === undefined) return plan
  return { ...plan, remove: { kind: 'positions', positions: replaced.positions }, blindAppend: false, changes: undefined }
}

export function takenOutOf(replaced: RowsOfFiles | undefined): readonly TakenOutFile[] {
  return replaced?.takenOut ?? []
}

const NOWHERE = raw('select null::varchar as file, null::bigint as "row" where false')

function noneOf(paths: readonly string[]): readonly TakenOutFile[] {
  return paths.map((path) => ({ path, rows: 0n }))
}

/** A file that no row names may have rows that name none: they were written while `audit_columns` was off, or by others. */
async function checkTold(name: string, target: OpenTable, session: Session): Promise<void> {
  const found = await session.rows(sql`select 1 from (${await target.current()}) where ${id(SOURCE_FILE)} is null limit 1`)
  if (found.length > 0) throw untold(name, 'some of its rows were written without audit columns')
}

function untold(name: string, reason: string): TableError {
  return new TableError('ING-TABLE-SOURCE-UNKNOWN', `${name}: rows cannot be told by the file that they came from: ${reason}`, {
    hint: `ingest restore ${name} goes back to an older version; ingest run --full-drop --tables ${name} loads all files again`,
  })
}
