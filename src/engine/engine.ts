import type { Sql } from './sql.ts'

/** A row with every value as JSON would hold it: integers beyond 2^53 and decimals are strings. */
export type Row = Readonly<Record<string, unknown>>

export interface ResultChunk {
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly rows: readonly (readonly unknown[])[]
}

/** Values of one column of a batch; a single value stands for one that is the same in every row. */
export type IntegerColumn = BigInt64Array | bigint

/** One connection to the engine. Statements run one at a time; closing it drops its temporary tables. */
export interface Session extends AsyncDisposable {
  /** Runs a statement and forgets its result. */
  run(statement: Sql): Promise<void>
  /**
   * Runs a query for few rows: catalog answers, counts, log actions; never user data.
   * BIGINT and wider come as bigint, smaller integers as number, DECIMAL as string, VARCHAR as string, STRUCT as object, LIST as array, MAP as object.
   */
  rows(query: Sql): Promise<readonly Row[]>
  /** Streams a result for `ingest query`: first a chunk without rows, that tells the columns; values as JSON holds them. */
  stream(query: Sql): AsyncIterable<ResultChunk>
  /**
   * Appends rows to a temporary table whose columns are all BIGINT. Positions of rows come by the million: they pass as
   * typed arrays, a bounded batch at a time.
   */
  appendIntegers(table: string, batches: AsyncIterable<readonly IntegerColumn[]> | Iterable<readonly IntegerColumn[]>): Promise<void>
  /** Streams a query whose columns are all BIGINT and never null, a chunk at a time. */
  integers(query: Sql): AsyncIterable<readonly BigInt64Array[]>
  /**
   * Counts the rows that the readers of files gave while the work ran, as the engine's own operators saw them: what was
   * read, told by another than what was written.
   */
  counting<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly scanned: bigint }>
  /** 0 to 1 while a statement runs, -1 when unknown. */
  progress(): number
  /** Ends the running statement; it rejects. */
  interrupt(): void
  /** A name for a temporary table or view that no other of this session has. */
  temporaryName(prefix: string): string
}

/** Limits of one engine; see `engine:` in the config. */
export interface EngineLimits {
  /** Bytes. */
  readonly memoryBytes: number
  readonly threads: number
  /** Folder for spilled data; made by the first spill, so the folder above it must exist. */
  readonly temporaryFolder: string
  /** Bytes that may be spilled; a share of the disk when left out. */
  readonly maxTemporaryBytes?: number
}
