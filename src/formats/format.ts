import type { Session } from '../engine/engine.ts'
import type { Sql } from '../engine/sql.ts'
import type { FileError, IngestError } from '../errors/errors.ts'
import type { Bundle } from '../model/bundle.ts'
import type { BatchFile } from '../model/file.ts'
import type { Column } from '../model/schema.ts'
import type { FormatName, TableConfig } from '../model/table.ts'

/** A landing file as the engine opens it. */
export interface SourceFile extends BatchFile {
  /** Local path for the engine: `path`, or a link under the spool where the engine cannot take `path`. Not yet escaped for globs. */
  readonly readPath: string
  /** True where it is not compressed, whatever its name and the options say. */
  readonly isPlain?: boolean
}

/** Bytes of landing files, for headers and trailers only; rows are read by the engine. */
export interface SourceIo {
  /** The first bytes, fewer at the end of the file. Throws FileError when the file is gone or unreadable. */
  head(file: SourceFile, bytes: number): Promise<Uint8Array>
  /** The last bytes, fewer in a smaller file. */
  tail(file: SourceFile, bytes: number): Promise<Uint8Array>
  /** A stream of all bytes, to check a compressed file to its end. */
  stream(file: SourceFile): NodeJS.ReadableStream
  /** A new file that lives as long as the load: its bytes, or what `content` writes to the path that it is given. */
  interim(content: AsyncIterable<Uint8Array> | ((path: string) => Promise<void>)): Promise<InterimFile>
  /** A new file, empty, that lives until the load has ended; also where a look ahead asks for it. */
  scratch(): ScratchFile
}

/** A file that grows from piece to piece. */
export interface ScratchFile {
  readonly path: string
  append(bytes: Uint8Array): Promise<void>
}

/** A file that a load made for itself. */
export interface InterimFile {
  readonly readPath: string
  readonly size: bigint
}

/** Files that one typed read can take together: same columns in the same order, of the same types. */
export interface FileGroup {
  readonly files: readonly SourceFile[]
  /** Columns in the file's own order and spelling. `type` is null where the file does not say (CSV). */
  readonly columns: readonly { readonly name: string; readonly type: string | null }[]
  /** True when the files hold no row (zero bytes, or a header alone): they are complete and need no read. */
  readonly empty: boolean
  /** What the format needs to read these files and no others (compression, leading lines); opaque, and kept when a group is split. */
  readonly layout?: unknown
  /** What `relation` reads in the place of the files, while they are all still there; without it they are read one by one, in order. */
  readonly bundle?: Bundle
  /** Where rows of its files were sorted out: `relation` leaves these out. */
  readonly sifted?: Sifted
  /** True where a read met a number that is infinite, or too large: numbers are read by their texts then. */
  readonly hasInfinite?: boolean
  /** True where the inspection saw rows that no read takes: they are sorted out first. */
  readonly isDoubtful?: boolean
}

export interface Inspection {
  readonly groups: readonly FileGroup[]
  /** Files that cannot be read at all, each with its error; they are in no group. */
  readonly failed: readonly FileError[]
  /** What later reads must know again (the CSV dialect); JSON. It is kept in the manifest, so it is inferred once. */
  readonly reader: unknown
}

/** What is asked of some commits of a Delta table. */
export interface CommitsAsked {
  /** The table's folder. */
  readonly folder: string
  /** `snapshot` is all that the table held at the version, `commit` what the version changed. */
  readonly units: readonly { readonly version: bigint; readonly as: 'commit' | 'snapshot' }[]
  /** `inserts` are added rows alone, and a commit that removes rows fails, or is passed over. */
  readonly changes: 'inserts' | 'all'
  readonly skipRemoving: boolean
  /** Whether the rows of a commit come in an order that is always the same, which costs a sort. */
  readonly isOrdered: boolean
}

/** Commits that one query reads together, since the schema was the same at all of them. */
export interface CommitGroup {
  readonly versions: readonly bigint[]
  readonly columns: readonly Column[]
  /** Properties of the table. */
  readonly properties: Readonly<Record<string, string>>
  /** Whether files hold rows that the commits do not give. */
  readonly isSifted: boolean
  /** The rows of some of the commits, with `__path` and `__index` as `Format.relation` gives them; removed rows stand before added ones. */
  rows(units: readonly { readonly version: bigint; readonly path: string }[]): Sql
}

export interface CommitsRead {
  readonly groups: readonly CommitGroup[]
  /** Commits without rows. */
  readonly empty: readonly bigint[]
  readonly failed: readonly { readonly version: bigint; readonly error: IngestError }[]
}

/** Delta tables whose commits are landing files. What it reads lives until the batch has ended. */
export interface SourceTables {
  /** The oldest version that the log can still give; undefined where it gives none. */
  oldest(folder: string): Promise<bigint | undefined>
  /** Versions whose commit is in the log, ascending. */
  commits(folder: string): Promise<readonly bigint[]>
  read(asked: CommitsAsked): Promise<CommitsRead>
}

export interface FormatContext {
  readonly session: Session
  readonly io: SourceIo
  readonly tables: SourceTables
  readonly table: TableConfig
  /** `reader` of the last inspection of this table, or undefined for the first. */
  readonly reader: unknown
  readonly signal: AbortSignal
}

/** What a column of a read shall be: the name in the file, and the DuckDB type to read it as. */
export type ReadColumn = Column

/** What a conversion passes over in nested values instead of failing. */
export interface Leniency {
  /** Fields that the type lacks are left out. */
  readonly fields?: boolean
  /** A nested value that does not fit is null. */
  readonly values?: boolean
}

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

/**
 * A landing format as a SQL relation. It never touches the tracker or the table. Columns are matched by name by
 * the caller; a format only says what is in the files and reads it with the types that it is given.
 */
export interface Format {
  readonly name: FormatName
  /** Sorts files into groups, checks that each file is whole, and learns the dialect once. Cheap: no row is read but for a sample. */
  inspect(files: readonly SourceFile[], context: FormatContext): Promise<Inspection>
  /**
   * Types of columns, by a sample of files (a full read where that is small). Columns are unified over the groups by
   * name, ignoring case; the spelling of the first file stays. Integers are BIGINT, texts with leading zeros stay
   * VARCHAR, naive timestamps become TIMESTAMP WITH TIME ZONE; all types can be stored in a Delta table.
   */
  infer(groups: readonly FileGroup[], context: FormatContext): Promise<readonly Column[]>
  /**
   * The rows of a group: `columns` in this order (names as in the file) and then `__path` VARCHAR, the file's `path`, and
   * `__index` BIGINT, its position in the group. Rows stand in the order of the files, and within each as it has them.
   * Reading fails where a value does not fit its type; nothing is dropped silently.
   */
  relation(group: FileGroup, columns: readonly ReadColumn[], context: FormatContext): Sql
  /**
   * What `relation` gives for a column of a type, from the text that it gives for VARCHAR (of nested columns their JSON). It
   * fails, and `try(…)` gives null, where the text does not fit.
   */
  value(type: string, text: Sql, context: FormatContext, lenient?: Leniency): Sql
  /** The same as `try(value(…))`, and faster where many texts do not fit. */
  tried(type: string, text: Sql, context: FormatContext): Sql
  /**
   * After `relation` failed: the files that are to blame, each with file, line and reason. Empty when it cannot tell;
   * the caller then halves the group.
   */
  diagnose(group: FileGroup, columns: readonly ReadColumn[], error: unknown, context: FormatContext): Promise<readonly FileError[]>
  /**
   * Rows of each file as they stand in it, by its path, where `relation` may give more or fewer; undefined where it gives each of
   * them once.
   */
  rowsRead?(groups: readonly FileGroup[], context: FormatContext): Promise<ReadonlyMap<string, bigint> | undefined>
  /** How rows that do not fit are set apart; without it their file fails as a whole. */
  readonly rejecting?: Rejecting
  /** The 1-based line on which a row (counted from 0) begins, for formats whose rows stand on lines; null when it is not there. */
  lineOf?(file: SourceFile, row: bigint, of: { readonly group: FileGroup; readonly context: FormatContext }): Promise<number | null>
  /** What a file of records as they stand in landing files with these columns is made of, where it is more than one record a line. */
  framing?(columns: readonly string[], context: FormatContext): Framing
}

/** How records of a text format stand in a file of nothing else. */
export interface Framing {
  /** What comes before the first record. */
  readonly head: string
  /** A condition: whether a text is one record, which ends with it. */
  isRecord(text: Sql): Sql
}

/** What the config needs to know of a format without loading it. */
export interface FormatEntry {
  /** File name endings that choose it when `file_format` is not given, with and without `.gz` and `.zst`. */
  readonly suffixes: readonly string[]
  /** Names allowed under `format_options`, with the kind of value. */
  readonly options: Readonly<Record<string, OptionKind>>
  /** Loads the implementation. */
  readonly load: () => Promise<Format>
}

export type OptionKind = 'string' | 'boolean' | 'integer' | 'strings' | 'integers' | 'map' | 'fields' | readonly string[]
