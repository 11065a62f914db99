import { isDeepStrictEqual } from 'node:util'
import type { ResolvedConfig } from '../config/config.ts'
import { ConfigError } from '../errors/errors.ts'
import type { TableConfig } from '../model/table.ts'

/** What cannot change under a running daemon, with the keys of the file: its tracker, its processes, its server and its log. */
const FIXED: readonly (readonly [(config: ResolvedConfig) => unknown, string])[] = [
  [(config) => config.checkpointPath, 'checkpoint_path'],
  [(config) => config.trackerFile, 'file_tracker_database'],
  [(config) => config.trackerTable, 'file_tracker_table'],
  [(config) => config.trackerUrl, 'tracker_url'],
  [(config) => config.trackerPoolSize, 'tracker_pool_size'],
  [(config) => config.trackerCare.publishAfterRun, 'publish_tracker'],
  [(config) => config.trackerCare.retentionDays, 'tracker_retention_days'],
  [(config) => config.maxParallelJobs, 'max_parallel_jobs'],
  [(config) => config.retryAttempts, 'retry_attempts'],
  [(config) => config.retryBackoff, 'retry_backoff'],
  [(config) => config.timeoutMs, 'timeout_minutes'],
  [(config) => config.shutdownTimeoutMs, 'shutdown_timeout_seconds'],
  [(config) => config.logLevel, 'log_level'],
  [(config) => config.logFormat, 'log_format'],
  [(config) => config.logFile, 'log_file'],
  [(config) => config.enableMetrics, 'enable_metrics'],
  [(config) => config.http, 'http'],
  [(config) => config.engine, 'engine'],
]

export interface ChangedTable {
  readonly table: TableConfig
  /** What differs, as `source_pattern`. */
  readonly keys: readonly string[]
}

export type Reload =
  | {
      readonly kind: 'changed'
      /** What is in force from now on: the tables of the file, and what needs a restart as it was. */
      readonly config: ResolvedConfig
      readonly added: readonly TableConfig[]
      readonly removed: readonly TableConfig[]
      readonly changed: readonly ChangedTable[]
      /** Keys that have another value in the file, which counts after a restart. */
      readonly needsRestart: readonly string[]
    }
  | { readonly kind: 'unchanged' }
  /** The config is broken: the old one stays in force. */
  | { readonly kind: 'refused'; readonly error: ConfigError }

/** Reads the config again and says what is to be done for it; changes nothing. */
export async function reloadConfig(current: ResolvedConfig, read: () => Promise<ResolvedConfig>): Promise<Reload> {
  try {
    return compareConfigs(current, await read())
  } catch (error) {
    if (error instanceof ConfigError) return { kind: 'refused', error }
    throw error
  }
}

/** Tables are known by their names: one that is renamed is removed and added. */
function compareConfigs(current: ResolvedConfig, next: ResolvedConfig): Reload {
  // Copies of remote files lie below checkpoint_path, which stays as it was until a restart.
  const { cacheFolder } = current.published.files.storage
  const placed = (table: TableConfig): TableConfig => ({ ...table, storage: { ...table.storage, cacheFolder } })
  const tables = next.tables.map(placed)
  const before = new Map(current.tables.map((table) => [table.name, table]))
  const after = new Set(tables.map(({ name }) => name))
  const added = tables.filter(({ name }) => !before.has(name))
  const removed = current.tables.filter(({ name }) => !after.has(name))
  const changed = tables.flatMap((table) => {
    const keys = differing(before.get(table.name) ?? table, table)
    return keys.length === 0 ? [] : [{ table, keys }]
  })
  const fixed = FIXED.filter(([read]) => !isDeepStrictEqual(read(current), read(next)))
  if (added.length + removed.length + changed.length + fixed.length === 0) return { kind: 'unchanged' }
  const isMoved = current.checkpointPath !== next.checkpointPath
  return {
    kind: 'changed',
    config: {
      ...current,
      rawDataPath: next.rawDataPath,
      processedDataPath: next.processedDataPath,
      published: { files: placed(next.published.files), batches: placed(next.published.batches) },
      tables,
    },
    ...{ added, removed, changed },
    // The tracker's file moves with its folder.
    needsRestart: fixed.filter(([, key]) => !(isMoved && key === 'file_tracker_database')).map(([, key]) => key),
  }
}

function differing(before: TableConfig, after: TableConfig): readonly string[] {
  const old = new Map<string, unknown>(Object.entries(before))
  const now = new Map<string, unknown>(Object.entries(after))
  const names = [...new Set([...old.keys(), ...now.keys()])].filter((name) => !isDeepStrictEqual(old.get(name), now.get(name)))
  return names.map((name) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)).sort()
}
