import { join } from 'node:path'
import type { Project } from './project.ts'
import type { ReaderName } from './readers.ts'

/** A way to load: every strategy joins here with its config, and with what the table must hold after some passes. */
export interface StrategyCase {
  readonly name: string
  readonly config: Readonly<Record<string, unknown>>
  /** A DuckDB query over relation `landed`: all rows that have landed, `n` being the pass of each, `last` the newest. */
  readonly expected: string
}

/** What a table can be beside its strategy. */
export interface FeatureCase {
  readonly name: string
  readonly config?: Readonly<Record<string, unknown>>
  /** Properties of a table that Spark makes, empty, before the first load: for features that no config asks for. */
  readonly made?: Readonly<Record<string, string>>
  readonly partitioned?: true
  /** Done after each pass; it must change no row. */
  readonly after?: (project: Project) => Promise<void>
}

export const STRATEGIES: readonly StrategyCase[] = [
  { name: 'append', config: {}, expected: 'SELECT * EXCLUDE (n) FROM landed' },
  { name: 'deduplicate', config: { deduplicate: true }, expected: 'SELECT DISTINCT * EXCLUDE (n) FROM landed' },
  {
    name: 'overwrite',
    config: { loading_strategy: 'overwrite' },
    expected: 'SELECT * EXCLUDE (n) FROM landed WHERE n = (SELECT max(n) FROM landed)',
  },
  {
    name: 'overwrite_partitions',
    config: { loading_strategy: 'overwrite', overwrite_scope: 'partition', partition_columns: ['grp'] },
    expected: 'SELECT * EXCLUDE (n) FROM landed QUALIFY n = max(n) OVER (PARTITION BY grp)',
  },
  {
    name: 'upsert',
    config: { loading_strategy: join(import.meta.dirname, 'upsert.mjs') },
    expected: 'SELECT * EXCLUDE (n) FROM (SELECT * FROM landed QUALIFY n = max(n) OVER (PARTITION BY id)) WHERE amount >= 0',
  },
]

export const FEATURES: readonly FeatureCase[] = [
  { name: 'plain' },
  { name: 'partitioned', partitioned: true },
  { name: 'checkpoints', config: { delta: { checkpoint_interval: 1 } } },
  { name: 'deletion_vectors', config: { delta: { deletion_vectors: true, checkpoint_interval: 2 } } },
  { name: 'change_feed', config: { delta: { change_data_feed: true } } },
  { name: 'optimized', config: { delta: { deletion_vectors: true } }, partitioned: true, after: (project) => project.optimize() },
  { name: 'mapped_by_name', made: { 'delta.columnMapping.mode': 'name' } },
  { name: 'mapped_by_id', made: { 'delta.columnMapping.mode': 'id' }, partitioned: true },
  { name: 'in_commit_timestamps', made: { 'delta.enableInCommitTimestamps': 'true' } },
  {
    name: 'everything',
    made: {
      'delta.columnMapping.mode': 'name',
      'delta.enableDeletionVectors': 'true',
      'delta.enableChangeDataFeed': 'true',
      'delta.enableInCommitTimestamps': 'true',
      'delta.checkpointPolicy': 'v2',
      'delta.checkpointInterval': '2',
    },
    partitioned: true,
  },
]

const COLUMNS = 'id BIGINT, grp STRING, amount DECIMAL(9,2), at TIMESTAMP, who STRUCT<name: STRING, age: INT>, tags ARRAY<STRING>'
export const PASSES = 4

/** Half of the ids of a pass were in the one before; rows of even ids are the same in every pass. */
export function landedIn(pass: number): string {
  return `SELECT i::BIGINT AS id, CASE i % 4 WHEN 0 THEN 'a b' WHEN 1 THEN 'c/d' WHEN 2 THEN NULL ELSE 'p' || ${pass} END AS grp,
    (CASE WHEN i % 2 = 0 THEN i * 1.25 WHEN ${pass} = 3 AND i % 3 = 0 THEN -1 ELSE i + ${pass} END)::DECIMAL(9,2) AS amount,
    TIMESTAMPTZ '1969-12-31 23:59:59.123456+00' + i * INTERVAL 1 DAY AS "at",
    CASE WHEN i % 5 = 0 THEN NULL ELSE {'name': 'n' || i, 'age': i::INT} END AS who,
    CASE i % 3 WHEN 0 THEN []::VARCHAR[] WHEN 1 THEN ['x', NULL] END AS tags
    FROM range(${pass * 6}, ${pass * 6 + 12}) t(i)`
}

const MODE = 'delta.columnMapping.mode'

/** The Delta kernel in DuckDB gives NULL for partition columns of mapped tables (duckdb-delta issue 50). */
export function canRead(reader: ReaderName, strategy: StrategyCase, feature: FeatureCase): boolean {
  return reader !== 'duckdb' || feature.made?.[MODE] === undefined || !isPartitioned(strategy, feature)
}

export function isPartitioned(strategy: StrategyCase, feature: FeatureCase): boolean {
  return feature.partitioned === true || 'partition_columns' in strategy.config
}

/** The table, empty, for Spark to make. */
export function createStatement(table: string, properties: Readonly<Record<string, string>>, partitioned: boolean): string {
  const entries = Object.entries(properties).map(([name, value]) => `'${name}' = '${value}'`)
  const partitions = partitioned ? ' PARTITIONED BY (grp)' : ''
  return `CREATE TABLE delta.\`${table}\` (${COLUMNS}) USING delta${partitions} TBLPROPERTIES (${entries.join(', ')})`
}
