import { type MappingMode, mappingMode } from '../delta/column-mapping.ts'
import { type ColumnRead, layoutReads, parquetColumns, plainReads, typeOfColumn } from '../delta/data-layout.ts'
import { textOf } from '../delta/decode.ts'
import { type DeltaField, someNested } from '../delta/schema.ts'
import type { LogState } from '../delta/snapshot.ts'
import type { Session } from '../engine/engine.ts'
import { id, literal, pathList, type Sql, sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'
import { pathsVariable } from './data-files.ts'

/** Files that one statement reads. */
export interface FileGroup {
  /** Variable of the session with their paths. */
  readonly variable: string
  readonly reads: readonly ColumnRead[]
}

/**
 * Files in groups that are read alike. Most tables are one group; where columns are mapped by id, or structs within a
 * mapped schema may have lost fields, files are grouped by what their footers say.
 */
export async function groupsOf(
  files: Sql,
  variable: string,
  state: LogState,
  io: { readonly name: string; readonly session: Session },
): Promise<readonly FileGroup[]> {
  const mode = mappingMode(state)
  const partitions = new Set(state.metadata.partitionColumns)
  const fields = state.fields.filter((field) => !partitions.has(field.name))
  if (mode === 'none' || (mode === 'name' && !someNested(fields))) return [{ variable, reads: plainReads(fields, mode) }]
  const { session } = io
  const layouts = id(session.temporaryName('delta_layouts'))
  const column = sql`to_json([name, type, num_children::varchar, field_id::varchar, logical_type, converted_type, scale::varchar, precision::varchar])::varchar`
  await session.run(sql`create temp table ${layouts} as
    select file_name as file, md5(string_agg(${column}, chr(10) order by column_id)) as layout
    from parquet_schema(getvariable(${literal(variable)})) group by file_name`)
  try {
    const groups: FileGroup[] = []
    for (const row of await session.rows(sql`select layout, min(file) as file from ${layouts} group by layout order by layout`)) {
      const layout = literal(textOf(row['layout']) ?? '')
      const same = sql`select f.file from (${files}) as f join ${layouts} as l on l.file = f.file where l.layout = ${layout}`
      const paths = await pathsVariable(same, io)
      if (paths !== undefined) groups.push({ variable: paths, reads: await readsOf(textOf(row['file']) ?? '', fields, mode, io) })
    }
    return groups
  } finally {
    await session.run(sql`drop table ${layouts}`)
  }
}

async function readsOf(
  file: string,
  fields: readonly DeltaField[],
  mode: MappingMode,
  { name, session }: { readonly name: string; readonly session: Session },
) {
  const path = pathList([file])
  const types = await session.rows(sql`describe select * from read_parquet(${path}, hive_partitioning = false)`)
  const tree = parquetColumns(await session.rows(sql`select name, num_children, field_id from parquet_schema(${path}) order by column_id`))
  if (mode === 'id' && tree.every((column) => column.fieldId === null))
    throw new TableError('ING-TABLE-DATA-FILE', `${name}: the data file ${file} has no field ids, by which the table maps its columns`, {
      hint: 'rewrite the file with a tool that writes field ids',
    })
  const columns = tree.flatMap((parquet, index) => {
    const described = types[index]
    return described === undefined ? [] : [{ parquet, type: typeOfColumn(described) }]
  })
  return layoutReads(fields, mode, columns)
}
