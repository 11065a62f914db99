import { createHash } from 'node:crypto'
import { id, literal, raw, type Sql, sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'
import type { PartitionValues } from './actions.ts'
import { type MappingMode, physicalName } from './column-mapping.ts'
import { type DeltaField, duckdbType } from './schema.ts'
import { encodeName } from './uri.ts'

/** A partition column: as the table spells it, with its DuckDB type. */
export interface PartitionColumn {
  readonly name: string
  readonly type: string
  /** Its name in `partitionValues`, where columns are mapped. */
  readonly key?: string
}

/** The name of the column in `partitionValues`. */
export function partitionKey({ name, key }: PartitionColumn): string {
  return key ?? name
}

/** The partition columns among the fields of a table. */
export function partitionColumnsAmong(
  fields: readonly DeltaField[],
  names: readonly string[],
  mode: MappingMode,
): readonly PartitionColumn[] {
  return names.map((name) => {
    const field = fields.find((one) => one.name === name)
    if (field === undefined) return { name, type: 'VARCHAR' }
    return { name, type: duckdbType(field.type, name), ...(mode === 'none' ? {} : { key: physicalName(field, mode) }) }
  })
}

/** The folder of a null value, as Hive names it. */
const NULL_FOLDER = '__HIVE_DEFAULT_PARTITION__'
/** Bytes of a folder name; file systems stop at 255, and object stores count the whole path. */
const MAX_FOLDER = 120

/** Types that serve as a partition: one value of them is one text. Binary does not, Spark itself garbles it. */
const PARTITIONABLE =
  /^(VARCHAR|BOOLEAN|TINYINT|SMALLINT|INTEGER|BIGINT|FLOAT|DOUBLE|DATE|TIMESTAMP|TIMESTAMP WITH TIME ZONE|DECIMAL\(\d+, ?\d+\))$/

export function checkPartitionable(table: string, columns: readonly PartitionColumn[]): void {
  for (const { name, type } of columns) {
    if (!PARTITIONABLE.test(type))
      throw new TableError('ING-TABLE-PARTITIONING', `${table}: column ${name} of type ${type} cannot be a partition column`)
  }
}

/**
 * A value as `partitionValues` holds it, but for an empty text, which is null there by the protocol: who writes the log
 * makes it so. Timestamps stand in ISO form and decimals at the scale of the column, since other forms make the kernel
 * readers refuse the table.
 */
export function partitionText({ name, type }: PartitionColumn): Sql {
  const value = id(name)
  switch (type) {
    case 'TIMESTAMP WITH TIME ZONE':
      return sql`strftime(timezone('UTC', ${value}), '%Y-%m-%dT%H:%M:%S.%fZ')`
    case 'TIMESTAMP':
      return sql`strftime(${value}, '%Y-%m-%d %H:%M:%S.%f')`
    case 'FLOAT':
    case 'DOUBLE':
      return sql`case when isnan(${value}) then 'NaN' when isinf(${value}) then case when ${value} > 0 then 'Infinity' else '-Infinity' end else ${value}::varchar end`
    default:
      return sql`${value}::varchar`
  }
}

/** A value of the log, typed. `values` is the map of the action. */
export function partitionValue(column: PartitionColumn, values: Sql): Sql {
  const text = sql`nullif(${values}[${literal(partitionKey(column))}], '')`
  // Bytes stand in the log as the text that has them; a cast would look for escapes.
  return column.type === 'BLOB' ? sql`encode(${text})` : sql`${text}::${raw(column.type)}`
}

/** Dates and timestamps that readers cannot take from the log: years BC and beyond 9999, infinity. */
export function checkPartitionValues(table: string, columns: readonly PartitionColumn[], values: PartitionValues): void {
  for (const column of columns) {
    const { name, type } = column
    const value = values[partitionKey(column)]
    if (typeof value !== 'string' || !/^(DATE|TIMESTAMP)/.test(type) || /^\d{4}-\d{2}-\d{2}([ T]|$)/.test(value)) continue
    throw new TableError(
      'ING-TABLE-CONSTRAINT',
      `${table}: the value ${value} of partition column ${name} is outside the years 0001 to 9999`,
    )
  }
}

/** The folder of a partition, `a=1/b=x`, by the names on disk; '' without partition columns. */
export function partitionFolder(columns: readonly PartitionColumn[], values: PartitionValues): string {
  return columns.map((column) => folderName(partitionKey(column), values[partitionKey(column)] ?? null)).join('/')
}

/** Folders are a convention, values come from the log; so what makes no good name becomes a short hash. */
function folderName(column: string, value: string | null): string {
  // The literal text of the null folder must not share it.
  const text = value === null ? NULL_FOLDER : value === NULL_FOLDER ? value.replace('_', '%5F') : encodeName(value)
  const name = `${encodeName(column)}=${text}`
  return name.length <= MAX_FOLDER ? name : `p-${createHash('sha256').update(`${column}=${value}`).digest('hex').slice(0, 16)}`
}
