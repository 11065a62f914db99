import type { TableStorage } from './connection.ts'
import type { SchemaMode } from './schema.ts'

/** A table of the config after defaults, checks and paths: nothing downstream guesses a default. */
export interface TableConfig {
  /** `database.table`, as every output shows it. */
  readonly name: string
  readonly databaseName: string
  readonly tableName: string
  /** Absolute glob pattern of a local source, or a URL whose path is one. */
  readonly sourcePattern: string
  readonly fileFormat: FormatName
  /** Options of the format's reader, from the allow-list; values as written. */
  readonly formatOptions: Readonly<Record<string, OptionValue>>
  /** Where the records of a JSON document are; null at its top. */
  readonly jsonPath: string | null
  /** `append`, `overwrite`, `merge`, `scd2`, or the absolute path of a custom module. */
  readonly strategy: string
  readonly outputFormat: 'delta' | 'parquet'
  /** Absolute folder of the table, or its URL without a trailing slash. */
  readonly targetPath: string
  /** Holds secrets of connections. */
  readonly storage: TableStorage
  readonly primaryKeys: readonly string[]
  readonly trackingColumns: readonly string[]
  readonly sequenceBy: readonly string[]
  readonly schemaEvolution: SchemaMode
  /** Modes of single columns, by their names in the table. */
  readonly schemaModes: Readonly<Record<string, SchemaMode>>
  /** DuckDB types by column name; null where `columns` is a list of names to select or empty. */
  readonly columnTypes: Readonly<Record<string, string>>
  /** Names to select, or null for all. */
  readonly selectColumns: readonly string[] | null
  readonly excludeColumns: readonly string[]
  /** Name in the file → name in the table. */
  readonly renameColumns: Readonly<Record<string, string>>
  readonly inferTypes: boolean
  /** Columns about the file that a row came from. */
  readonly metadataColumns: readonly MetadataColumn[]
  readonly pathColumns: readonly PathColumn[]
  /** What is made of the rows of each file before they reach the strategy. */
  readonly transform: TransformConfig | null
  /** The same by a function; a table has at most one of the two. */
  readonly transformModule: TransformModule | null
  /** Columns of the table that are stored masked. */
  readonly mask: Readonly<Record<string, Mask>>
  /** Key of hashed columns; a secret. Null where no column is hashed. */
  readonly maskKey: string | null
  readonly partitionColumns: readonly string[]
  /** false, true (all columns but audit ones), or the columns that make two rows the same. */
  readonly deduplicate: boolean | readonly string[]
  readonly unchanged: UnchangedConfig
  /** Of merge and scd2. */
  readonly keyed: KeyedConfig
  readonly guard: GuardConfig
  /** Rules that rows and batches are checked by before the strategy. */
  readonly expectations: readonly Expectation[]
  /** Rows that a file may reject before it fails: a number, or a share of its rows. */
  readonly maxBadRows: number | { readonly share: number }
  readonly auditColumns: boolean
  readonly onChangedFile: 'auto' | 'ignore' | 'append' | 'replace' | 'fail'
  /** What becomes of a loaded file: it is moved to a folder, under its path below another one, if it lies there. */
  readonly afterLoad: 'keep' | 'delete' | { readonly archive: string; readonly below: string }
  /** Folders that files of any table are archived in: nothing there is taken. */
  readonly archives: readonly string[]
  readonly snapshotUnit: 'file' | 'folder' | 'batch'
  readonly overwriteScope: 'table' | 'partition'
  readonly watch: WatchConfig
  readonly maxFilesPerBatch: number
  readonly maxBytesPerBatch: bigint
  readonly delta: DeltaConfig
  readonly tableComment: string | null
  readonly tableProperties: Readonly<Record<string, string>>
  readonly runType: 'incremental' | 'full_drop'
  /** `file:…` and the like; checked before the table runs. */
  readonly unsupported: readonly UnsupportedKey[]
}

/** Whether a file stands for all that the table shall hold. */
export function isSnapshots({ strategy, keyed }: Pick<TableConfig, 'strategy' | 'keyed'>): boolean {
  return strategy === 'overwrite' || keyed.missingMeansDeleted
}

/** What becomes of a column that a file brings otherwise than the table has it. */
export function schemaModeOf(
  { schemaEvolution, schemaModes }: Pick<TableConfig, 'schemaEvolution' | 'schemaModes'>,
  column: string,
): SchemaMode {
  const own = Object.entries(schemaModes).find(([name]) => name.toLowerCase() === column.toLowerCase())
  return own?.[1] ?? schemaEvolution
}

/** Whether any column of the table has the mode. */
export function hasSchemaMode(
  { schemaEvolution, schemaModes }: Pick<TableConfig, 'schemaEvolution' | 'schemaModes'>,
  mode: SchemaMode,
): boolean {
  return schemaEvolution === mode || Object.values(schemaModes).includes(mode)
}

/** A query over the relation `records`. */
export interface TransformConfig {
  readonly sql: string
  /** As messages name it: `transform.sql`, or the path of its file as it is written. */
  readonly place: string
  /** Values of `$name`. */
  readonly params: Readonly<Record<string, string | number | boolean | null>>
}

/** A module whose function makes a polars frame of that of each file. */
export interface TransformModule {
  /** Absolute. */
  readonly path: string
  /** Its path as it is written, for messages. */
  readonly place: string
  readonly params: Readonly<Record<string, string | number | boolean | null>>
}

/** `hash` is HMAC-SHA-256 under a key, `redact` hides the value, `partial` leaves a part by which people recognise it. */
export const MASKS = ['hash', 'redact', 'partial'] as const

export type Mask = (typeof MASKS)[number]

/** Columns that `metadata_columns` adds, in their order in a table. */
export const METADATA_COLUMNS = [
  '_file_path',
  '_file_name',
  '_file_size',
  '_file_modified_time',
  '_file_row_number',
  '_batch_number',
  '_file_member',
] as const

/** Tells the member of an archive; it is only there when it is asked for by its name. */
export const MEMBER_COLUMN = '_file_member'

export type MetadataColumn = (typeof METADATA_COLUMNS)[number]

/** A column whose value the path of a file tells. */
export interface PathColumn {
  readonly name: string
  /** A regular expression, whose group of the column's name, first group or match is the value; null for a folder `name=value`. */
  readonly pattern: string | null
}

/** Names of the columns that a table has beside those of its files because the config asks for them. */
export function fileColumnNames({ pathColumns, metadataColumns }: Pick<TableConfig, 'pathColumns' | 'metadataColumns'>): readonly string[] {
  return [...pathColumns.map(({ name }) => name), ...metadataColumns]
}

/** How versions of a key become rows. */
export interface KeyedConfig {
  /** A condition in the engine's SQL; rows that it holds for mean delete. */
  readonly deleteWhen: string | null
  /** The only columns that an update changes; all when empty. */
  readonly mergeUpdateColumns: readonly string[]
  readonly insertOnly: boolean
  readonly whenTied: 'file_order' | 'reject'
  /** Each file is a full snapshot. */
  readonly missingMeansDeleted: boolean
  readonly lateWindowMs: number
  readonly effectiveColumn: string
  readonly endColumn: string
  readonly currentColumn: string
  /** End of the current version instead of null. */
  readonly openEnd: string | null
}

/** Of reference tables: a reload whose content is that of the last one is passed over. */
export interface UnchangedConfig {
  readonly skip: boolean
  readonly hash: 'sha256' | 'md5'
  readonly forceReloadAfterMs: number | null
}

/** What becomes of a row that breaks a rule. */
export const ROW_ACTIONS = ['warn', 'drop', 'quarantine', 'fail'] as const

export type RowAction = (typeof ROW_ACTIONS)[number]
export type BatchAction = 'warn' | 'fail'

interface Rule<K extends string, A extends RowAction> {
  readonly kind: K
  /** As counts and reasons name it. */
  readonly name: string
  readonly onViolation: A
}

/** A condition in SQL that each row fulfils. */
export interface RowExpectation extends Rule<'check', RowAction> {
  readonly check: string
  /** Where it is written, as messages name it. */
  readonly place: string
}

/** No two rows of a batch have the same values in the columns. */
export interface UniqueExpectation extends Rule<'unique', BatchAction> {
  readonly columns: readonly string[]
}

export interface RowCountExpectation extends Rule<'row_count', BatchAction> {
  readonly min: number | null
  readonly max: number | null
  readonly per: 'file' | 'batch'
}

/** The newest value of the column is not older when a batch is loaded. */
export interface FreshnessExpectation extends Rule<'freshness', BatchAction> {
  readonly column: string
  readonly maxAgeMs: number
}

export type Expectation = RowExpectation | UniqueExpectation | RowCountExpectation | FreshnessExpectation

/** Files beyond these are held until they are approved; null checks nothing. */
export interface GuardConfig {
  readonly minRows: number | null
  /** Of the keys. */
  readonly maxDeleteRatio: number | null
  readonly maxRowChangeRatio: number | null
}

export const FORMAT_NAMES = ['csv', 'json', 'ndjson', 'parquet', 'delta', 'avro', 'arrow', 'fixed_width', 'regex', 'xlsx'] as const

export type FormatName = (typeof FORMAT_NAMES)[number]

export type OptionValue =
  | string
  | number
  | boolean
  | readonly string[]
  | readonly number[]
  | Readonly<Record<string, string>>
  | readonly FieldOption[]

/** A field at a fixed place of a line. */
export interface FieldOption {
  readonly name: string
  /** In characters, from 1; behind the field before where it is left out. */
  readonly start?: number
  /** In characters; the rest of the line where it is left out. */
  readonly width?: number
}

/** A queue that a store tells of new objects. */
export interface NotificationQueue {
  readonly kind: 'sqs' | 'storage_queue'
  readonly url: string
}

export interface WatchConfig {
  readonly mode: 'auto' | 'watch' | 'poll' | 'cron'
  readonly pollIntervalMs: number
  /** Of a bucket: time between two listings of all of it; those between look where what is new can be. */
  readonly fullListingMs: number
  readonly notifications: NotificationQueue | null
  readonly cron: string | null
  readonly settleMs: number
  /** `{name}.done`, or a plain name as `_SUCCESS` for a folder. */
  readonly marker: string | null
  readonly ignore: readonly string[]
  readonly requireFinalNewline: boolean
  readonly includeExisting: boolean
  /** Milliseconds since the epoch. */
  readonly modifiedAfterMs: number | null
}

export interface DeltaConfig {
  /** Bytes. */
  readonly targetFileSize: bigint
  readonly logRetentionMs: number
  readonly fileRetentionMs: number
  readonly checkpointInterval: number
  /** Marks removed rows instead of writing their file again. */
  readonly deletionVectors: boolean
  readonly changeDataFeed: boolean
  /** Whether small files are put together after loads without being asked. */
  readonly optimize: 'auto' | 'off'
}

/** A key that the schema knows and that is set to something not built yet. */
export interface UnsupportedKey {
  /** As `tables[2].primary_keys`. */
  readonly key: string
  readonly message: string
  readonly hint: string
}
