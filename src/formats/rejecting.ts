import type { Sql } from '../engine/sql.ts'
import type { FileError } from '../errors/errors.ts'
import type { TableConfig } from '../model/table.ts'
import type { FileGroup, FormatContext, ReadColumn } from './format.ts'

/** A column whose values are judged; with `fields`, nested fields that its type lacks are passed over. */
export interface JudgedColumn extends ReadColumn {
  readonly fields?: boolean
}

/** Where rows that do not fit go. */
export interface RejectTarget {
  /** A table (path, number, line, column_name, rule, reason, raw), as `RejectedRows` has them. */
  readonly rows: Sql
  /** How many of the rejected rows of a file are wanted; of a file that rejects too many only the first are. */
  wanted(rejected: bigint, rows: bigint): bigint
}

export interface SortedFile {
  readonly rows: bigint
  readonly rejected: bigint
  /** Those among the rejected rows that the reader of a sorted group never gives. */
  readonly unread: bigint
}

export interface SortedOut {
  /** Files with rejected rows, by path. */
  readonly files: ReadonlyMap<string, SortedFile>
  /** Files that are wrong as a whole: cut, in another encoding, gone. */
  readonly failed: readonly FileError[]
}

/** How a format sets rows apart that `relation` cannot give. */
export interface Rejecting {
  /** Reads a group once more, row by row, and notes each that is ill-formed or has a value that does not fit. */
  sortOut(group: FileGroup, columns: readonly JudgedColumn[], to: RejectTarget, context: FormatContext): Promise<SortedOut>
  /** Fills in `line` and `raw` where rows of the group have a number and no raw text, as far as they can be told. */
  place(group: FileGroup, rows: Sql, context: FormatContext): Promise<void>
  /** Whether the rows that `relation` gives of a file are its records one for one, in order. */
  isAligned(): boolean
  /** Whether files that tell the types of their columns may have wider ones, of which the values are judged. */
  readonly isByValue?: boolean
}

/** Of a group whose files were sorted out: `relation` leaves out the rows that were noted. */
export interface Sifted {
  /** The table that they are in. */
  readonly rejects: Sql
}

/** Whether a file may reject rows and load all the same. */
export function mayReject({ maxBadRows }: TableConfig): boolean {
  return typeof maxBadRows === 'number' ? maxBadRows > 0 : maxBadRows.share > 0
}

/** Whether values of one type may be values of another, each by itself: numbers, and texts. */
export function isByValue(from: string, to: string): boolean {
  return (NUMBER.test(from) && NUMBER.test(to)) || (from === 'VARCHAR' && !/^(STRUCT|MAP)\b|\]$/.test(to))
}

const NUMBER = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|DECIMAL\(.*\)|FLOAT|DOUBLE)$/
