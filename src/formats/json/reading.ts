import { id, join, literal, raw, type Sql, sql } from '../../engine/sql.ts'
import { mayReject } from '../../model/reject.ts'
import type { Column } from '../../model/schema.ts'
import type { TableConfig } from '../../model/table.ts'
import type { Compression } from '../compression.ts'
import { fileList } from '../file-list.ts'
import type { FileGroup, FormatContext, SourceFile } from '../format.ts'
import { numberOption, textOption } from '../options.ts'
import { ISO_RULES, type ValueRules } from '../values.ts'
import { type Decimals, decimalsOf, exactDecimals } from './exact.ts'

/** What the files of one group have in common beside their fields. */
export interface Layout {
  readonly compression: Compression
  /** Whether records stand one a line, where the format would also allow others. */
  readonly lines?: boolean
}

/** One record may be this long; the engine's own limit of 16 MB is met by documents of the real world. */
const LONGEST_RECORD = 64 * 1024 * 1024

export function layoutOf(group: FileGroup): Layout {
  // Decoder: the layout was made by our own `inspect`, which is the only one to make groups for this format.
  return group.layout as Layout
}

export function rulesOf({ table }: FormatContext): ValueRules {
  return {
    ...ISO_RULES,
    dateFormat: textOption(table, 'date_format', 'dateformat') ?? null,
    timestampFormat: textOption(table, 'timestamp_format', 'timestampformat') ?? null,
  }
}

/** Where the columns, or those that the config declares, are decimals. */
export function decimalsIn(columns: readonly Column[], { table }: FormatContext): Decimals | undefined {
  return decimalsOf([...columns, ...Object.entries(table.columnTypes).map(([name, type]) => ({ name, type }))])
}

/** Levels of a record that get a type of their own; what is deeper stays text. The time of a conversion doubles with each level. */
export const DEEPEST = 12

/** Whether each record stands on a line of its own. */
export function isLines({ lines }: Layout, { fileFormat }: TableConfig): boolean {
  return lines === true || fileFormat === 'ndjson'
}

export interface JsonRead {
  readonly layout: Layout
  readonly context: FormatContext
  readonly more?: readonly Sql[]
  /** Where decimals stand that shall keep all of their digits; then each column is read as text or as JSON. */
  readonly decimals?: Decimals | undefined
}

/** Typed records: fields by name, a missing one is null. */
export function readJson(files: readonly SourceFile[], columns: readonly Column[], read: JsonRead): Sql {
  const { layout, context, more = [], decimals } = read
  if (decimals !== undefined) return readExact(files, columns, decimals, read)
  const types = columns.map(({ name, type }) => sql`${literal(name)}: ${literal(type)}`)
  return sql`read_json(${join([
    fileList(files),
    sql`columns = {${join(types)}}`,
    sql`auto_detect = false`,
    sql`records = true`,
    ...commonOptions(layout, context),
    ...more,
  ])})`
}

function readExact(files: readonly SourceFile[], columns: readonly Column[], decimals: Decimals, read: JsonRead): Sql {
  const shape = JSON.stringify(Object.fromEntries(columns.map(({ name, type }) => [name, type])))
  const values = columns.map(({ name }) => sql`struct_extract(__record, ${literal(name)}) as ${id(name)}`)
  // No star has the engine's number of the file.
  const index = columns.some(({ name }) => name.toLowerCase() === 'file_index') ? [] : [raw('file_index')]
  return sql`(select ${join([raw('* exclude (json, __record)'), ...values])} from (
    select ${join([raw('*'), ...index])}, json_transform(${exactDecimals(raw('json'), decimals)}, ${literal(shape)}) as __record
    from ${readObjects(files, read)}))`
}

/** The records as JSON, one column `json`. */
export function readObjects(files: readonly SourceFile[], { layout, context, more = [] }: JsonRead): Sql {
  return sql`read_json_objects(${join([fileList(files), ...commonOptions(layout, context), ...more])})`
}

/** The same, where a line that is no JSON is null. */
export function readLines(files: readonly SourceFile[], read: JsonRead): Sql {
  const { layout, context, more = [] } = read
  if (!isLines(layout, context.table)) return readObjects(files, read)
  return readObjects(files, { ...read, more: [...more, sql`ignore_errors = true`] })
}

/** Records with the types that the engine finds in them. */
export function detectJson(files: readonly SourceFile[], { layout, context, more = [] }: JsonRead): Sql {
  return sql`read_json(${join([
    fileList(files),
    sql`records = true`,
    sql`union_by_name = true`,
    // What looks like a map to the engine is an object whose fields a table has as columns of a struct.
    sql`map_inference_threshold = -1`,
    sql`maximum_depth = ${raw(String(Math.min(numberOption(context.table, 'maximum_depth') ?? DEEPEST, DEEPEST)))}`,
    ...(isLines(layout, context.table) && mayReject(context.table) ? [sql`ignore_errors = true`] : []),
    ...commonOptions(layout, context),
    ...more,
  ])})`
}

function commonOptions(layout: Layout, { table }: FormatContext): readonly Sql[] {
  const format = isLines(layout, table) ? 'newline_delimited' : 'auto'
  const size = numberOption(table, 'maximum_object_size') ?? LONGEST_RECORD
  return [
    sql`format = ${literal(format)}`,
    sql`compression = ${literal(layout.compression === 'none' ? 'uncompressed' : layout.compression)}`,
    sql`maximum_object_size = ${raw(String(Math.trunc(size)))}`,
    sql`hive_partitioning = false`,
  ]
}
