import { id, join, literal, raw, type Sql, sql } from '../engine/sql.ts'
import type { Format, FormatContext } from '../formats/format.ts'
import { type Column, RESCUED_COLUMN, SEQUENCE_COLUMN } from '../model/schema.ts'
import type { TableConfig } from '../model/table.ts'
import type { TableColumn } from '../stores/store.ts'
import { isRescuing, rowsOf } from './careful.ts'
import { deletesOf } from './deletes.ts'
import type { Shape, ShapedGroup } from './shape.ts'

/** What the rows of a batch bear that no file tells. */
export interface Stamp {
  readonly loadedAt: string
  readonly batchId: string
}

/** The rows of the groups as the table's columns, in order, and `__path`; without a stamp what it would give is left out. */
export function recordsOf(shape: Shape, stamp: Stamp | null, format: Format, context: FormatContext): Sql {
  const columns = stamp === null ? shape.columns.filter((column) => !isAudit(column, shape)) : shape.columns
  const selects = shape.groups.map((one) => {
    const values = columns.map(
      (column) =>
        sql`${stamp !== null && isAudit(column, shape) ? auditValue(column, stamp, raw('')) : columnValue(column, one, { table: context.table, isKeyed: shape.deletes !== undefined })} as ${id(column.name)}`,
    )
    const rows = rowsOf(one, format, context)
    if (shape.deletes === undefined) return sql`select ${join([...values, id('__path')])} from (${rows})`
    const { from, isDeleted } = deletesOf(one, shape.deletes, { rows, shape, table: context.table })
    return sql`select ${join([...values, id('__path'), sql`${isDeleted} as __deleted`])} from (${from})`
  })
  return selects.length === 0 ? noRecords(shape, columns) : join(selects, ' union all ')
}

/** The columns of the same rows where they were kept without their stamp, as relation `r`; `sequence` is what orders them, if known. */
export function stampedColumns(shape: Shape, stamp: Stamp): (sequence: Sql | undefined) => readonly Sql[] {
  return (sequence) => [
    ...shape.columns.map((column) => {
      const name = id(column.name)
      if (!isAudit(column, shape)) return sql`r.${name}`
      const isSequence = sequence !== undefined && column.name === SEQUENCE_COLUMN.name
      return sql`${isSequence ? sequence : auditValue(column, stamp, raw('r.'))} as ${name}`
    }),
    raw('r.__path'),
    ...(shape.deletes === undefined ? [] : [raw('r.__deleted')]),
  ]
}

function isAudit(column: TableColumn, { auditColumns }: Shape): boolean {
  return auditColumns.includes(column.name)
}

function noRecords(shape: Shape, columns: readonly TableColumn[]): Sql {
  const values = columns.map((column) => sql`null::${raw(column.type)} as ${id(column.name)}`)
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

function auditValue(column: Column, stamp: Stamp, relation: Sql): Sql {
  // Filled when the rows of the batch are numbered.
  if (column.name === SEQUENCE_COLUMN.name) return raw('null::varchar')
  if (column.name === '_load_timestamp') return sql`${literal(stamp.loadedAt)}::timestamptz`
  return column.name === '_batch_id' ? literal(stamp.batchId) : sql`${relation}__path`
}
