import * as z from 'zod'
import { SCHEMA_MODES } from '../../model/schema.ts'
import { ROW_ACTIONS } from '../../model/table.ts'
import { amount, columnNames, doc, duration, flag, oneOf, ratio, size, text, textOrTexts, texts, timestamp, wholeNumber } from './types.ts'

const notificationsSchema = z.strictObject({
  sqs: text()
    .nullable()
    .default(null)
    .meta(
      doc('URL of an SQS queue that is sent the events of the S3 bucket.', { example: 'https://sqs.eu-west-1.amazonaws.com/1/landing' }),
    ),
  storage_queue: text()
    .nullable()
    .default(null)
    .meta(doc('URL of a storage queue that Event Grid fills.', { example: 'https://account.queue.core.windows.net/landing' })),
})

export const watchSchema = z.strictObject({
  mode: oneOf(['auto', 'watch', 'poll', 'cron'])
    .default('auto')
    .meta(doc('How the source is looked at: file-system events, polling, or a cron schedule.')),
  poll_interval_seconds: amount(1, 86_400).default(30).meta(doc('Seconds between two listings of a polled source.')),
  full_listing_seconds: amount(0, 604_800)
    .default(3600)
    .meta(doc('Of a bucket: seconds between two listings of all of it; those between pass over old date folders.')),
  notifications: notificationsSchema
    .prefault({})
    .meta(doc('A queue that tells of new objects, so that the bucket need not be listed so often.')),
  cron: text()
    .nullable()
    .default(null)
    .meta(doc('Schedule of mode cron.', { example: '0 2 * * *' })),
  settle_seconds: amount(0, 86_400).default(2).meta(doc('A file is complete when it has not changed for so long.')),
  marker: text()
    .nullable()
    .default(null)
    .meta(doc('File that says another is complete: {name}.done, or _SUCCESS for a folder.', { example: '{name}.done' })),
  ignore: texts()
    .default([])
    .meta(doc('Globs of names that are never taken.', { example: ['*.bak'] })),
  require_final_newline: flag().default(false).meta(doc('A text file without a newline at its end counts as cut.')),
  include_existing: flag().default(true).meta(doc('Takes files that were there before the first run.')),
  modified_after: timestamp()
    .nullable()
    .prefault(null)
    .meta(doc('Takes only files modified after this time; without an offset it is UTC.', { example: '2024-01-31' })),
})

export const deltaSchema = z.strictObject({
  target_file_size: size().prefault('128MB').meta(doc('Size that data files are written up to.')),
  deletion_vectors: flag().default(false).meta(doc('Marks removed rows in deletion vectors instead of rewriting files.')),
  change_data_feed: flag().default(false).meta(doc('Writes the change data feed.')),
  log_retention: duration().prefault('30 days').meta(doc('How long entries of the log are kept.')),
  file_retention: duration().prefault('7 days').meta(doc('How long removed data files are kept.')),
  checkpoint_interval: wholeNumber(1, 10_000).default(10).meta(doc('Commits between two checkpoints.')),
  optimize: oneOf(['auto', 'off']).default('auto').meta(doc('Whether small files are compacted by themselves.')),
})

export const guardSchema = z.strictObject({
  min_rows: wholeNumber(0)
    .nullable()
    .default(null)
    .meta(doc('Holds a file with fewer rows.', { example: 1 })),
  max_delete_ratio: ratio()
    .nullable()
    .default(null)
    .meta(doc('Holds a file that would end a larger share of the keys.', { example: 0.1 })),
  max_row_change_ratio: ratio()
    .nullable()
    .default(null)
    .meta(doc('Holds a file whose number of rows differs by a larger share.', { example: 0.5 })),
})

const parameter = () => z.union([z.string(), z.number(), z.boolean(), z.null()], { error: 'text, a number, true, false or null' })

export const transformSchema = z.strictObject({
  sql: text()
    .nullable()
    .default(null)
    .meta(doc('A query over the relation `records`.', { example: 'select * from records where amount > $minimum' })),
  file: text()
    .nullable()
    .default(null)
    .meta(doc('A file that holds the query.', { example: './transform.sql' })),
  module: text()
    .nullable()
    .default(null)
    .meta(doc('A module that exports a function from a polars frame to another.', { example: './transform.mjs' })),
  params: z
    .record(text(), parameter(), { error: 'a map of values' })
    .default({})
    .meta(doc('Values bound to $name in the query, or passed to the module.', { example: { minimum: 10 } })),
  scope: oneOf(['file', 'batch']).default('file').meta(doc('Whether the transform sees one file or the whole batch.')),
})

const ruleName = () => text().meta(doc('Name of the rule in counts and reasons.', { example: 'amount_is_positive' }))

/** Rules for a batch have a name by themselves. */
const batchRule = {
  name: text()
    .optional()
    .meta(doc('Name of the rule; without it its kind and columns are the name.', { example: 'one_row_per_order' })),
  on_violation: oneOf(['warn', 'fail']).default('warn').meta(doc('Whether the files that are to blame are told of, or fail.')),
}

const rowRuleSchema = z.strictObject({
  name: ruleName(),
  check: text().meta(doc('SQL condition that each row fulfils.', { example: 'amount >= 0' })),
  on_violation: oneOf(ROW_ACTIONS).default('warn').meta(doc('What happens to a row that does not.')),
})

const uniqueRuleSchema = z.strictObject({
  unique: columnNames().meta(doc('Columns that no two rows of a batch have the same values in.', { example: ['order_id'] })),
  ...batchRule,
})

const rowCountRuleSchema = z.strictObject({
  row_count: z
    .strictObject({
      min: wholeNumber(0)
        .nullable()
        .default(null)
        .meta(doc('Rows at least.', { example: 1 })),
      max: wholeNumber(0)
        .nullable()
        .default(null)
        .meta(doc('Rows at most.', { example: 1_000_000 })),
      per: oneOf(['file', 'batch']).default('file').meta(doc('Whether the rows of each file are counted, or those of the batch.')),
    })
    .meta(doc('How many rows a file or a batch has.', { example: { min: 1 } })),
  ...batchRule,
})

const freshnessRuleSchema = z.strictObject({
  freshness: z
    .strictObject({
      column: text().meta(doc('A date or timestamp.', { example: 'updated_at' })),
      max_age: duration().meta(doc('Age of the newest value at most, when it is loaded.', { example: '2 days' })),
    })
    .meta(doc('How old the newest value of a batch is.', { example: { column: 'updated_at', max_age: '2 days' } })),
  ...batchRule,
})

/** A rule is of the kind that its key says: check, unique, row_count or freshness. */
export const expectationSchema = z.union([rowRuleSchema, uniqueRuleSchema, rowCountRuleSchema, freshnessRuleSchema], {
  error: 'a map with check, unique, row_count or freshness',
})

/** `schema_evolution`: true is evolve, false is fail. */
export const schemaEvolutionSchema = z.union(
  [
    flag(),
    z.strictObject({
      mode: oneOf(SCHEMA_MODES).default('evolve').meta(doc('What happens to new columns and types.')),
      columns: z
        .record(text(), oneOf(SCHEMA_MODES), { error: 'a map of modes' })
        .default({})
        .meta(doc('Columns with a mode of their own.', { example: { amount: 'widen' } })),
    }),
  ],
  { error: 'true, false or {mode: evolve}' },
)

export const afterLoadSchema = z.union(
  [
    oneOf(['keep', 'delete']),
    z.strictObject({ archive: text().meta(doc('Folder that loaded files are moved to.', { example: './archive' })) }),
  ],
  { error: 'keep, delete or {archive: path}' },
)

export const sourceSchema = z.strictObject({
  type: oneOf(['mssql', 'postgres', 'mysql', 'databricks', 'custom']).meta(doc('What the rows are extracted from.', { example: 'mssql' })),
  connection: text()
    .nullable()
    .default(null)
    .meta(doc('Name of a connection.', { example: 'warehouse' })),
  table: text()
    .nullable()
    .default(null)
    .meta(doc('Table to extract.', { example: 'dbo.orders' })),
  query: text()
    .nullable()
    .default(null)
    .meta(doc('Query to extract instead of a table.', { example: 'select * from dbo.orders' })),
  module: text()
    .nullable()
    .default(null)
    .meta(doc('Module of a custom source.', { example: './source.mjs' })),
  watermark: text()
    .nullable()
    .default(null)
    .meta(doc('Column that grows with each change.', { example: 'updated_at' })),
  keys: columnNames()
    .default([])
    .meta(doc('Columns that identify a row.', { example: ['order_id'] })),
  partition_column: text()
    .nullable()
    .default(null)
    .meta(doc('Column by which the extract is split.', { example: 'order_date' })),
  parallel: wholeNumber(1, 256).default(1).meta(doc('Parts extracted at the same time.')),
  batch_size: wholeNumber(1)
    .nullable()
    .default(null)
    .meta(doc('Rows fetched at a time.', { example: 50_000 })),
  cron: text()
    .nullable()
    .default(null)
    .meta(doc('When it is extracted by the daemon.', { example: '0 2 * * *' })),
})

export const storeSchema = z.strictObject({
  type: oneOf(['delta', 'parquet', 'open_mirroring', 'duckdb', 'postgres', 'adls', 'custom']).meta(
    doc('Where the rows land.', { example: 'open_mirroring' }),
  ),
  connection: text()
    .nullable()
    .default(null)
    .meta(doc('Name of a connection.', { example: 'fabric' })),
  path: text()
    .nullable()
    .default(null)
    .meta(doc('Folder or database file.', { example: './tables/orders' })),
  schema: text()
    .nullable()
    .default(null)
    .meta(doc('Schema in a database.', { example: 'public' })),
  table: text()
    .nullable()
    .default(null)
    .meta(doc('Table in a database.', { example: 'orders' })),
  module: text()
    .nullable()
    .default(null)
    .meta(doc('Module of a custom store.', { example: './store.mjs' })),
  compression: oneOf(['zstd', 'snappy', 'gzip', 'none'])
    .nullable()
    .default(null)
    .meta(doc('Codec of Parquet files.', { example: 'zstd' })),
  incremental: flag()
    .nullable()
    .default(null)
    .meta(doc('Appends (true) or reloads (false), whatever run_type says.', { example: true })),
  account_url: text()
    .nullable()
    .default(null)
    .meta(doc('URL of the account.', { example: 'https://onelake.dfs.fabric.microsoft.com' })),
  filesystem: text()
    .nullable()
    .default(null)
    .meta(doc('Workspace or container.', { example: 'my-workspace' })),
  mirror_name: text()
    .nullable()
    .default(null)
    .meta(doc('Mirrored database of Open Mirroring.', { example: 'my-mirror' })),
  key_columns: columnNames()
    .default([])
    .meta(doc('Key columns of Open Mirroring.', { example: ['id'] })),
  folder_deletion_wait_seconds: amount(0, 86_400).default(120).meta(doc('Wait after the folder of a full drop was deleted.')),
})

export const lineageSchema = z.strictObject({
  url: text().meta(doc('Address that OpenLineage events are sent to.', { example: 'https://lineage.example.com/api/v1/lineage' })),
  namespace: text().default('ingestd').meta(doc('Namespace of the jobs.')),
  api_key: text()
    .nullable()
    .default(null)
    .meta(doc('Key of the receiver.', { example: '${LINEAGE_KEY}' })),
})

/** SQL before or after a batch: one statement or several. */
export const statementsSchema = textOrTexts
