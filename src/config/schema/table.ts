import * as z from 'zod'
import { FORMAT_NAMES, MASKS, METADATA_COLUMNS } from '../../model/table.ts'
import {
  afterLoadSchema,
  deltaSchema,
  expectationSchema,
  guardSchema,
  schemaEvolutionSchema,
  sourceSchema,
  statementsSchema,
  storeSchema,
  transformSchema,
  watchSchema,
} from './nested.ts'
import { columnNames, doc, duration, flag, oneOf, rowLimit, size, text, textMap, wholeNumber } from './types.ts'

const metadataNames = () => z.array(oneOf(METADATA_COLUMNS), { error: 'a list of column names' })

/** Keys that a table is named and found by. */
const identity = {
  table_name: text().meta(doc('Name of the table; required.', { example: 'customers' })),
  database_name: text()
    .default('default')
    .meta(doc('Database of the table: database.table is its name everywhere.', { example: 'analytics' })),
  source_path_pattern: text().meta(
    doc('Glob of the files to load, absolute or relative to raw_data_path (* ? ** [] {}); required.', { example: 'customers/*.csv' }),
  ),
  connection: text()
    .nullable()
    .default(null)
    .meta(doc('Name of the connection that the source needs, and the target unless it has another.', { example: 'lake' })),
  target_connection: text()
    .nullable()
    .default(null)
    .meta(doc('Name of the connection that the target needs, where it is not that of the source.', { example: 'ours' })),
  source: sourceSchema
    .nullable()
    .default(null)
    .meta(doc('Extracts the rows from a database instead of waiting for files.', { example: { type: 'mssql', table: 'dbo.orders' } })),
  target_path: text()
    .nullable()
    .default(null)
    .meta(doc('Folder of the table instead of <processed_data_path>/<database_name>/<table_name>.', { example: './tables/customers' })),
  output_format: oneOf(['delta', 'parquet'])
    .default('delta')
    .meta(doc('A Delta table, or a folder that holds nothing but its current Parquet files.')),
  store: storeSchema
    .nullable()
    .default(null)
    .meta(doc('Another place for the rows than a table in a folder.', { example: { type: 'open_mirroring' } })),
  table_comment: text()
    .nullable()
    .default(null)
    .meta(doc('Description written into the table.', { example: 'One row per customer.' })),
  table_properties: textMap()
    .default({})
    .meta(doc('Properties written into the table when it is made.', { example: { owner: 'sales' } })),
}

/** Keys that say how files are read. */
const reading = {
  file_format: oneOf(FORMAT_NAMES)
    .nullable()
    .default(null)
    .meta(doc('Format of the files; by default the suffix of source_path_pattern says it.', { example: 'csv' })),
  format_options: z
    .record(text(), z.unknown(), { error: 'a map of options' })
    .default({})
    .meta(doc("Options of the format's reader, as delimiter, quote, null_values or date_format.", { example: { delimiter: ';' } })),
  columns: z
    .union([textMap(), columnNames()], { error: 'a map of column names to types, or a list of column names' })
    .default({})
    .meta(
      doc('Types by column name, or a list of the columns to load; what is not named is inferred once.', {
        example: { customer_id: 'BIGINT' },
      }),
    ),
  exclude_columns: columnNames()
    .default([])
    .meta(doc('Columns that are not loaded.', { example: ['internal_note'] })),
  rename_columns: textMap()
    .default({})
    .meta(doc('Names in the file to names in the table.', { example: { cust_id: 'customer_id' } })),
  infer_types: flag().default(true).meta(doc('False reads every column without a type as text.')),
  schema_evolution: schemaEvolutionSchema
    .default(true)
    .meta(doc('What happens to new columns: true adds them, false fails the file, or {mode: evolve|widen|rescue|ignore|fail}.')),
  json_path: text()
    .nullable()
    .default(null)
    .meta(doc('Path to the list of records in a JSON document.', { example: '$.items' })),
  path_columns: z
    .union([text(), columnNames(), textMap()], {
      error: 'a pattern with named groups, a list of names of folders name=value, or a map of column names to patterns',
    })
    .default([])
    .meta(
      doc('Columns taken from the path of the file: a pattern with named groups, a list of folders name=value, or patterns by column.', {
        example: 'year=(?<year>\\d+)',
      }),
    ),
  metadata_columns: z
    .union([flag(), metadataNames()], { error: `true, false or a list of ${METADATA_COLUMNS.join(', ')}` })
    .default(false)
    .meta(doc(`Adds columns about the file: true for all but _file_member, or a list of ${METADATA_COLUMNS.join(', ')}.`)),
  mask: z
    .record(text(), oneOf(MASKS), { error: `a map of column names to ${MASKS.join(', ')}` })
    .default({})
    .meta(
      doc('Columns that are hashed (with mask_key), redacted, or shown in part before they are stored.', { example: { email: 'hash' } }),
    ),
  transform: transformSchema.prefault({}).meta(doc('SQL or a module between reading and loading.')),
  expectations: z
    .array(expectationSchema, { error: 'a list of expectations' })
    .default([])
    .meta(
      doc('Rules that rows (check) or batches (unique, row_count, freshness) are checked by, and what happens when they are broken.', {
        example: [
          { name: 'positive', check: 'amount >= 0', on_violation: 'quarantine' },
          { unique: ['order_id'], on_violation: 'fail' },
          { row_count: { min: 1 } },
          { freshness: { column: 'updated_at', max_age: '2 days' } },
        ],
      }),
    ),
  max_bad_rows: rowLimit()
    .prefault(0)
    .meta(doc('Rows, or a percentage, that a file may reject before it fails as a whole; 0 by default.', { example: '1%' })),
  guard: guardSchema.prefault({}).meta(doc('Holds a file that would change the table too much, until it is approved.')),
}

/** Keys that say how rows become a table. */
const loading = {
  loading_strategy: text()
    .default('append')
    .meta(doc('append, overwrite, merge, scd2, or the path of a module with a strategy of your own.', { example: './my-strategy.mjs' })),
  primary_keys: columnNames()
    .default([])
    .meta(doc('For merge and scd2: columns that identify a row.', { example: ['customer_id'] })),
  tracking_columns: columnNames()
    .default([])
    .meta(doc('For scd2: columns whose change makes a new version; all others by default.', { example: ['name', 'email'] })),
  sequence_by: z
    .union([text(), columnNames()], { error: 'a column name or a list of column names' })
    .nullable()
    .default(null)
    .meta(
      doc("For merge and scd2: orders the versions of a key; by default the file's modified time, then its path.", {
        example: 'updated_at',
      }),
    ),
  delete_when: text()
    .nullable()
    .default(null)
    .meta(doc('For merge and scd2: rows that mean delete.', { example: "op = 'D'" })),
  merge_update_columns: columnNames()
    .default([])
    .meta(doc('For merge: the only columns that an update changes.', { example: ['email'] })),
  insert_only: flag().default(false).meta(doc('For merge: never changes a row that is there.')),
  when_tied: oneOf(['file_order', 'reject'])
    .default('file_order')
    .meta(doc('For merge and scd2: what settles two rows of a key with the same sequence.')),
  missing_means_deleted: flag()
    .default(false)
    .meta(doc('For merge and scd2: each file is a full snapshot, and a key that it lacks is deleted.')),
  late_window: duration()
    .prefault('90 days')
    .meta(doc('For merge and scd2: how late a version of a key may come and still find its place.')),
  scd2_effective_date_column: text().default('effective_date').meta(doc('For scd2: column with the start of a version.')),
  scd2_end_date_column: text().default('end_date').meta(doc('For scd2: column with the end of a version.')),
  scd2_current_flag_column: text().default('is_current').meta(doc('For scd2: column that marks the current version.')),
  scd2_open_end: text()
    .nullable()
    .default(null)
    .meta(doc('For scd2: end of the current version instead of NULL.', { example: '9999-12-31' })),
  load_strategy: oneOf(['replace', 'upsert'])
    .nullable()
    .default(null)
    .meta(doc('Reference tables: replaces the table, or merges by its keys.', { example: 'replace' })),
  skip_unchanged: flag().default(false).meta(doc('Skips a reload whose content is the same.')),
  hash_algorithm: oneOf(['sha256', 'md5']).default('sha256').meta(doc('Hash that skip_unchanged compares.')),
  force_reload_after: duration()
    .nullable()
    .prefault(null)
    .meta(doc('Reloads after so long although nothing changed.', { example: '7 days' })),
  partition_columns: columnNames()
    .default([])
    .meta(doc('Columns that the table is partitioned by.', { example: ['country'] })),
  deduplicate: z
    .union([flag(), columnNames()], { error: 'true, false or a list of column names' })
    .default(false)
    .meta(doc('For append: drops rows that the batch or the table has already; true compares all columns, a list those.')),
  audit_columns: flag().default(true).meta(doc('Adds _load_timestamp, _source_file and _batch_id.')),
  on_changed_file: oneOf(['auto', 'ignore', 'append', 'replace', 'fail'])
    .default('auto')
    .meta(doc('New content at a path that is loaded: auto ignores it for append and loads it otherwise.')),
  snapshot_unit: oneOf(['file', 'folder', 'batch']).default('file').meta(doc('For overwrite: what is one full snapshot.')),
  overwrite_scope: oneOf(['table', 'partition'])
    .default('table')
    .meta(doc('For overwrite: replaces the table, or only the partitions that a snapshot has rows for.')),
  run_type: oneOf(['incremental', 'full_drop'])
    .default('incremental')
    .meta(doc('full_drop reloads all files as one replacing commit in each run.')),
}

/** Keys that say when files are taken, how many at a time, and what becomes of them. */
const running = {
  watch: watchSchema.prefault({}).meta(doc('When a file is found and complete.')),
  after_load: afterLoadSchema.default('keep').meta(doc('What becomes of a loaded file: keep, delete or {archive: path}.')),
  max_files_per_batch: wholeNumber(1, 1_000_000).default(10_000).meta(doc('Files in one commit at most.')),
  max_bytes_per_batch: size().prefault('4GB').meta(doc('Bytes of files in one commit at most; a larger file is a batch of its own.')),
  pre_sql: statementsSchema()
    .nullable()
    .default(null)
    .meta(doc('Statements before each batch.', { example: 'select 1' })),
  post_sql: statementsSchema()
    .nullable()
    .default(null)
    .meta(doc('Statements after each batch.', { example: 'select 1' })),
  delta: deltaSchema.prefault({}).meta(doc('How the Delta table is written and kept.')),
}

const tableShape = { ...identity, ...reading, ...loading, ...running }

/** One table. `source_path_pattern` may be left out where `source` extracts the files itself. */
export const tableSchema = z.strictObject(tableShape, { error: 'a map of keys' })

/** The same keys under `defaults`, none of them required. */
export const defaultsSchema = tableSchema.partial()

/** A table of the config with defaults in place and units converted; paths are still as written. */
export type TableInput = z.output<typeof tableSchema>
