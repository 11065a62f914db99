import { join } from 'node:path'
import { checkArchives } from './checks/after-load.ts'
import { type Claim, checkCollisions } from './checks/collisions.ts'
import type { Desk } from './checks/draft.ts'
import { identifierProblem, nameProblem } from './checks/names.ts'
import { checkTrackerUrl } from './checks/tracker-url.ts'
import type { ResolvedConfig } from './config.ts'
import { decode } from './input/decode.ts'
import { mergeDefaults } from './input/defaults.ts'
import type { Path } from './input/places.ts'
import { child, isTree } from './input/tree.ts'
import { type Location, locate, textOf } from './paths.ts'
import { clashWith, publishedTracker } from './published.ts'
import { type ResolvedTable, resolveTable, type Surroundings } from './resolve-table.ts'
import { defaultsSchema, tableSchema } from './schema/table.ts'
import { type GlobalInput, globalSchema } from './schema.ts'
import type { FileText } from './transform-files.ts'
import { unsupportedGlobals } from './unsupported.ts'

/** A config that was read, and what is around it. */
export interface ConfigInput {
  readonly tree: unknown
  readonly desk: Desk
  /** Absolute path of the config file; null for text and objects. */
  readonly file: string | null
  readonly folder: string
  /** Values whose references gave nothing. */
  readonly broken: readonly Path[]
  /** Files of transforms, by their path as it is written. */
  readonly transforms: ReadonlyMap<string, FileText>
}

/** Checks everything and gives every value its final form; undefined where issues stand in the way. */
export function resolveConfig(config: ConfigInput): ResolvedConfig | undefined {
  const { tree, desk } = config
  const decoded = decode(globalSchema, tree, { ...desk, at: [] })
  if (decoded === undefined) return undefined
  const { value: input, bad } = decoded
  const paths = globalPaths(input, config, bad)
  checkTrackerNames(input, desk)
  if (!bad.has('tracker_url')) checkTrackerUrl(input, desk)
  checkBackoff(input, desk)
  decode(defaultsSchema, input.defaults, { ...desk, at: ['defaults'] })
  if (input.tables === undefined && input.include.length === 0 && !bad.has('tables')) {
    desk.issues.add(desk.places, ['tables'], {
      problem: 'is required',
      fix: 'add a list of tables, each with table_name and source_path_pattern',
      code: 'ING-CONFIG-MISSING',
    })
  }
  const around: Surroundings = {
    folder: config.folder,
    rawDataPath: paths.raw,
    processedDataPath: paths.processed,
    connections: new Map(Object.entries(input.connections)),
    cacheFolder: paths.checkpoint === undefined ? '' : join(paths.checkpoint, 'cache'),
    unsupported: unsupportedGlobals(input, desk.places),
    maskKey: input.mask_key,
    transforms: config.transforms,
  }
  const tables = (input.tables ?? []).flatMap((_, index) => tableAt(config, index, around))
  checkCollisions(tables.map(claimOf), paths.checkpoint, desk)
  const archives = checkArchives(tables, desk)
  if (desk.issues.count > 0) return undefined
  const published = publishedTracker(input, around, desk)
  const clash = input.publish_tracker
    ? clashWith(
        published,
        tables.map(({ table }) => table),
      )
    : undefined
  if (clash !== undefined) desk.issues.add(desk.places, ['publish_tracker'], { ...clash, code: 'ING-CONFIG-DUPLICATE-TABLE' })
  return {
    ...settingsOf(input),
    ...pathsOf(input, paths, config.file),
    published,
    tables: tables.map(({ table }) => ({ ...table, archives })),
  }
}

type PlacedTable = ResolvedTable & { readonly at: Path; readonly bad: ReadonlySet<string> }

function tableAt({ tree, desk, broken }: ConfigInput, index: number, around: Surroundings): readonly PlacedTable[] {
  const at = ['tables', index]
  const written = child(child(tree, 'tables'), index)
  const merged = withSourcePattern(mergeDefaults(child(tree, 'defaults'), written, { defaults: ['defaults'], table: at }, desk.places))
  const decoded = decode(tableSchema, merged, { ...desk, at, standIns: { table_name: 'unnamed', source_path_pattern: 'unnamed.csv' } })
  if (decoded === undefined) return []
  const input = decoded.value
  const unknown = broken.flatMap(([root, key, inner]) => (root === 'defaults' ? [key] : root === 'tables' && key === index ? [inner] : []))
  // Nothing is concluded from a text that still holds its reference.
  const bad = new Set([...decoded.bad, ...unknown.map(String)])
  return [{ ...resolveTable({ input, at, bad }, around, desk), at, bad }]
}

/** Files of an extracting source land in a folder of their own. */
function withSourcePattern(table: unknown): unknown {
  if (!isTree(table) || !isTree(child(table, 'source')) || Object.hasOwn(table, 'source_path_pattern')) return table
  return {
    ...table,
    source_path_pattern: `${String(child(table, 'database_name') ?? 'default')}/${String(child(table, 'table_name') ?? '')}/*.parquet`,
  }
}

function claimOf({ at, bad, table, source, target }: PlacedTable): Claim {
  const isNamed = !bad.has('table_name') && !bad.has('database_name')
  return {
    at,
    name: isNamed ? table.name : undefined,
    target: target === undefined ? undefined : textOf(target),
    // A table that is read by its log is no folder of files, and may be one of these.
    source: source === undefined || table.fileFormat === 'delta' ? undefined : textOf(source),
  }
}

interface GlobalPaths {
  readonly raw: Location
  readonly processed: Location
  /** Undefined where it is wrong. */
  readonly checkpoint: string | undefined
  readonly logFile: string | null
  readonly temporaryFolder: string | null
}

function globalPaths(input: GlobalInput, { desk, folder }: ConfigInput, bad: ReadonlySet<string>): GlobalPaths {
  const base: Location = { kind: 'local', path: folder }
  const anywhere = (key: Path, written: string): Location => {
    const found = locate(written, base)
    if (found.kind !== 'wrong') return found
    desk.issues.add(desk.places, key, { problem: found.problem, fix: found.fix, code: 'ING-CONFIG-VALUE' })
    return base
  }
  const here = (key: Path, written: string): string | undefined => {
    const found = anywhere(key, written)
    if (found.kind === 'local') return found.path
    desk.issues.add(desk.places, key, {
      problem: `must be a path of this machine, is ${found.scheme}://`,
      fix: 'write a local path',
      code: 'ING-CONFIG-VALUE',
    })
    return undefined
  }
  return {
    raw: anywhere(['raw_data_path'], input.raw_data_path),
    processed: anywhere(['processed_data_path'], input.processed_data_path),
    checkpoint: bad.has('checkpoint_path') ? undefined : here(['checkpoint_path'], input.checkpoint_path),
    logFile: input.log_file === null ? null : (here(['log_file'], input.log_file) ?? null),
    temporaryFolder:
      input.engine.temp_directory === null ? null : (here(['engine', 'temp_directory'], input.engine.temp_directory) ?? null),
  }
}

function checkTrackerNames(input: GlobalInput, desk: Desk): void {
  const database = nameProblem(input.file_tracker_database)
  if (database !== undefined) desk.issues.add(desk.places, ['file_tracker_database'], { ...database, code: 'ING-CONFIG-VALUE' })
  const table = identifierProblem(input.file_tracker_table)
  if (table !== undefined) desk.issues.add(desk.places, ['file_tracker_table'], { ...table, code: 'ING-CONFIG-VALUE' })
}

function checkBackoff(input: GlobalInput, desk: Desk): void {
  const { base_seconds: base, max_seconds: max } = input.retry_backoff
  if (max >= base) return
  desk.issues.add(desk.places, ['retry_backoff', 'max_seconds'], {
    problem: `must be at least base_seconds (${base}), is ${max}`,
    fix: 'raise it, or lower base_seconds',
    code: 'ING-CONFIG-COMBINATION',
  })
}

type Settings = Pick<
  ResolvedConfig,
  | 'trackerDatabase'
  | 'trackerTable'
  | 'trackerUrl'
  | 'trackerPoolSize'
  | 'trackerCare'
  | 'maxParallelJobs'
  | 'retryAttempts'
  | 'retryBackoff'
  | 'timeoutMs'
  | 'shutdownTimeoutMs'
  | 'logLevel'
  | 'logFormat'
  | 'enableMetrics'
  | 'http'
>

function settingsOf(input: GlobalInput): Settings {
  const { base_seconds: base, factor, max_seconds: max } = input.retry_backoff
  return {
    trackerDatabase: input.file_tracker_database,
    trackerTable: input.file_tracker_table,
    trackerUrl: input.tracker_url,
    trackerPoolSize: input.tracker_pool_size,
    trackerCare: {
      backUpBeforeRun: input.backup_tracker_before_run,
      retentionDays: input.tracker_retention_days,
      publishAfterRun: input.publish_tracker,
    },
    maxParallelJobs: input.max_parallel_jobs,
    retryAttempts: input.retry_attempts,
    retryBackoff: { baseMs: Math.round(base * 1000), factor, maxMs: Math.round(max * 1000) },
    timeoutMs: Math.max(1, Math.round(input.timeout_minutes * 60_000)),
    shutdownTimeoutMs: Math.round(input.shutdown_timeout_seconds * 1000),
    logLevel: input.log_level,
    logFormat: input.log_format,
    enableMetrics: input.enable_metrics,
    http: input.http,
  }
}

function pathsOf(
  input: GlobalInput,
  paths: GlobalPaths,
  file: string | null,
): Omit<ResolvedConfig, keyof Settings | 'published' | 'tables'> {
  const checkpointPath = paths.checkpoint ?? ''
  return {
    file,
    rawDataPath: textOf(paths.raw),
    processedDataPath: textOf(paths.processed),
    checkpointPath,
    trackerFile: join(checkpointPath, `${input.file_tracker_database}.db`),
    logFile: paths.logFile,
    engine: { memory: input.engine.memory_limit, threads: input.engine.threads, temporaryFolder: paths.temporaryFolder },
  }
}
