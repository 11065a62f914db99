/** A column as DuckDB sees it. */
export interface Column {
  readonly name: string
  /** DuckDB type text, as DESCRIBE prints it: `BIGINT`, `STRUCT(a BIGINT, b VARCHAR[])`. */
  readonly type: string
}

/** Audit columns in their order at the end of a table. */
export const AUDIT_COLUMNS: readonly Column[] = [
  { name: '_load_timestamp', type: 'TIMESTAMP WITH TIME ZONE' },
  { name: '_source_file', type: 'VARCHAR' },
  { name: '_batch_id', type: 'VARCHAR' },
]

/**
 * Orders the rows of all files of a table: modified time, path, row. Kept where versions of a key are ordered, since what
 * ties otherwise must be settled alike whichever batch it came with.
 */
export const SEQUENCE_COLUMN: Column = { name: '_sequence', type: 'VARCHAR' }
