import { damageIn } from '../delta/damage.ts'
import { type PartitionColumn, partitionValue } from '../delta/partition.ts'
import { columnsOf } from '../delta/schema.ts'
import type { LogState, Snapshot } from '../delta/snapshot.ts'
import type { TableLog } from '../delta/table-log.ts'
import { id, join, literal, raw, type Sql, sql } from '../engine/sql.ts'
import { BugError, TableError } from '../errors/errors.ts'

const FILE = '__ingestd_file'

/** The partition columns of a table, typed. */
export function partitionColumnsOf({ metadata, fields }: LogState): readonly PartitionColumn[] {
  const types = new Map(columnsOf(fields).map((column) => [column.name, column.type]))
  return metadata.partitionColumns.map((name) => ({ name, type: types.get(name) ?? 'VARCHAR' }))
}

/** A query of the table's rows. The list of files is a variable of the session, so it can be of any length. */
export async function currentRows(log: TableLog): Promise<Sql> {
  const snapshot = existing(log)
  const columns = columnsOf(snapshot.state.fields)
  const files = await dataFiles(snapshot, log)
  const variable = log.session.temporaryName('delta_paths')
  await log.session.run(sql`set variable ${id(variable)} = (select list(file order by file) from (${files}))`)
  const [counted] = await log.session.rows(sql`select len(getvariable(${literal(variable)})) as files`)
  if (counted?.['files'] === null || counted?.['files'] === undefined) {
    return sql`select ${join(columns.map(({ name, type }) => sql`null::${raw(type)} as ${id(name)}`))} where false`
  }
  await checkDataFiles(files, variable, log)
  return rowsOf(snapshot.state, variable, files)
}

/** A query of the partitions and the greatest `ingestd.sequence` among the files of each. */
export async function sequencesOfPartitions(log: TableLog): Promise<Sql> {
  const snapshot = existing(log)
  const columns = partitionColumnsOf(snapshot.state).map(
    (column) => sql`${partitionValue(column, sql`"add"."partitionValues"`)} as ${id(column.name)}`,
  )
  const sequence = sql`max("add".tags['ingestd.sequence']) as "sequence"`
  return sql`select ${join([...columns, sequence])} from ${await snapshot.files()} group by all`
}

function rowsOf(state: LogState, variable: string, files: Sql): Sql {
  const partitions = new Map(partitionColumnsOf(state).map((column) => [column.name, column]))
  const columns = columnsOf(state.fields)
  // Types are given by the log: a file of an older schema lacks columns, and is filled with nulls.
  const schema = columns.flatMap(({ name, type }) =>
    partitions.has(name) ? [] : [sql`${literal(name)}: {name: ${literal(name)}, type: ${literal(type)}, default_value: null}`],
  )
  // Values of partition columns come from the log, never from the names of folders.
  const read = (filename: Sql) =>
    sql`read_parquet(getvariable(${literal(variable)}), hive_partitioning = false${filename}, schema = map {${join(schema)}})`
  if (partitions.size === 0) return sql`select ${join(columns.map(({ name }) => id(name)))} from ${read(raw(''))}`
  const values = columns.map(({ name }) => {
    const partition = partitions.get(name)
    return partition === undefined ? sql`r.${id(name)}` : sql`${partitionValue(partition, sql`f."values"`)} as ${id(name)}`
  })
  return sql`select ${join(values)} from ${read(raw(`, filename = '${FILE}'`))} as r join (${files}) as f on r.${id(FILE)} = f.file`
}

/** Query of file (absolute), path (as logged), size and partition values of the active files. Refuses files outside the table's folder. */
async function dataFiles(snapshot: Snapshot, log: TableLog): Promise<Sql> {
  const root = `${log.blobs.localPath('')}/`
  const decoded = sql`select path, "add".size as size, "add"."partitionValues" as "values", regexp_replace(url_decode(path), '^file:(//)?', '') as p from ${await snapshot.files()}`
  const inner = sql`select path, size, "values", case when starts_with(p, ${literal(root)}) then substr(p, length(${literal(root)}) + 1) else p end as p from (${decoded})`
  const isOutside = sql`starts_with(p, '/') or regexp_matches(p, '^[A-Za-z][A-Za-z0-9+.-]*:/') or list_contains(string_split(p, '/'), '..')`
  const [outside] = await log.session.rows(sql`select path from (${inner}) where ${isOutside} limit 1`)
  if (outside) {
    throw new TableError(
      'ING-TABLE-DATA-FILE',
      `${log.name}: the data file ${String(outside['path'])} lies outside the folder of the table`,
      {
        hint: 'copy the table with its data files (a deep clone)',
      },
    )
  }
  return sql`select ${literal(root)} || p as file, path, size, "values" from (${inner})`
}

/** A reader that meets a missing file half-way fails with an error of the engine; the log says which file it should be. */
async function checkDataFiles(files: Sql, variable: string, log: TableLog): Promise<void> {
  const found = sql`select filename, size from read_blob(getvariable(${literal(variable)}))`
  const query = sql`select f.path, b.size is null as missing from (${files}) as f left join (${found}) as b on b.filename = f.file
    where b.size is null or b.size <> f.size order by f.path limit 1`
  let problem: string | undefined
  try {
    const [row] = await log.session.rows(query)
    if (row)
      problem = `the data file ${String(row['path'])} ${row['missing'] === true ? 'is missing' : 'has another size than the log says'}`
  } catch (error) {
    const damage = damageIn(error)
    if (damage === undefined) throw error
    problem = `a data file cannot be read: ${damage}`
  }
  if (problem !== undefined)
    throw new TableError('ING-TABLE-DATA-FILE', `${log.name}: ${problem}`, { hint: 'restore the file, or rewrite the table' })
}

function existing(log: TableLog): Snapshot {
  if (log.snapshot === undefined) throw new BugError(`the rows of ${log.name} were asked for before it exists`)
  return log.snapshot
}
