import type { RowCounts } from './file.ts'
import type { Column } from './schema.ts'
import type { TableConfig } from './table.ts'

/** Of the name and the folder of a table's quarantine. */
export const QUARANTINE_SUFFIX = '__quarantine'

/** Columns of `<table>__quarantine`, in order. */
export const QUARANTINE_COLUMNS: readonly Column[] = [
  /** `database.table/<number of the batch that loaded its file>-<n>`: it stays the same through all attempts to mend the row. */
  { name: 'id', type: 'VARCHAR' },
  { name: '_source_file', type: 'VARCHAR' },
  /** From 1; null where the format cannot tell. */
  { name: 'line', type: 'BIGINT' },
  /** From 1, as `_file_row_number`. */
  { name: 'row_number', type: 'BIGINT' },
  { name: 'column_name', type: 'VARCHAR' },
  { name: 'rule', type: 'VARCHAR' },
  { name: 'reason', type: 'VARCHAR' },
  /** The record as its file has it; null where it is no text, or has masked values. */
  { name: 'raw', type: 'VARCHAR' },
  { name: '_batch_id', type: 'VARCHAR' },
  { name: '_batch_number', type: 'BIGINT' },
  { name: 'file_version', type: 'VARCHAR' },
  /** Names of the file's columns as JSON: without them a line of CSV says nothing. */
  { name: 'file_columns', type: 'VARCHAR' },
  { name: 'rejected_at', type: 'TIMESTAMP WITH TIME ZONE' },
]

/** The table of a table's rejected rows: a plain one beside it, in the same output format. */
export function quarantineOf(table: TableConfig): TableConfig {
  return {
    ...table,
    name: `${table.name}${QUARANTINE_SUFFIX}`,
    tableName: `${table.tableName}${QUARANTINE_SUFFIX}`,
    targetPath: `${table.targetPath}${QUARANTINE_SUFFIX}`,
    strategy: 'append',
    primaryKeys: [],
    partitionColumns: [],
    delta: { ...table.delta, deletionVectors: false, changeDataFeed: false },
    tableComment: `rows that ${table.name} does not have`,
    tableProperties: {},
  }
}

/** The number of the batch that loaded the file of a quarantined row; undefined for a text that is no id. */
export function batchOfId(id: string): bigint | undefined {
  const [, number] = /\/(\d{1,18})-\d+$/.exec(id) ?? []
  return number === undefined ? undefined : BigInt(number)
}

/** The table of a quarantined row, `database.table`; undefined for a text that is no id. */
export function tableOfId(id: string): string | undefined {
  return batchOfId(id) === undefined ? undefined : id.slice(0, id.lastIndexOf('/'))
}

/** What a batch of mended rows settles. */
export interface Resubmission {
  /** Rows of the quarantine that the batch took; those that are still bad are in the quarantine anew, by the same ids. */
  readonly ids: readonly string[]
  readonly files: readonly ResubmittedFile[]
}

/** Mended rows of one file. */
export interface ResubmittedFile {
  readonly path: string
  /** Version of the file. */
  readonly version: string
  /** The batch that loaded the file. */
  readonly batchId: string
  /** Of the mended rows: those that are `rejected` again stay what they were. */
  readonly rows: RowCounts
}

/** The counts of a file after mended rows of it were taken back in. */
export function withResubmitted(rows: RowCounts, mended: RowCounts): RowCounts {
  return {
    read: rows.read,
    loaded: rows.loaded + mended.loaded,
    rejected: rows.rejected - mended.loaded - mended.filtered - mended.deduplicated,
    filtered: rows.filtered + mended.filtered,
    deduplicated: rows.deduplicated + mended.deduplicated,
  }
}
