import * as z from 'zod'
import { connectionSchema } from './schema/connections.ts'
import { lineageSchema } from './schema/nested.ts'
import { defaultsSchema, tableSchema } from './schema/table.ts'
import { amount, doc, flag, memory, moreThanZero, oneOf, text, texts, wholeNumber } from './schema/types.ts'

const retryBackoffSchema = z.strictObject({
  base_seconds: moreThanZero(86_400).default(5).meta(doc('Wait before the first automatic retry.')),
  factor: amount(1, 100).default(2).meta(doc('Each further wait is so many times longer.')),
  max_seconds: moreThanZero(604_800).default(900).meta(doc('Longest wait.')),
})

const httpSchema = z.strictObject({
  host: text().default('127.0.0.1').meta(doc('Address that the web page, /metrics, /healthz, /readyz and /api/status are served on.')),
  port: wholeNumber(0, 65_535).default(9464).meta(doc('Port; 0 takes any that is free.')),
  token: text()
    .nullable()
    .default(null)
    .meta(
      doc('Token that requests must bear (Authorization: Bearer …), but for /healthz and /readyz.', { example: '${INGEST_HTTP_TOKEN}' }),
    ),
})

const engineSchema = z.strictObject({
  type: oneOf(['duckdb', 'spark']).default('duckdb').meta(doc('DuckDB on this machine, or a Spark cluster.')),
  memory_limit: memory()
    .prefault('60%')
    .meta(doc('Memory of all loads together: a size, or a share of the machine (of the container, where there is one).')),
  threads: z
    .union([z.literal('auto'), wholeNumber(1, 1024)], { error: 'auto or a whole number from 1 to 1024' })
    .default('auto')
    .meta(doc('Threads of all loads together.')),
  temp_directory: text()
    .nullable()
    .default(null)
    .meta(doc('Folder for what does not fit into memory; in checkpoint_path by default.', { example: '/var/tmp/ingestd' })),
  connection: text()
    .nullable()
    .default(null)
    .meta(doc('Connection of a cluster.', { example: 'cluster' })),
})

/** Keys of the config but for its tables. */
const globalShape = {
  raw_data_path: text().default('./landing').meta(doc('Base of relative source patterns.')),
  processed_data_path: text().default('./tables').meta(doc('Base of target tables: <base>/<database_name>/<table_name>.')),
  checkpoint_path: text().default('./state').meta(doc('Folder of the tracker, the spool and locks.')),
  file_tracker_database: text().default('metadata').meta(doc('Tracker database: <checkpoint_path>/<name>.db.')),
  file_tracker_table: text().default('file_processing_tracker').meta(doc('Table of the tracker that holds the files.')),
  tracker_url: text()
    .nullable()
    .default(null)
    .meta(doc('Postgres as the tracker of several daemons; its schema is file_tracker_database.', { example: '${TRACKER_URL}' })),
  tracker_pool_size: wholeNumber(2, 100).default(5).meta(doc('Connections of one process to that Postgres at most.')),
  max_parallel_jobs: wholeNumber(1, 1024).default(4).meta(doc('Tables loaded at the same time.')),
  retry_attempts: wholeNumber(0, 1000).default(3).meta(doc('Automatic retries of one file.')),
  retry_backoff: retryBackoffSchema.prefault({}).meta(doc('Wait between automatic retries.')),
  timeout_minutes: moreThanZero(525_600).default(60).meta(doc('Longest time of one batch.')),
  shutdown_timeout_seconds: amount(0, 86_400).default(60).meta(doc('Longest wait for running batches when the daemon stops.')),
  log_level: oneOf(['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR']).default('INFO').meta(doc('What is logged.')),
  log_format: oneOf(['auto', 'pretty', 'json'])
    .default('auto')
    .meta(doc('pretty on a terminal and JSON lines otherwise, or one of them always.')),
  log_file: text()
    .nullable()
    .default(null)
    .meta(
      doc('File that logs are appended to, instead of stderr; it may be moved away at any time (logrotate).', { example: './ingest.log' }),
    ),
  enable_metrics: flag().default(true).meta(doc('Serves metrics for Prometheus at /metrics of the daemon.')),
  http: httpSchema
    .nullable()
    .prefault({})
    .meta(
      doc('Where the daemon serves its web page, health, metrics and status; null for nowhere.', {
        example: { host: '127.0.0.1', port: 9464, token: '${INGEST_HTTP_TOKEN}' },
      }),
    ),
  engine: engineSchema.prefault({}).meta(doc('What runs the loads.')),
  connections: z
    .record(text(), connectionSchema, { error: 'a map of connections by name' })
    .default({})
    .meta(doc('Named connections.', { example: { lake: { type: 's3', region: 'eu-central-1' } } })),
  mask_key: maskKey()
    .nullable()
    .default(null)
    .meta(
      doc('Key of hashed columns (mask); keep it secret, and the same for as long as hashes shall compare.', { example: '${MASK_KEY}' }),
    ),
  include: texts()
    .default([])
    .meta(doc('Globs of further files, each a table or a list of tables.', { example: ['tables/*.yaml'] })),
  upstream_dependencies: texts()
    .default([])
    .meta(doc('What must be met before a run: file:…, table:…, job:….', { example: ['file:/data/ready.flag'] })),
  downstream_notifications: texts()
    .default([])
    .meta(doc('Who is told after a run: webhook:…, job:….', { example: ['webhook:https://example.com/hook'] })),
  publish_tracker: flag().default(false).meta(doc('Writes the tracker as a Delta table after every run.')),
  backup_tracker_before_run: flag().default(false).meta(doc('Copies the tracker before every run.')),
  tracker_retention_days: wholeNumber(1)
    .nullable()
    .default(null)
    .meta(doc('Days that the history of files is kept.', { example: 365 })),
  lineage: lineageSchema
    .nullable()
    .default(null)
    .meta(doc('Where OpenLineage events are sent.', { example: { url: 'https://lineage.example.com/api/v1/lineage' } })),
  use_unity_catalog: flag().default(false).meta(doc('Uses three-part names of Unity Catalog.')),
  default_catalog: text()
    .nullable()
    .default(null)
    .meta(doc('Catalog of tables that name none.', { example: 'production' })),
  enable_cluster_optimizations: flag().default(false).meta(doc('Tunes the cluster that the engine runs on.')),
  enable_job_dependencies: flag().default(false).meta(doc('Waits for and starts jobs of the cluster.')),
}

/** Below 16 characters the hashes of known values could be tried out. */
function maskKey() {
  const error = 'text of at least 16 characters'
  return z.string({ error }).min(16, { error })
}

const tablesDoc = doc('The tables.')
const defaultsDoc = doc('Values for every table that does not set the key itself; maps merge by key, lists replace.', {
  example: { schema_evolution: true },
})

/** What is checked at once; tables are checked one by one after `defaults` were merged into them. */
export const globalSchema = z.strictObject(
  {
    ...globalShape,
    defaults: z.record(z.string(), z.unknown(), { error: 'a map of keys' }).default({}),
    tables: z.array(z.unknown(), { error: 'a list of tables' }).optional(),
  },
  { error: 'a map of keys' },
)

export type GlobalInput = z.output<typeof globalSchema>

/** The whole config as users write it; the source of the JSON Schema and of the example. */
export const configSchema = z.strictObject({
  ...globalShape,
  defaults: defaultsSchema.prefault({}).meta(defaultsDoc),
  tables: z.array(tableSchema).meta(tablesDoc),
})
