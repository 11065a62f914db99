import { join, literal, raw, type Sql, sql } from '../../engine/sql.ts'
import type { TableConfig } from '../../model/table.ts'
import type { Compression } from '../compression.ts'
import { fileList } from '../file-list.ts'
import type { FileGroup, SourceFile } from '../format.ts'
import { listOption, numberOption, textOption } from '../options.ts'
import type { ValueRules } from '../values.ts'

/** How lines are read, and texts taken for values. */
export interface LineReading extends ValueRules {
  readonly encoding: 'utf-8' | 'utf-16' | 'latin-1'
  /** Lines before the records. */
  readonly skip: number
  /** What lines that are no records begin with; empty where there are none. */
  readonly comment: string
  /** Texts that mean null, beside the empty one. */
  readonly nulls: readonly string[]
  readonly maxLineSize: number
}

const LONGEST_LINE = 2_000_000

export function lineReadingOf(table: TableConfig): LineReading {
  return {
    encoding: encodingOf(table),
    skip: numberOption(table, 'skip') ?? 0,
    comment: textOption(table, 'comment') ?? '',
    nulls: listOption(table, 'null_values', 'nullstr') ?? [],
    maxLineSize: numberOption(table, 'max_line_size') ?? LONGEST_LINE,
    dateFormat: textOption(table, 'date_format', 'dateformat') ?? null,
    timestampFormat: textOption(table, 'timestamp_format', 'timestampformat') ?? null,
    decimalSeparator: textOption(table, 'decimal_separator') ?? '.',
    thousands: textOption(table, 'thousands') ?? '',
  }
}

function encodingOf(table: TableConfig): LineReading['encoding'] {
  const name = (textOption(table, 'encoding') ?? 'utf-8').toLowerCase().replaceAll(/[-_ ]/g, '')
  if (name.startsWith('utf16')) return 'utf-16'
  return name === 'latin1' || name === 'iso88591' ? 'latin-1' : 'utf-8'
}

/** What the files of one group have in common beside their columns. */
export interface LineLayout {
  readonly compression: Compression
  /** Lines that the engine passes over, behind blank ones at the top, which it passes over by itself. */
  readonly skip: number
}

export function layoutOf(group: FileGroup): LineLayout {
  // Decoder: the layout was made by our own `inspect`, which is the only one to make groups for this format.
  return group.layout as LineLayout
}

/** A text that stands in no line; where it does, the engine refuses the line instead of cutting it. */
const NO_DELIMITER = "e'\\x1f\\x1e\\x1f\\x1e'"
const NO_NULL = "e'\\x1e\\x1f'"

export interface LineRead {
  readonly reading: LineReading
  readonly layout: LineLayout
  readonly more?: readonly Sql[]
}

/** The lines of some files in order, one column `line`; blank ones are left out. The engine's CSV reader without any of CSV. */
export function readLines(files: readonly SourceFile[], { reading, layout, more = [] }: LineRead): Sql {
  return sql`read_csv(${join([
    fileList(files),
    sql`columns = {line: 'VARCHAR'}`,
    sql`auto_detect = false`,
    sql`header = false`,
    sql`delim = ${raw(NO_DELIMITER)}`,
    sql`quote = ''`,
    sql`escape = ''`,
    sql`comment = ''`,
    sql`nullstr = ${raw(NO_NULL)}`,
    sql`encoding = ${literal(reading.encoding)}`,
    sql`compression = ${literal(layout.compression)}`,
    sql`skip = ${raw(String(layout.skip))}`,
    sql`max_line_size = ${raw(String(Math.trunc(reading.maxLineSize)))}`,
    sql`hive_partitioning = false`,
    ...more,
  ])})`
}
