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
