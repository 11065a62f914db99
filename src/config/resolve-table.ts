import { isAbsolute } from 'node:path'
import { FORMATS } from '../formats/registry.ts'
import { FORMAT_NAMES, type FormatName, fileColumnNames, type TableConfig, type UnsupportedKey } from '../model/table.ts'
import { STRATEGIES } from '../strategies/registry.ts'
import { afterLoadOf } from './checks/after-load.ts'
import { checkCombinations } from './checks/combinations.ts'
import { complain, type Desk, type StrategyKind, type TableDraft } from './checks/draft.ts'
import { formatOptions, jsonPathOf } from './checks/format-options.ts'
import { nameProblem } from './checks/names.ts'
import { checkProperties } from './checks/properties.ts'
import { checkSourceTable } from './checks/source-table.ts'
import { checkSourceWatch, unsupportedSource } from './checks/source-watch.ts'
import { checkStrategyKeys, TABLE_DEFAULTS } from './checks/strategy-keys.ts'
import { expectationsOf } from './expectations.ts'
import { fileColumnsOf } from './file-columns.ts'
import { nearest } from './nearest.ts'
import { formatOf, type Location, locate, locatePattern, tableLocation, textOf } from './paths.ts'
import { columnTypeProblem } from './schema/column-type.ts'
import type { ConnectionInput } from './schema/connections.ts'
import type { TableInput } from './schema/table.ts'
import { checkConnections, storageOf } from './storage.ts'
import { type FileText, transformModuleOf, transformOf } from './transform-files.ts'
import { unsupportedLocation, unsupportedOfTable } from './unsupported.ts'

/** What the tables of a config have in common. */
export interface Surroundings {
  /** Relative paths start here. */
  readonly folder: string
  readonly rawDataPath: Location
  readonly processedDataPath: Location
  readonly connections: ReadonlyMap<string, ConnectionInput>
  /** Absolute local folder for copies of remote files. */
  readonly cacheFolder: string
  /** What the whole config asks for and is not built. */
  readonly unsupported: readonly UnsupportedKey[]
  readonly maskKey: string | null
  readonly transforms: ReadonlyMap<string, FileText>
}

/** A table as far as it could be resolved; with issues on the desk it is never used. */
export interface ResolvedTable {
  readonly table: TableConfig
  readonly source: Location | undefined
  readonly target: Location | undefined
}

/** Checks a decoded table and gives every value its final form. */
export function resolveTable(given: Pick<TableDraft, 'input' | 'at' | 'bad'>, around: Surroundings, desk: Desk): ResolvedTable {
  const decoded = { ...given, input: withLoadStrategy(given, desk) }
  const strategy = strategyOf(decoded, around, desk)
  const kind = kindOf(strategy)
  const input = checkStrategyKeys({ ...decoded, kind }, desk)
  const draft: TableDraft = { ...decoded, kind, input }
  checkCombinations(draft, desk)
  checkNames(draft, desk)
  checkColumnTypes(draft, desk)
  checkProperties(draft, desk)
  checkConnections(draft, around.connections, desk)
  const source = sourceOf(draft, around, desk)
  const target = targetOf(draft, around, desk)
  const fileFormat = fileFormatOf(draft, source, desk)
  if (fileFormat === 'delta') checkSourceTable(draft, source, target, desk)
  checkSourceWatch(draft, source, desk)
  const storage = storageOf(draft, { source, target, ...around }, desk)
  const unsupported = [
    ...unsupportedOfTable(input, draft.at, desk.places),
    ...unsupportedPaths(draft, source, target, desk),
    ...unsupportedSource(draft, source, fileFormat, desk),
    ...around.unsupported,
  ]
  const isHashed = Object.values(input.mask).includes('hash')
  if (isHashed && around.maskKey === null) complainOfKey(draft, desk)
  const table: TableConfig = {
    ...settingsOf(input),
    name: `${input.database_name}.${input.table_name}`,
    sourcePattern: source === undefined ? '' : textOf(source),
    // With an issue on the desk: the table is never used.
    fileFormat: fileFormat ?? 'csv',
    formatOptions: fileFormat === undefined ? {} : formatOptions(draft, fileFormat, desk),
    jsonPath: fileFormat === undefined ? null : jsonPathOf(draft, fileFormat, desk),
    strategy,
    targetPath: target === undefined ? '' : textOf(target),
    storage,
    // Where nothing is hashed nobody needs the key.
    maskKey: isHashed ? around.maskKey : null,
    transform: transformOf(draft, around.transforms, desk),
    transformModule: transformModuleOf(draft, around.folder),
    expectations: expectationsOf(draft, desk.places),
    afterLoad: afterLoadOf(draft, { ...around, source, fileFormat }, desk),
    archives: [],
    unsupported,
  }
  return { table, source, target }
}

function complainOfKey(draft: TableDraft, desk: Desk): void {
  complain(desk, draft, ['mask'], {
    problem: 'hash needs a key',
    fix: 'add mask_key: ${MASK_KEY} beside tables, or set the environment variable INGEST_MASK_KEY',
    code: 'ING-CONFIG-MISSING',
  })
}

/** `load_strategy`, by which reference tables are known, is another name of two strategies. */
function withLoadStrategy({ input, at, bad }: Pick<TableDraft, 'input' | 'at' | 'bad'>, desk: Desk): TableInput {
  if (input.load_strategy === null) return input
  const strategy = input.load_strategy === 'replace' ? 'overwrite' : 'merge'
  const isWritten = input.loading_strategy !== TABLE_DEFAULTS.loading_strategy || desk.places.isWritten([...at, 'loading_strategy'])
  if (isWritten && input.loading_strategy !== strategy) {
    complain(desk, { at, bad }, ['load_strategy'], {
      problem: `load_strategy: ${input.load_strategy} means loading_strategy: ${strategy}, but that is ${input.loading_strategy}`,
      fix: 'remove one of them',
      code: 'ING-CONFIG-COMBINATION',
    })
  }
  return { ...input, loading_strategy: strategy }
}

/** Settings that need nothing but the table's own keys. */
function settingsOf(
  input: TableInput,
): Omit<
  TableConfig,
  | 'name'
  | 'sourcePattern'
  | 'fileFormat'
  | 'formatOptions'
  | 'jsonPath'
  | 'strategy'
  | 'targetPath'
  | 'storage'
  | 'maskKey'
  | 'transform'
  | 'transformModule'
  | 'expectations'
  | 'afterLoad'
  | 'archives'
  | 'unsupported'
> {
  const { columns, sequence_by: sequence, schema_evolution: evolution } = input
  const fileColumns = fileColumnsOf(input)
  return {
    databaseName: input.database_name,
    tableName: input.table_name,
    outputFormat: input.output_format,
    primaryKeys: input.primary_keys,
    trackingColumns: input.tracking_columns,
    sequenceBy: sequence === null ? [] : typeof sequence === 'string' ? [sequence] : sequence,
    schemaEvolution: typeof evolution === 'boolean' ? (evolution ? 'evolve' : 'fail') : evolution.mode,
    schemaModes: typeof evolution === 'boolean' ? {} : evolution.columns,
    columnTypes: Array.isArray(columns) ? {} : columns,
    // What is asked for by a key of its own is selected.
    selectColumns: Array.isArray(columns) && columns.length > 0 ? [...columns, ...fileColumnNames(fileColumns)] : null,
    ...fileColumns,
    excludeColumns: input.exclude_columns,
    renameColumns: input.rename_columns,
    inferTypes: input.infer_types,
    mask: input.mask,
    partitionColumns: input.partition_columns,
    deduplicate: Array.isArray(input.deduplicate) && input.deduplicate.length === 0 ? false : input.deduplicate,
    unchanged: {
      skip: input.skip_unchanged,
      hash: input.hash_algorithm,
      forceReloadAfterMs: input.force_reload_after,
    },
    keyed: keyedOf(input),
    guard: {
      minRows: input.guard.min_rows,
      maxDeleteRatio: input.guard.max_delete_ratio,
      maxRowChangeRatio: input.guard.max_row_change_ratio,
    },
    maxBadRows: input.max_bad_rows,
    auditColumns: input.audit_columns,
    onChangedFile: input.on_changed_file,
    snapshotUnit: input.snapshot_unit,
    overwriteScope: input.overwrite_scope,
    watch: watchOf(input.watch),
    maxFilesPerBatch: input.max_files_per_batch,
    maxBytesPerBatch: input.max_bytes_per_batch,
    delta: {
      targetFileSize: input.delta.target_file_size,
      logRetentionMs: input.delta.log_retention,
      fileRetentionMs: input.delta.file_retention,
      checkpointInterval: input.delta.checkpoint_interval,
      deletionVectors: input.delta.deletion_vectors,
      changeDataFeed: input.delta.change_data_feed,
      optimize: input.delta.optimize,
    },
    tableComment: input.table_comment,
    tableProperties: input.table_properties,
    runType: input.run_type,
  }
}

function keyedOf(input: TableInput): TableConfig['keyed'] {
  return {
    deleteWhen: input.delete_when,
    mergeUpdateColumns: input.merge_update_columns,
    insertOnly: input.insert_only,
    whenTied: input.when_tied,
    missingMeansDeleted: input.missing_means_deleted,
    lateWindowMs: input.late_window,
    effectiveColumn: input.scd2_effective_date_column,
    endColumn: input.scd2_end_date_column,
    currentColumn: input.scd2_current_flag_column,
    openEnd: input.scd2_open_end,
  }
}

function queueOf({ sqs, storage_queue: storageQueue }: TableInput['watch']['notifications']): TableConfig['watch']['notifications'] {
  if (sqs !== null) return { kind: 'sqs', url: sqs }
  return storageQueue === null ? null : { kind: 'storage_queue', url: storageQueue }
}

function watchOf(watch: TableInput['watch']): TableConfig['watch'] {
  return {
    mode: watch.mode,
    pollIntervalMs: Math.round(watch.poll_interval_seconds * 1000),
    fullListingMs: Math.round(watch.full_listing_seconds * 1000),
    notifications: queueOf(watch.notifications),
    cron: watch.cron,
    settleMs: Math.round(watch.settle_seconds * 1000),
    marker: watch.marker,
    ignore: watch.ignore,
    requireFinalNewline: watch.require_final_newline,
    includeExisting: watch.include_existing,
    modifiedAfterMs: watch.modified_after,
  }
}

/** A built-in name, or the absolute path of a module. */
function strategyOf(draft: Pick<TableDraft, 'input' | 'at' | 'bad'>, around: Surroundings, desk: Desk): string {
  const written = draft.input.loading_strategy
  if (Object.hasOwn(STRATEGIES, written)) return written
  if (/\.[cm]?[jt]s$/.test(written)) {
    const place = locate(written, { kind: 'local', path: around.folder })
    if (place.kind === 'local') return place.path
    complain(desk, draft, ['loading_strategy'], {
      problem: 'a strategy is a module of this machine',
      fix: 'write a path, for example ./my-strategy.mjs',
      code: 'ING-CONFIG-VALUE',
    })
    return 'append'
  }
  const proposal = nearest(written, Object.keys(STRATEGIES))
  const fix =
    proposal === undefined
      ? 'write append, overwrite, merge, scd2 or the path of a module, as ./my-strategy.mjs'
      : `did you mean ${proposal}?`
  const outside = desk.places.at([...draft.at, 'loading_strategy']).outside
  complain(desk, draft, ['loading_strategy'], {
    problem: `there is no strategy ${outside ? 'of this name' : JSON.stringify(written)}`,
    fix,
    code: 'ING-CONFIG-VALUE',
  })
  return 'append'
}

function kindOf(strategy: string): StrategyKind {
  const built = ['append', 'overwrite', 'merge', 'scd2'] as const
  return built.find((name) => name === strategy) ?? 'custom'
}

function checkNames(draft: TableDraft, desk: Desk): void {
  for (const key of ['table_name', 'database_name'] as const) {
    const found = nameProblem(draft.input[key])
    if (found !== undefined) complain(desk, draft, [key], { ...found, code: 'ING-CONFIG-VALUE' })
  }
}

function checkColumnTypes(draft: TableDraft, desk: Desk): void {
  const { columns } = draft.input
  if (Array.isArray(columns)) return
  const seen = new Set<string>()
  for (const [name, type] of Object.entries(columns)) {
    const found = columnTypeProblem(type)
    if (found !== undefined) complain(desk, draft, ['columns', name], { ...found, code: 'ING-CONFIG-VALUE' })
    if (seen.has(name.toLowerCase()))
      complain(desk, draft, ['columns', name], {
        problem: 'another column differs by case alone',
        fix: 'remove one of them',
        code: 'ING-CONFIG-VALUE',
      })
    seen.add(name.toLowerCase())
  }
}

function sourceOf(draft: TableDraft, around: Surroundings, desk: Desk): Location | undefined {
  if (draft.bad.has('source_path_pattern')) return undefined
  const found = locatePattern(draft.input.source_path_pattern, around.rawDataPath)
  if (found.kind !== 'wrong') return found
  complain(desk, draft, ['source_path_pattern'], { problem: found.problem, fix: found.fix, code: 'ING-CONFIG-VALUE' })
  return undefined
}

function targetOf(draft: TableDraft, around: Surroundings, desk: Desk): Location | undefined {
  const { target_path: written, database_name: database, table_name: name } = draft.input
  if (written === null) {
    const isNamed =
      !['table_name', 'database_name'].some((key) => draft.bad.has(key)) &&
      nameProblem(database) === undefined &&
      nameProblem(name) === undefined
    const found = isNamed ? tableLocation(locate(`${database}/${name}`, around.processedDataPath)) : undefined
    if (found?.kind !== 'wrong') return found
    desk.issues.add(desk.places, ['processed_data_path'], { problem: found.problem, fix: found.fix, code: 'ING-CONFIG-VALUE' })
    return undefined
  }
  const found = tableLocation(locate(written, { kind: 'local', path: around.folder }))
  if (found.kind !== 'wrong') return found
  complain(desk, draft, ['target_path'], { problem: found.problem, fix: found.fix, code: 'ING-CONFIG-VALUE' })
  return undefined
}

function fileFormatOf(draft: TableDraft, found: Location | undefined, desk: Desk): FormatName | undefined {
  const { file_format: written, source_path_pattern: pattern, source } = draft.input
  if (draft.bad.has('file_format')) return undefined
  if (written !== null) return written
  if (source !== null) return 'parquet'
  if (found === undefined) return undefined
  const format = formatOf(pattern, new Map(FORMAT_NAMES.flatMap((name) => FORMATS[name].suffixes.map((suffix) => [suffix, name] as const))))
  const known = FORMAT_NAMES.find((name) => name === format)
  if (known !== undefined) return known
  const problem = 'the suffix of source_path_pattern does not tell the format'
  complain(desk, draft, ['file_format'], { problem, fix: 'add file_format: csv, json, ndjson or parquet', code: 'ING-CONFIG-MISSING' })
  return undefined
}

function unsupportedPaths(
  draft: TableDraft,
  source: Location | undefined,
  target: Location | undefined,
  desk: Desk,
): readonly UnsupportedKey[] {
  const of = (location: Location | undefined, own: string, base: string) => {
    if (location?.kind !== 'remote' || location.object !== undefined) return []
    const written = draft.input[own === 'target_path' ? 'target_path' : 'source_path_pattern']
    const isOwn = written !== null && (isAbsolute(written) || written.includes('://'))
    return [unsupportedLocation(isOwn ? desk.places.at([...draft.at, own]).key : base, location.scheme)]
  }
  return [...of(source, 'source_path_pattern', 'raw_data_path'), ...of(target, 'target_path', 'processed_data_path')]
}
