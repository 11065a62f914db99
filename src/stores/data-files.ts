import type { Blobs } from '../blobs/blobs.ts'
import { damageIn } from '../delta/damage.ts'
import { integerOf } from '../delta/decode.ts'
import { partOfQueries } from '../delta/query-parts.ts'
import type { Session } from '../engine/engine.ts'
import { globSafe, id, literal, type Sql, sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'
import { innerPath } from './data-paths.ts'

/** Where the data files of a table lie, and for whom they are read. */
export interface FilesIo {
  /** `database.table`, for messages. */
  readonly name: string
  readonly blobs: Blobs
  readonly session: Session
  /** An older version is read, whose files somebody may have vacuumed. */
  readonly isOlder?: true
}

/**
 * Query of file (absolute), path (as logged), dv, size and partition values of active files. A shallow clone names files of
 * another table by their whole paths, which are read like its own; what is on no local disk is refused.
 */
export async function locatedFiles(files: Sql, { name, blobs, session }: FilesIo): Promise<Sql> {
  const folder = literal(`${blobs.localPath('')}/`)
  // A stray `%` is no escape: some writers log the raw path.
  const isUri = sql`regexp_full_match(path, '([^%]|%[0-9A-Fa-f]{2})*')`
  const plain = sql`regexp_replace(case when ${isUri} then url_decode(path) else path end, '^file:(//(localhost)?)?/', '/')`
  const inner = blobs.isLocal ? plain : innerPath(plain, blobs)
  const decoded = sql`select path, dv, "add".size as size, "add"."partitionValues" as "values", ${inner} as p from ${files}`
  const isElsewhere = sql`regexp_matches(p, '^[A-Za-z][A-Za-z0-9+.-]*:/') or list_contains(string_split(p, '/'), '..')${blobs.isLocal ? sql`` : sql` or starts_with(p, '/')`}`
  const [elsewhere] = await session.rows(sql`select path from (${decoded}) where ${isElsewhere} limit 1`)
  if (elsewhere) {
    throw new TableError('ING-TABLE-DATA-FILE', `${name}: the data file ${String(elsewhere['path'])} lies where it cannot be read`, {
      hint: 'copy the table with its data files (a deep clone)',
    })
  }
  return sql`select case when starts_with(p, '/') then p else ${folder} || p end as file, path, dv, size, "values" from (${decoded})`
}

/** Files of a query (file, size, …) that are asked for at a time. */
const PAGE = 10_000

/** The same as `pathsVariable`, after files that lie elsewhere were copied here. */
export async function fetchedPaths(files: Sql, table: FilesIo): Promise<string | undefined> {
  if (!table.blobs.isLocal) await fetchFiles(files, table)
  return pathsVariable(files, table)
}

async function fetchFiles(files: Sql, { blobs, session }: FilesIo): Promise<void> {
  const folder = `${blobs.localPath('')}/`
  for (let last = ''; ; ) {
    const rows = await session.rows(
      sql`select file, any_value(size) as size from (${files}) where file > ${last} group by file order by file limit ${PAGE}`,
    )
    if (rows.length === 0) return
    const paths = rows.map((row) => String(row['file']))
    await blobs.fetch(
      paths.map((path) => path.slice(folder.length)),
      rows.map((row) => integerOf(row['size'])),
    )
    last = paths.at(-1) ?? ''
  }
}

/**
 * Puts the paths of files (a column `file`) into a variable of the session, which readers take and which may be of any
 * length; undefined for no files. It lives as long as the queries over the table.
 */
export async function pathsVariable(files: Sql, table: Pick<FilesIo, 'session'>): Promise<string | undefined> {
  const { session } = table
  const variable = partOfQueries(table, 'delta_paths', 'variable')
  await session.run(sql`set variable ${id(variable)} = (select list(${globSafe(sql`file`)} order by file) from (${files}))`)
  const [counted] = await session.rows(sql`select coalesce(len(getvariable(${literal(variable)})), 0) as files`)
  return (integerOf(counted?.['files']) ?? 0n) === 0n ? undefined : variable
}

/** A reader that meets a missing file half-way fails with an error of the engine; the log says which file it should be. */
export async function checkDataFiles(files: Sql, variable: string, { name, session, isOlder }: FilesIo): Promise<void> {
  const found = sql`select filename, size from read_blob(getvariable(${literal(variable)}))`
  const query = sql`select f.path, b.size is null as missing from (${files}) as f left join (${found}) as b on b.filename = f.file
    where b.size is null or b.size <> f.size order by f.path limit 1`
  let problem: string | undefined
  try {
    const [row] = await session.rows(query)
    if (row)
      problem = `the data file ${String(row['path'])} ${row['missing'] === true ? 'is missing' : 'has another size than the log says'}`
  } catch (error) {
    const damage = damageIn(error)
    if (damage === undefined) throw error
    problem = `a data file cannot be read: ${damage}`
  }
  if (problem !== undefined)
    throw new TableError('ING-TABLE-DATA-FILE', `${name}: ${problem}`, { hint: isOlder ? OLDER : 'restore the file, or rewrite the table' })
}

const OLDER = 'it was vacuumed or deleted: choose a later version, or put the file back'
