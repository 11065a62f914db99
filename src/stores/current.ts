import { mappingMode } from '../delta/column-mapping.ts'
import { integerOf } from '../delta/decode.ts'
import { deletedRows } from '../delta/deletion-vectors/read.ts'
import { type PartitionColumn, partitionColumnsAmong, partitionValue } from '../delta/partition.ts'
import { columnsOf } from '../delta/schema.ts'
import type { LogState, Snapshot } from '../delta/snapshot.ts'
import { id, join, literal, raw, type Sql, sql } from '../engine/sql.ts'
import { BugError } from '../errors/errors.ts'
import { checkDataFiles, type FilesIo, fetchedPaths, locatedFiles, pathsVariable } from './data-files.ts'
import { type FileGroup, groupsOf } from './file-layouts.ts'

/** A table at the version of its snapshot. */
export interface TableAt extends FilesIo {
  readonly snapshot: Snapshot | undefined
}

/** Names of two further columns that say where a row lies. */
export interface Position {
  /** VARCHAR: the path of the data file as the log has it. */
  readonly file: string
  /** BIGINT: the number of the row in its file, from 0. */
  readonly row: string
}

/** Where `locatedRows` says a row lies. */
export const POSITION: Position = { file: '__file', row: '__position' }

/** The partition columns of a table, typed. */
export function partitionColumnsOf(state: LogState): readonly PartitionColumn[] {
  return partitionColumnsAmong(state.fields, state.metadata.partitionColumns, mappingMode(state))
}

/** A query of the table's rows. The list of files is a variable of the session, so it can be of any length. */
export async function currentRows(table: TableAt): Promise<Sql> {
  return rowsOfFiles(table, await existing(table).files())
}

/** The rows of some active files (all when left out), and where each lies. */
export async function locatedRows(table: TableAt, files?: Sql): Promise<Sql> {
  return rowsOfFiles(table, files ?? (await existing(table).files()), POSITION)
}

/** A query of the rows of some active files, a relation as `Snapshot.files` gives; rows that are deleted are left out. */
export async function rowsOfFiles(table: TableAt, files: Sql, position?: Position): Promise<Sql> {
  const { state } = existing(table)
  const located = await locatedFiles(files, table)
  const variable = await fetchedPaths(located, table)
  if (variable === undefined) return noRows(state, position)
  await checkDataFiles(located, variable, table)
  const deleted = await deletedRows(files, table)
  if (deleted === null) return readAll(located, variable, { state, table, position })
  const queries: Sql[] = []
  for (const [some, without] of [
    [sql`select * from (${located}) where dv = ''`, null],
    [sql`select * from (${located}) where dv <> ''`, deleted],
  ] as const) {
    const paths = await pathsVariable(some, table)
    if (paths !== undefined) queries.push(await readAll(some, paths, { state, table, position, deleted: without }))
  }
  return join(queries, ' union all ')
}

/** The rows of data files that are not in the log: a relation of file (absolute) and "values" (MAP of partition values). */
export async function rowsOfLocalFiles(state: LogState, files: Sql, table: FilesIo, position?: Position): Promise<Sql> {
  // Of what size they are matters to nobody but the planner of joins.
  const located = sql`select file, file as path, "values", 1048576::bigint as size from ${files}`
  const variable = await pathsVariable(located, table)
  return variable === undefined ? noRows(state, position) : readAll(located, variable, { state, table, position })
}

/** A query of the partitions and the greatest `ingestd.sequence` among the files of each. */
export async function sequencesOfPartitions(table: TableAt): Promise<Sql> {
  const snapshot = existing(table)
  const values = partitionValuesOf(snapshot.state, sql`"add"."partitionValues"`)
  const columns = [...values].map(([name, value]) => sql`${value} as ${id(name)}`)
  const sequence = sql`max("add".tags['ingestd.sequence']) as "sequence"`
  return sql`select ${join([...columns, sequence])} from ${await snapshot.files()} group by all`
}

interface Reading {
  readonly state: LogState
  readonly table: FilesIo
  readonly position?: Position | undefined
  readonly deleted?: Sql | null
}

async function readAll(files: Sql, variable: string, reading: Reading): Promise<Sql> {
  const groups = await groupsOf(files, variable, reading.state, reading.table)
  const { estimate, paths } = await sizeOf(files, reading.table)
  // The reader numbers its files in the order of its list; of several groups each has a list of its own.
  const located = groups.length > 1 ? files : sql`select *, (row_number() over (order by file) - 1)::ubigint as number from (${files})`
  return join(
    groups.map((group) =>
      readGroup(group, located, { ...reading, estimate, paths: groups.length === 1 ? paths : null, isNumbered: groups.length === 1 }),
    ),
    ' union all ',
  )
}

/**
 * Where the schema is given the engine takes a file for empty until it reads it, and would keep all rows of a table in the
 * memory to join them with a handful of others. A row for each byte is too many rather than too few.
 */
async function sizeOf(files: Sql, { session }: FilesIo): Promise<Size> {
  const [sum] = await session.rows(sql`select coalesce(sum(size), 0)::bigint as bytes,
    case when count(*) <= ${raw(String(FEW))} then list(path order by file) end as paths from (${files})`)
  const paths = sum?.['paths']
  return { estimate: (integerOf(sum?.['bytes']) ?? 0n) + 1n, paths: Array.isArray(paths) ? paths.map(String) : null }
}

/** Files up to which each is named within the query: every row of the table would be joined with them. */
const FEW = 8

interface Size {
  /** Rows that the engine is to expect. */
  readonly estimate: bigint
  /** Of few files: their paths as logged, in the order in which the reader numbers them. */
  readonly paths: readonly string[] | null
}

function readGroup(
  { variable, reads }: FileGroup,
  files: Sql,
  { state, position, deleted, estimate, paths, isNumbered }: Reading & Size & { readonly isNumbered: boolean },
): Sql {
  // Partition columns are read from the log, never from the names of folders; what files say of them counts for nothing.
  const partitions = partitionValuesOf(state, sql`f."values"`)
  const data = state.fields.filter((field) => !partitions.has(field.name))
  // Columns bear names of ours, so that none of the table's is taken for the file's name or the number of the row.
  const values = new Map(data.map((field, index) => [field.name, reads[index]?.value(sql`r.${id(`c${index}`)}`) ?? raw('null')]))
  // Types are given: a file of an older schema lacks columns, and is filled with nulls; a narrower one is widened.
  const sources = reads.flatMap(({ source }, index) =>
    source === null
      ? []
      : [sql`${literal(source.name)}: {name: ${literal(`c${index}`)}, type: ${literal(source.type)}, default_value: null}`],
  )
  // The reader takes no empty schema.
  const schema = sources.length > 0 ? sources : [sql`'': {name: 'none', type: 'BOOLEAN', default_value: null}`]
  const read = sql`read_parquet(getvariable(${literal(variable)}), hive_partitioning = false, explicit_cardinality = ${raw(String(estimate))}, schema = map {${join(schema)}}) as r`
  const columns = state.fields.map(({ name }) => sql`${values.get(name) ?? partitions.get(name) ?? raw('null')} as ${id(name)}`)
  const isKnown = position === undefined || paths !== null
  const isPlain = partitions.size === 0 && isKnown && !deleted
  const path = isPlain && paths !== null ? pathByNumber(paths) : raw('f.path')
  const places = position === undefined ? [] : [sql`${path} as ${id(position.file)}`, sql`r.file_row_number as ${id(position.row)}`]
  // Otherwise every row is joined with its file: numbers compare faster than paths.
  const from = isPlain ? read : sql`${read} join (${files}) as f on ${raw(isNumbered ? 'f.number = r.file_index' : 'f.file = r.filename')}`
  // A join, since `not exists` would gather all places of the table first.
  const left = deleted ? sql` anti join ${deleted} as d on d.path = f.path and d."row" = r.file_row_number` : raw('')
  return sql`select ${join([...columns, ...places])} from ${from}${left}`
}

/** The path of the file that a row comes from; the number is the same for all rows of a chunk, so that it is looked up once. */
function pathByNumber(paths: readonly string[]): Sql {
  if (paths.length === 0) return raw('null::varchar')
  return sql`case r.file_index ${join(
    paths.map((path, number) => sql`when ${raw(String(number))} then ${literal(path)}`),
    ' ',
  )} end`
}

/** Values of the partition columns by their names, from the map of an action. */
function partitionValuesOf(state: LogState, values: Sql): ReadonlyMap<string, Sql> {
  return new Map(partitionColumnsOf(state).map((column) => [column.name, partitionValue(column, values)]))
}

function noRows(state: LogState, position: Position | undefined): Sql {
  const columns = columnsOf(state.fields).map(({ name, type }) => sql`null::${raw(type)} as ${id(name)}`)
  const places = position === undefined ? [] : [sql`null::varchar as ${id(position.file)}`, sql`null::bigint as ${id(position.row)}`]
  return sql`select ${join([...columns, ...places])} where false`
}

function existing({ snapshot, name }: TableAt): Snapshot {
  if (snapshot === undefined) throw new BugError(`the rows of ${name} were asked for before it exists`)
  return snapshot
}
