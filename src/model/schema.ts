/** A column as DuckDB sees it. */
export interface Column {
  readonly name: string
  /** DuckDB type text, as DESCRIBE prints it: `BIGINT`, `STRUCT(a BIGINT, b VARCHAR[])`. */
  readonly type: string
}

/** What becomes of a column that files bring otherwise than the table has it. */
export type SchemaMode = (typeof SCHEMA_MODES)[number]

export const SCHEMA_MODES = ['evolve', 'widen', 'rescue', 'ignore', 'fail'] as const

/** What a version changes in the columns of a table. */
export interface SchemaChange {
  readonly kind: 'added' | 'changed' | 'removed'
  /** The column; of a nested field its path, as `address.zip`, with `[]` for the elements of a list. */
  readonly column: string
  /** DuckDB types; `from` is null for what is added, `to` for what is removed. */
  readonly from: string | null
  readonly to: string | null
  /** The first landing file that asked for it; null where no file did. */
  readonly file: string | null
}

/** Unknown fields and values that do not fit, as JSON, where `schema_evolution` is rescue. */
export const RESCUED_COLUMN: Column = { name: '_rescued_data', type: 'VARCHAR' }

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
