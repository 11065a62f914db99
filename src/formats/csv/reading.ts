import { id, join, literal, literalList, raw, type Sql, sql } from '../../engine/sql.ts'
import type { Column } from '../../model/schema.ts'
import type { TableConfig } from '../../model/table.ts'
import type { Compression } from '../compression.ts'
import { escapeGlob, fileList } from '../file-list.ts'
import type { FileGroup, FormatContext, SourceFile } from '../format.ts'
import { flagOption, listOption, numberOption, textOption } from '../options.ts'
import type { ValueRules } from '../values.ts'

/** What is learned of a table's files once, and kept. */
export interface Dialect {
  readonly delimiter: string
  /** Empty: quotes mean nothing. */
  readonly quote: string
  readonly escape: string
  readonly header: boolean
  readonly dateFormat: string | null
  readonly timestampFormat: string | null
}

/** The dialect and the options of the config: all that a read needs beside files and types. */
export interface Reading extends Dialect, ValueRules {
  readonly encoding: 'utf-8' | 'utf-16' | 'latin-1'
  readonly skip: number
  readonly comment: string
  readonly nulls: readonly string[]
  readonly allowQuotedNulls: boolean
  readonly forceNotNull: readonly string[]
  readonly nullPadding: boolean
  readonly strict: boolean
  readonly maxLineSize: number | null
  readonly parallel: boolean
  /** Column names that the config gives, for files without a header. */
  readonly names: readonly string[] | null
}

/** What the files of one group have in common beside their columns. */
export interface Layout {
  readonly compression: Compression
  /** Lines before the header, blank ones included. */
  readonly skip: number
  /** The path of a file that must be read by itself, so that the engine sees a quote that is open at its end. */
  readonly alone?: string
}

export const DEFAULT_DIALECT: Dialect = { delimiter: ',', quote: '"', escape: '"', header: true, dateFormat: null, timestampFormat: null }

/** The dialect that an earlier inspection returned. */
export function dialectOf(reader: unknown): Dialect | undefined {
  if (typeof reader !== 'object' || reader === null || !('dialect' in reader)) return undefined
  const { dialect } = reader
  if (typeof dialect !== 'object' || dialect === null) return undefined
  // Decoder: it was written by `inspect` as JSON; what a later version adds has a default.
  return { ...DEFAULT_DIALECT, ...(dialect as Partial<Dialect>) }
}

export function readingOf(context: FormatContext, learned = dialectOf(context.reader) ?? DEFAULT_DIALECT): Reading {
  const { table } = context
  const dialect = { ...learned, ...fixedDialect(table) }
  return {
    ...dialect,
    encoding: encodingOf(table),
    skip: numberOption(table, 'skip') ?? 0,
    comment: textOption(table, 'comment') ?? '',
    nulls: [...new Set(['', ...(listOption(table, 'null_values', 'nullstr') ?? [])])],
    allowQuotedNulls: flagOption(table, 'allow_quoted_nulls') ?? false,
    forceNotNull: listOption(table, 'force_not_null') ?? [],
    nullPadding: flagOption(table, 'null_padding') ?? false,
    strict: flagOption(table, 'strict_mode') ?? true,
    maxLineSize: numberOption(table, 'max_line_size', 'maximum_line_size') ?? null,
    parallel: flagOption(table, 'parallel') ?? true,
    decimalSeparator: textOption(table, 'decimal_separator') ?? '.',
    thousands: textOption(table, 'thousands') ?? '',
    names: listOption(table, 'names') ?? null,
  }
}

/** The part of a dialect that the config fixes. */
export function fixedDialect(table: TableConfig): Partial<Dialect> {
  const delimiter = textOption(table, 'delimiter', 'delim', 'sep')
  const quote = textOption(table, 'quote')
  const escapeWith = textOption(table, 'escape') ?? quote
  const header = flagOption(table, 'header')
  const dateFormat = textOption(table, 'date_format', 'dateformat')
  const timestampFormat = textOption(table, 'timestamp_format', 'timestampformat')
  return {
    ...(delimiter === undefined ? {} : { delimiter }),
    ...(quote === undefined ? {} : { quote }),
    ...(escapeWith === undefined ? {} : { escape: escapeWith }),
    ...(header === undefined ? {} : { header }),
    ...(dateFormat === undefined ? {} : { dateFormat }),
    ...(timestampFormat === undefined ? {} : { timestampFormat }),
  }
}

function encodingOf(table: TableConfig): Reading['encoding'] {
  const name = (textOption(table, 'encoding') ?? 'utf-8').toLowerCase().replaceAll(/[-_ ]/g, '')
  if (name.startsWith('utf16')) return 'utf-16'
  return name === 'latin1' || name === 'iso88591' ? 'latin-1' : 'utf-8'
}

export function layoutOf(group: FileGroup): Layout {
  // Decoder: the layout was made by our own `inspect`, which is the only one to make groups for this format.
  return group.layout as Layout
}

type OpenedFile = Pick<SourceFile, 'readPath' | 'size'>

export interface CsvRead {
  readonly reading: Reading
  readonly layout: Layout
  /** Only the first rows are wanted, or one thread reads the file. */
  readonly isLook?: boolean
  /** Further options. */
  readonly more?: readonly Sql[]
}

/** A read of some files with the columns in the order of their header. */
export function readCsv(
  files: readonly OpenedFile[],
  columns: readonly Column[],
  { reading, layout, isLook = false, more = [] }: CsvRead,
): Sql {
  const types = columns.map(({ name, type }) => sql`${literal(name)}: ${literal(type)}`)
  const forced = reading.forceNotNull.filter((name) => columns.some((column) => column.name === name))
  return sql`read_csv(${fileList(files)}, columns = {${join(types)}}, auto_detect = false, ${join([
    ...dialectOptions(reading, layout),
    sql`header = ${raw(String(reading.header))}`,
    sql`nullstr = ${literalList(reading.nulls)}`,
    sql`allow_quoted_nulls = ${raw(String(reading.allowQuotedNulls))}`,
    sql`decimal_separator = ${literal(reading.decimalSeparator)}`,
    ...(reading.thousands === '' ? [] : [sql`thousands = ${literal(reading.thousands)}`]),
    ...(forced.length === 0 ? [] : [sql`force_not_null = ${literalList(forced)}`]),
    ...(reading.parallel ? [] : [sql`parallel = false`]),
    sql`hive_partitioning = false`,
    ...(isLook || areSmall(files, layout) ? [smallBuffers(reading)] : []),
    ...more,
  ])})`
}

/**
 * Passes over ill-formed rows. They are stored, one for each file, since the engine's own `ignore_errors` also passes over all rows
 * behind one that has text behind a quote.
 */
export const PASSING_OVER: readonly Sql[] = [
  sql`store_rejects = true`,
  sql`rejects_table = 'ingestd_passed_over'`,
  sql`rejects_scan = 'ingestd_passed_over_scans'`,
  sql`rejects_limit = 1`,
]

/** Makes the engine look at every column, since what is not used is not decoded, and true for any row. */
export function lookedAt(columns: readonly { readonly name: string }[]): Sql {
  return sql`hash(${join(columns.map(({ name }) => id(name)))}) is not null`
}

const SMALL_BUFFER = 4 * 1024 * 1024

/** Without it the engine makes a buffer of 32 MB for each file, and for each thread in a large one. */
function smallBuffers({ maxLineSize }: Reading): Sql {
  return sql`buffer_size = ${raw(String(Math.max(SMALL_BUFFER, 2 * Math.trunc(maxLineSize ?? 0))))}`
}

/** Whether each file fits into a small buffer, even where it is decoded to twice its size. */
function areSmall(files: readonly OpenedFile[], { compression }: Layout): boolean {
  return compression === 'none' && files.every(({ size }) => size < SMALL_BUFFER / 2)
}

/** The options that a sniff shares with a read. */
function dialectOptions(reading: Reading, layout: Layout): readonly Sql[] {
  return [
    sql`delim = ${literal(reading.delimiter)}`,
    sql`quote = ${literal(reading.quote)}`,
    sql`escape = ${literal(reading.escape)}`,
    ...commonOptions(reading, layout),
  ]
}

function commonOptions(reading: Reading, layout: Layout): readonly Sql[] {
  return [
    sql`skip = ${raw(String(layout.skip))}`,
    sql`comment = ${literal(reading.comment)}`,
    sql`encoding = ${literal(reading.encoding)}`,
    sql`compression = ${literal(layout.compression)}`,
    sql`strict_mode = ${raw(String(reading.strict))}`,
    sql`null_padding = ${raw(String(reading.nullPadding))}`,
    ...(reading.maxLineSize === null ? [] : [sql`max_line_size = ${raw(String(Math.trunc(reading.maxLineSize)))}`]),
  ]
}

/** The engine's guess at one file's dialect, with all that the config fixes. */
export function sniffCsv(file: SourceFile, fixed: Partial<Dialect>, reading: Reading, compression: Compression): Sql {
  const text = (name: string, value: string | null | undefined) =>
    value === undefined || value === null ? [] : [sql`${raw(name)} = ${literal(value)}`]
  return sql`select "Delimiter" as delimiter, "Quote" as quote, "Escape" as escape, "HasHeader" as header, "DateFormat" as date_format,
    "TimestampFormat" as timestamp_format, list_transform("Columns", lambda c: c.type) as types
    from sniff_csv(${literal(escapeGlob(file.readPath))}, ${join([
      ...text('delim', fixed.delimiter),
      ...text('quote', fixed.quote),
      ...text('escape', fixed.escape),
      ...text('dateformat', fixed.dateFormat),
      ...text('timestampformat', fixed.timestampFormat),
      ...(fixed.header === undefined ? [] : [sql`header = ${raw(String(fixed.header))}`]),
      smallBuffers(reading),
      ...commonOptions(reading, { compression, skip: reading.skip }),
    ])})`
}
