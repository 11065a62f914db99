import { id, join, literal, raw, type Sql, sql } from '../engine/sql.ts'
import type { Format, FormatContext } from '../formats/format.ts'
import { type Column, RESCUED_COLUMN, SEQUENCE_COLUMN } from '../model/schema.ts'
import type { TableConfig } from '../model/table.ts'
import type { TableColumn } from '../stores/store.ts'
import { isRescuing, rowsOf } from './careful.ts'
import { deletesOf } from './deletes.ts'
import type { Shape, ShapedGroup } from './shape.ts'

/** The rows of the groups as the table's columns, in order, and `__path`. */
export function recordsOf(
  shape: Shape,
  stamp: { readonly loadedAt: string; readonly batchId: string },
  format: Format,
  context: FormatContext,
): Sql {
  const isAudit = (column: TableColumn) => shape.auditColumns.includes(column.name)
  const selects = shape.groups.map((one) => {
    const values = shape.columns.map(
      (column) =>
        sql`${isAudit(column) ? auditValue(column, stamp) : columnValue(column, one, { table: context.table, isKeyed: shape.deletes !== undefined })} as ${id(column.name)}`,
    )
    const rows = rowsOf(one, format, context)
    if (shape.deletes === undefined) return sql`select ${join([...values, id('__path')])} from (${rows})`
    const { from, isDeleted } = deletesOf(one, shape.deletes, { rows, shape, table: context.table })
    return sql`select ${join([...values, id('__path'), sql`${isDeleted} as __deleted`])} from (${from})`
  })
  return selects.length === 0 ? noRecords(shape) : join(selects, ' union all ')
}

function noRecords(shape: Shape): Sql {
  const values = shape.columns.map((column) => sql`null::${raw(column.type)} as ${id(column.name)}`)
  const deleted = shape.deletes === undefined ? [] : [sql`false as __deleted`]
  return sql`select ${join([...values, sql`null::varchar as __path`, ...deleted])} where false`
}

function columnValue(
  column: TableColumn,
  one: ShapedGroup,
  { table, isKeyed }: { readonly table: TableConfig; readonly isKeyed: boolean },
): Sql {
  const isRescued = column.name === RESCUED_COLUMN.name && isRescuing(one)
  const source = isRescued ? column.name : one.sources.get(column.name.toLowerCase())
  if (source === undefined) return sql`null::${raw(column.type)}`
  // What is compared with rows of the table is compared as the log has it, where an empty text is null.
  const compares = isKeyed || table.overwriteScope === 'partition' || table.deduplicate !== false
  const asLogged = compares && table.partitionColumns.includes(column.name) && column.type === 'VARCHAR'
  return asLogged ? sql`nullif(${id(source)}, '')` : id(source)
}

function auditValue(column: Column, stamp: { loadedAt: string; batchId: string }): Sql {
  // Filled when the rows of the batch are numbered.
  if (column.name === SEQUENCE_COLUMN.name) return raw('null::varchar')
  if (column.name === '_load_timestamp') return sql`${literal(stamp.loadedAt)}::timestamptz`
  return column.name === '_batch_id' ? literal(stamp.batchId) : id('__path')
}
