import { describe, expect, test } from 'vitest'
import { load, table, tableText } from './support.ts'

/** The «Example Configuration» of the Databricks loader. */
const DATABRICKS = `raw_data_path: /mnt/raw/
processed_data_path: /mnt/processed/
checkpoint_path: /mnt/checkpoints/
file_tracker_table: file_processing_tracker
file_tracker_database: metadata
max_parallel_jobs: 4
retry_attempts: 3
timeout_minutes: 60
log_level: INFO
enable_metrics: true
tables:
  - table_name: customers
    database_name: analytics
    source_path_pattern: /mnt/raw/customers/*.parquet
    loading_strategy: scd2
    primary_keys:
      - customer_id
    tracking_columns:
      - name
      - email
      - address
    file_format: parquet
    schema_evolution: true
    partition_columns:
      - date_partition
  - table_name: transactions
    database_name: analytics
    source_path_pattern: /mnt/raw/transactions/*.parquet
    loading_strategy: append
    file_format: parquet
    schema_evolution: true
    partition_columns:
      - transaction_date
`

/** Every key that the product knows, with the values that its page shows. */
const FULL = `raw_data_path: ./landing
processed_data_path: ./tables
checkpoint_path: ./state
file_tracker_database: metadata
file_tracker_table: file_processing_tracker
tracker_url: null
max_parallel_jobs: 4
retry_attempts: 3
retry_backoff: { base_seconds: 5, factor: 2, max_seconds: 900 }
timeout_minutes: 60
log_level: INFO
log_format: auto
enable_metrics: true
http: { host: 127.0.0.1, port: 9464 }
engine: { type: duckdb, memory_limit: 60%, threads: auto, temp_directory: null }
connections: {}
defaults: {}
include: []
upstream_dependencies: []
downstream_notifications: []
tables:
  - table_name: customers
    database_name: analytics
    source_path_pattern: customers/*.csv
    file_format: csv
    format_options: {}
    loading_strategy: scd2
    output_format: delta
    target_path: null
    primary_keys: [customer_id]
    tracking_columns: [name, email, address]
    sequence_by: updated_at
    delete_when: "op = 'D'"
    scd2_effective_date_column: effective_date
    scd2_end_date_column: end_date
    scd2_current_flag_column: is_current
    schema_evolution: true
    columns: {}
    partition_columns: [country]
    transform: { sql: null, file: null, module: null, params: {} }
    expectations: []
    deduplicate: false
    audit_columns: true
    on_changed_file: auto
    snapshot_unit: file
    guard: { min_rows: null, max_delete_ratio: null, max_row_change_ratio: null }
    max_bad_rows: 0
    watch: { mode: auto, poll_interval_seconds: 30, cron: null, settle_seconds: 2, marker: null, ignore: [],
             require_final_newline: false, include_existing: true, modified_after: null }
    after_load: keep
    max_files_per_batch: 10000
    max_bytes_per_batch: 4GB
    delta: { target_file_size: 128MB, deletion_vectors: false, change_data_feed: false, log_retention: 30 days,
             file_retention: 7 days, checkpoint_interval: 10, optimize: auto }
`

describe('what is not built yet', () => {
  test("the Databricks loader's example loads as it stands; both of its tables run", async () => {
    const [customers, transactions] = (await load(DATABRICKS)).tables
    expect(customers).toMatchObject({ name: 'analytics.customers', strategy: 'scd2', primaryKeys: ['customer_id'], unsupported: [] })
    expect(transactions).toMatchObject({
      name: 'analytics.transactions',
      sourcePattern: '/mnt/raw/transactions/*.parquet',
      targetPath: '/mnt/processed/analytics/transactions',
      partitionColumns: ['transaction_date'],
      unsupported: [],
    })
  })

  test('a config with every key at its default asks for nothing that is not built', async () => {
    expect((await load(FULL)).tables[0]?.unsupported).toEqual([])
  })

  test.each([
    ['source: {type: mssql, table: a}', 'source', 'source is not built yet'],
    ['store: {type: duckdb}', 'store', 'store is not built yet'],
    ['transform: {sql: select 1, scope: batch}', 'transform.scope', 'transform.scope: batch is not built yet'],
    ['pre_sql: select 1', 'pre_sql', 'pre_sql is not built yet'],
    ['post_sql: [select 1]', 'post_sql', 'post_sql is not built yet'],
    [
      'table_properties: {delta.enableChangeDataFeed: "true"}',
      'table_properties.delta.enableChangeDataFeed',
      'the table property delta.enableChangeDataFeed is not built yet',
    ],
    ['target_path: hdfs://host/orders', 'target_path', 'hdfs:// is not built yet'],
  ])('{%s} fails its table by name', async (keys, key, message) => {
    expect((await table(keys)).unsupported.map((entry) => [entry.key, entry.message])).toEqual([[`tables[0].${key}`, message]])
  })

  test.each([
    'schema_evolution: {mode: evolve}',
    'schema_evolution: {mode: fail}',
    'schema_evolution: {mode: widen, columns: {note: ignore}}',
    'on_changed_file: append',
    'on_changed_file: replace',
    'after_load: delete',
    'after_load: {archive: x}',
    'run_type: full_drop',
    'output_format: parquet',
    'infer_types: false',
    'delta: {target_file_size: 1MB, checkpoint_interval: 1}',
    'delta: {log_retention: 1 day, file_retention: 1 day, optimize: off}',
    'watch: {settle_seconds: 0, marker: _SUCCESS, ignore: [x], require_final_newline: true, include_existing: false, modified_after: 2024-01-01}',
    'table_properties: {owner: sales, delta.appendOnly: "true", delta.enableDeletionVectors: "false"}',
    'source_path_pattern: orders/*.ndjson.zst',
  ])('{%s} is built', async (keys) => {
    expect((await table(keys.startsWith('source_path') ? '' : keys)).unsupported).toEqual([])
  })

  test.each([
    ['engine: {type: spark}', 'engine.type', 'engine.type: spark is not built yet'],
    ['upstream_dependencies: ["file:/x"]', 'upstream_dependencies', 'upstream_dependencies is not built yet'],
    ['use_unity_catalog: true', 'use_unity_catalog', 'use_unity_catalog is not built yet'],
    ['raw_data_path: hdfs://host/raw', 'raw_data_path', 'hdfs:// is not built yet'],
    ['processed_data_path: dbfs:/t', 'processed_data_path', 'dbfs:// is not built yet'],
  ])('%s fails every table', async (line, key, message) => {
    const config = await load(
      `${line}\ntables:\n- {table_name: a, source_path_pattern: a.csv}\n- {table_name: b, source_path_pattern: b.csv}`,
    )
    expect(config.tables.map(({ unsupported }) => unsupported.map((entry) => [entry.key, entry.message]))).toEqual([
      [[key, message]],
      [[key, message]],
    ])
  })

  test('another table of the config runs', async () => {
    const config = await load(
      `tables:\n- {table_name: a, source_path_pattern: "hdfs://user:pw@host/a/*.csv"}\n- {table_name: b, source_path_pattern: b.csv}`,
    )
    expect(config.tables.map(({ unsupported }) => unsupported.map(({ key }) => key))).toEqual([['tables[0].source_path_pattern'], []])
    expect(config.tables[0]?.sourcePattern).toBe('hdfs://***@host/a/*.csv')
  })

  test('a default that is not built is named where it stands', async () => {
    const config = await load(`defaults: {pre_sql: select 1}\n${tableText('')}`)
    expect(config.tables[0]?.unsupported).toEqual([
      { key: 'defaults.pre_sql', message: 'pre_sql is not built yet', hint: 'remove it; the other tables run' },
    ])
  })

  test('a connection that no table uses does no harm', async () => {
    const config = await load(`connections: {lake: {type: s3}}\n${tableText('')}`)
    expect(config.tables[0]?.unsupported).toEqual([])
  })
})
