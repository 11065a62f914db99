import { describe, expect, test } from 'vitest'
import { load, problems, table, tableText } from './support.ts'

/** Key, a value that is taken, a value that is not, and what is said of it. */
const TABLE_KEYS: readonly (readonly [string, string, string, string])[] = [
  ['table_name', 'a', '5', 'must be text, is 5; write for example table_name: customers'],
  ['database_name', 'analytics', 'a.b', '"a.b" is no name: it holds a dot; write database_name and table_name apart'],
  ['source_path_pattern', 'a/**/*.csv', '[a]', 'must be text, is a list; write for example source_path_pattern: customers/*.csv'],
  [
    'source',
    '{type: mssql, table: dbo.orders}',
    '{type: oracle, table: x}',
    'must be one of mssql, postgres, mysql, databricks, custom, is "oracle"; write for example type: mssql',
  ],
  [
    'target_path',
    './elsewhere',
    'ftp://host/x',
    'ftp:// is no scheme that ingestd knows; write a path, file://, s3://, gs://, az:// or abfss://',
  ],
  ['output_format', 'parquet', 'orc', 'must be one of delta, parquet, is "orc"; write for example output_format: delta'],
  [
    'store',
    '{type: open_mirroring, key_columns: [id]}',
    '{type: fabric}',
    'must be one of delta, parquet, open_mirroring, duckdb, postgres, adls, custom, is "fabric"; write for example type: open_mirroring',
  ],
  ['table_comment', 'Orders', '[x]', 'must be text, is a list; write for example table_comment: One row per customer.'],
  ['table_properties', '{owner: sales}', '{owner: 5}', 'must be text, is 5; write that instead'],
  [
    'file_format',
    'ndjson',
    'csvv',
    'must be one of csv, json, ndjson, parquet, delta, avro, arrow, fixed_width, regex, xlsx, is "csvv"; did you mean csv?',
  ],
  [
    'format_options',
    '{delimiter: ";", header: true, null_values: ["", NA], skip: 1}',
    '[x]',
    'must be a map of options, is a list; write for example format_options: { delimiter: ";" }',
  ],
  [
    'columns',
    '{a: BIGINT, b: "DECIMAL(38,2)", c: "STRUCT(x BIGINT, y VARCHAR[])", d: TIMESTAMP_NTZ}',
    '{a: "BIGINT); drop table x"}',
    '"BIGINT); drop table x" is not a type; write a DuckDB type, as BIGINT, DECIMAL(18,2), VARCHAR[] or STRUCT(a BIGINT)',
  ],
  [
    'exclude_columns',
    '[a, b]',
    '[a, A]',
    'must be a list of column names, none of them twice, is a list; write for example exclude_columns: [internal_note]',
  ],
  ['rename_columns', '{a: b}', '[a]', 'must be a map of text, is a list; write for example rename_columns: { cust_id: customer_id }'],
  ['infer_types', 'false', '1', 'must be true or false, is 1; write for example infer_types: true'],
  ['schema_evolution', '{mode: fail}', '5', 'must be true, false or {mode: evolve}, is 5; write for example schema_evolution: true'],
  ['json_path', '$.items', '5', 'must be text, is 5; write for example json_path: "$.items"'],
  [
    'path_columns',
    '[country]',
    '5',
    'must be a pattern with named groups, a list of names of folders name=value, or a map of column names to patterns, is 5; write for example path_columns: "year=(?<year>\\\\d+)"',
  ],
  [
    'metadata_columns',
    'true',
    '5',
    'must be true, false or a list of _file_path, _file_name, _file_size, _file_modified_time, _file_row_number, _batch_number, _file_member, is 5; write for example metadata_columns: false',
  ],
  [
    'mask',
    '{email: redact}',
    'email',
    'must be a map of column names to hash, redact, partial, is "email"; write for example mask: { email: hash }',
  ],
  [
    'transform',
    '{sql: select * from records, params: {a: 1}, scope: batch}',
    '{sql: x, file: y}',
    'a transform has one of sql, file and module, not sql and file; remove all but one',
  ],
  [
    'expectations',
    '[{name: a, check: a > 0, on_violation: quarantine}]',
    '[{name: a}]',
    'is required; add it, for example check: "amount >= 0"',
  ],
  ['max_bad_rows', '1%', '-1', 'must be a whole number of at least 0, is -1; write for example max_bad_rows: 1%'],
  [
    'guard',
    '{min_rows: 1, max_delete_ratio: 0.5, max_row_change_ratio: 1}',
    '{max_delete_ratio: 2}',
    'must be a number from 0 to 1, is 2; write for example max_delete_ratio: 0.1',
  ],
  [
    'loading_strategy',
    'overwrite',
    'upsert',
    'there is no strategy "upsert"; write append, overwrite, merge, scd2 or the path of a module, as ./my-strategy.mjs',
  ],
  ['load_strategy', 'replace', 'append', 'must be one of replace, upsert, is "append"; write for example load_strategy: replace'],
  ['skip_unchanged', 'true', 'maybe', 'must be true or false, is "maybe"; write for example skip_unchanged: false'],
  ['hash_algorithm', 'md5', 'sha1', 'must be one of sha256, md5, is "sha1"; write for example hash_algorithm: sha256'],
  [
    'partition_columns',
    '[country]',
    'country',
    'must be a list of column names, none of them twice, is "country"; write for example partition_columns: [country]',
  ],
  ['deduplicate', '[id]', 'id', 'must be true, false or a list of column names, is "id"; write for example deduplicate: false'],
  ['audit_columns', 'false', '[x]', 'must be true or false, is a list; write for example audit_columns: true'],
  [
    'on_changed_file',
    'fail',
    'reload',
    'must be one of auto, ignore, append, replace, fail, is "reload"; write for example on_changed_file: auto',
  ],
  ['run_type', 'full_drop', 'full', 'must be one of incremental, full_drop, is "full"; did you mean full_drop?'],
  [
    'watch',
    '{mode: poll, settle_seconds: 0.5, marker: "{name}.done", ignore: ["*.x"], require_final_newline: true, include_existing: false, modified_after: 2024-01-31}',
    '{modified_after: 2024-02-31}',
    'must be a date or time such as 2024-01-31 or 2024-01-31T12:00:00Z, is "2024-02-31"; write for example modified_after: 2024-01-31',
  ],
  ['after_load', '{archive: ./done}', 'move', 'must be keep, delete or {archive: path}, is "move"; write for example after_load: keep'],
  ['max_files_per_batch', '1', '1.5', 'must be a whole number from 1 to 1000000, is 1.5; write for example max_files_per_batch: 10000'],
  [
    'max_bytes_per_batch',
    '1GiB',
    '1 pound',
    'must be a size such as 128MB, 4GB or 1GiB, is "1 pound"; write for example max_bytes_per_batch: 4GB',
  ],
  ['pre_sql', '[select 1, select 2]', '5', 'must be text or a list of text, is 5; write for example pre_sql: select 1'],
  ['post_sql', 'select 1', '5', 'must be text or a list of text, is 5; write for example post_sql: select 1'],
  [
    'delta',
    '{target_file_size: 64MB, deletion_vectors: true, change_data_feed: true, log_retention: 1 day, file_retention: 12 hours, checkpoint_interval: 5, optimize: off}',
    '{log_retention: 30}',
    'must be a duration such as 90 days, 12 hours or 30s, is 30; write for example log_retention: 30 days',
  ],
]

/** The same for keys that only merge and scd2 use. */
const SCD2_KEYS: readonly (readonly [string, string, string, string])[] = [
  [
    'tracking_columns',
    '[name]',
    '5',
    'must be a list of column names, none of them twice, is 5; write for example tracking_columns: [name, email]',
  ],
  [
    'sequence_by',
    '[updated_at, revision]',
    '5',
    'must be a column name or a list of column names, is 5; write for example sequence_by: updated_at',
  ],
  ['delete_when', '"op = \'D\'"', '5', `must be text, is 5; write for example delete_when: "op = 'D'"`],
  ['when_tied', 'reject', 'x', 'must be one of file_order, reject, is "x"; write for example when_tied: file_order'],
  ['missing_means_deleted', 'true', '5', 'must be true or false, is 5; write for example missing_means_deleted: false'],
  [
    'late_window',
    '1 week',
    'soon',
    'must be a duration such as 90 days, 12 hours or 30s, is "soon"; write for example late_window: 90 days',
  ],
  ['scd2_effective_date_column', 'a', '5', 'must be text, is 5; write for example scd2_effective_date_column: effective_date'],
  ['scd2_end_date_column', 'a', '5', 'must be text, is 5; write for example scd2_end_date_column: end_date'],
  ['scd2_current_flag_column', 'a', '5', 'must be text, is 5; write for example scd2_current_flag_column: is_current'],
  ['scd2_open_end', '9999-12-31', '5', 'must be text, is 5; write for example scd2_open_end: 9999-12-31'],
]

const MERGE_KEYS: readonly (readonly [string, string, string, string])[] = [
  [
    'merge_update_columns',
    '[email]',
    '5',
    'must be a list of column names, none of them twice, is 5; write for example merge_update_columns: [email]',
  ],
  ['insert_only', 'true', '5', 'must be true or false, is 5; write for example insert_only: false'],
]

const GLOBAL_KEYS: readonly (readonly [string, string, string, string])[] = [
  ['raw_data_path', '/raw', '5', 'must be text, is 5; write for example raw_data_path: ./landing'],
  ['processed_data_path', '/tables', '""', 'must be text that is not empty, is ""; write for example processed_data_path: ./tables'],
  ['checkpoint_path', '/state', 's3://b/state', 'must be a path of this machine, is s3://; write a local path'],
  [
    'file_tracker_database',
    'metadata',
    '../x',
    '"../x" is no name: it holds a slash; write the name alone; target_path sets another folder',
  ],
  ['file_tracker_table', 'files', 'a;b', '"a;b" is no plain name; write letters, digits and underscores'],
  ['tracker_url', 'postgres://h/d', '5', 'must be text, is 5; write for example tracker_url: "${TRACKER_URL}"'],
  [
    'tracker_url',
    'postgresql://u:p@h:5433/d?sslmode=require',
    'mysql://u:p@h/d',
    'must be a URL that begins with postgres://; write postgres://user:password@host:port/database',
  ],
  ['tracker_pool_size', '2', '1', 'must be a whole number from 2 to 100, is 1; write for example tracker_pool_size: 5'],
  ['max_parallel_jobs', '8', '2000', 'must be a whole number from 1 to 1024, is 2000; write for example max_parallel_jobs: 4'],
  ['retry_attempts', '0', '-1', 'must be a whole number from 0 to 1000, is -1; write for example retry_attempts: 3'],
  [
    'retry_backoff',
    '{base_seconds: 1, factor: 1.5, max_seconds: 10}',
    '{base_seconds: 10, max_seconds: 5}',
    'must be at least base_seconds (10), is 5; raise it, or lower base_seconds',
  ],
  ['timeout_minutes', '0.5', '0', 'must be a number above 0 and up to 525600, is 0; write for example timeout_minutes: 60'],
  [
    'shutdown_timeout_seconds',
    '10',
    '.inf',
    'must be a number from 0 to 86400, is Infinity; write for example shutdown_timeout_seconds: 60',
  ],
  ['log_level', 'debug', 'LOUD', 'must be one of TRACE, DEBUG, INFO, WARN, ERROR, is "LOUD"; write for example log_level: INFO'],
  ['log_format', 'json', 'xml', 'must be one of auto, pretty, json, is "xml"; write for example log_format: auto'],
  ['log_file', './x.log', 's3://b/x.log', 'must be a path of this machine, is s3://; write a local path'],
  ['enable_metrics', 'false', '5', 'must be true or false, is 5; write for example enable_metrics: true'],
  [
    'http',
    '{host: 0.0.0.0, port: 80, token: x}',
    '{port: 70000}',
    'must be a whole number from 0 to 65535, is 70000; write for example port: 9464',
  ],
  [
    'engine',
    '{type: duckdb, memory_limit: 4GB, threads: 2, temp_directory: /tmp/x}',
    '{memory_limit: 110%}',
    'must be a size such as 4GB, or a percentage such as 60%, is "110%"; write for example memory_limit: 60%',
  ],
  [
    'connections',
    '{a: {type: s3}, b: {type: adls, credential: cli}, c: {type: postgres, url: x}, d: {type: mssql, server: s, database: d}, e: {type: databricks, host: h, http_path: p}, f: {type: spark, url: u}}',
    '{a: {type: ftp}}',
    'must be a map whose type is s3, adls, postgres, mssql, databricks or spark, is "ftp"; write that instead',
  ],
  ['defaults', '{audit_columns: false}', '[x]', 'must be a map of keys, is a list; write for example defaults: { schema_evolution: true }'],
  ['include', '[]', 'x.yaml', 'must be a list of text, is "x.yaml"; write for example include: [tables/*.yaml]'],
  [
    'upstream_dependencies',
    '["file:/x"]',
    'x',
    'must be a list of text, is "x"; write for example upstream_dependencies: ["file:/data/ready.flag"]',
  ],
  ['downstream_notifications', '["job:x"]', '[5]', 'must be text, is 5; write that instead'],
  ['publish_tracker', 'true', '5', 'must be true or false, is 5; write for example publish_tracker: false'],
  ['backup_tracker_before_run', 'true', '5', 'must be true or false, is 5; write for example backup_tracker_before_run: false'],
  ['tracker_retention_days', '30', '0', 'must be a whole number of at least 1, is 0; write for example tracker_retention_days: 365'],
  ['lineage', '{url: "https://x"}', '{namespace: x}', 'is required; add it, for example url: "https://lineage.example.com/api/v1/lineage"'],
  ['use_unity_catalog', 'true', '5', 'must be true or false, is 5; write for example use_unity_catalog: false'],
  ['default_catalog', 'main', '5', 'must be text, is 5; write for example default_catalog: production'],
  ['enable_cluster_optimizations', 'true', '5', 'must be true or false, is 5; write for example enable_cluster_optimizations: false'],
  ['enable_job_dependencies', 'true', '5', 'must be true or false, is 5; write for example enable_job_dependencies: false'],
  ['tables', '[]', 'x', 'must be a list of tables, is "x"; write that instead'],
]

/** What is said of a problem, without its place and code. */
function said(messages: readonly string[]): readonly string[] {
  return messages.map((message) => message.replace(/^\d+:\d+ [^:]+: /, '').replace(/ \[[A-Z-]+\]$/, ''))
}

function withKey(key: string, value: string, strategy = ''): string {
  const required: Readonly<Record<string, string>> = {
    table_name: 'orders',
    source_path_pattern: 'orders/*.csv',
    ...(strategy === '' ? {} : { loading_strategy: strategy, primary_keys: '[id]' }),
  }
  const keys = {
    ...required,
    ...(['hash_algorithm', 'skip_unchanged'].includes(key) ? { loading_strategy: 'overwrite', skip_unchanged: 'true' } : {}),
    ...(key === 'json_path' ? { file_format: 'json' } : {}),
    [key]: value,
  }
  return `tables:\n- ${Object.entries(keys)
    .map(([name, text]) => `${name}: ${text}`)
    .join('\n  ')}\n`
}

describe('keys of a table', () => {
  test.each(TABLE_KEYS)('%s takes %s', async (key, good) => {
    expect(await problems(withKey(key, good))).toEqual([])
  })

  test.each(TABLE_KEYS)('%s does not take what it cannot mean', async (key, _good, bad, message) => {
    expect(said(await problems(withKey(key, bad)))).toEqual([message])
  })

  test.each(SCD2_KEYS)('%s of an scd2 table takes %s and says what else it wants', async (key, good, bad, message) => {
    expect(await problems(withKey(key, good, 'scd2'))).toEqual([])
    expect(said(await problems(withKey(key, bad, 'scd2')))).toEqual([message])
  })

  test.each(MERGE_KEYS)('%s of a merge table takes %s and says what else it wants', async (key, good, bad, message) => {
    expect(await problems(withKey(key, good, 'merge'))).toEqual([])
    expect(said(await problems(withKey(key, bad, 'merge')))).toEqual([message])
  })

  test('snapshot_unit and overwrite_scope belong to overwrite tables', async () => {
    const keys = 'loading_strategy: overwrite, snapshot_unit: folder, overwrite_scope: partition, partition_columns: [day]'
    expect(await table(keys)).toMatchObject({ strategy: 'overwrite', snapshotUnit: 'folder', overwriteScope: 'partition', unsupported: [] })
    expect(said(await problems(tableText('loading_strategy: overwrite, snapshot_unit: day')))).toEqual([
      'must be one of file, folder, batch, is "day"; write for example snapshot_unit: file',
    ])
    expect(said(await problems(tableText('loading_strategy: overwrite, overwrite_scope: all')))).toEqual([
      'must be one of table, partition, is "all"; write for example overwrite_scope: table',
    ])
  })

  test('values have their final form', async () => {
    const found = await table(
      'watch: {settle_seconds: 0.5, marker: _SUCCESS, modified_after: "2024-01-31T12:00:00+02:00"}, delta: {target_file_size: 64MB, checkpoint_interval: 5}, max_bytes_per_batch: 1GiB, schema_evolution: false, columns: [a, b], run_type: full_drop',
    )
    expect(found).toMatchObject({
      watch: { settleMs: 500, marker: '_SUCCESS', modifiedAfterMs: Date.UTC(2024, 0, 31, 10) },
      delta: { targetFileSize: 64_000_000n, checkpointInterval: 5 },
      maxBytesPerBatch: 1_073_741_824n,
      schemaEvolution: 'fail',
      columnTypes: {},
      selectColumns: ['a', 'b'],
      runType: 'full_drop',
      unsupported: [],
    })
  })
})

describe('keys of the whole config', () => {
  test.each(GLOBAL_KEYS)('%s takes %s', async (key, good) => {
    expect(await problems(key === 'tables' ? `tables: ${good}` : `${key}: ${good}\n${tableText('')}`)).toEqual([])
  })

  test.each(GLOBAL_KEYS)('%s does not take what it cannot mean', async (key, _good, bad, message) => {
    expect(said(await problems(key === 'tables' ? `tables: ${bad}` : `${key}: ${bad}\n${tableText('')}`))).toEqual([message])
  })

  test('values have their final form', async () => {
    const config = await load(
      `retry_backoff: {base_seconds: 0.5, factor: 3, max_seconds: 60}\ntimeout_minutes: 1.5\nengine: {memory_limit: 4GB, threads: 2, temp_directory: ./spill}\nlog_file: x.log\nfile_tracker_database: m\n${tableText('')}`,
    )
    expect(config).toMatchObject({
      file: null,
      ...{ rawDataPath: '/project/landing', processedDataPath: '/project/tables', checkpointPath: '/project/state' },
      trackerFile: '/project/state/m.db',
      retryBackoff: { baseMs: 500, factor: 3, maxMs: 60_000 },
      timeoutMs: 90_000,
      logFile: '/project/x.log',
      engine: { memory: { bytes: 4_000_000_000 }, threads: 2, temporaryFolder: '/project/spill' },
    })
  })
})
