import { type Blobs, STAGE_FOLDER } from '../blobs/blobs.ts'
import { writingBehind } from '../blobs/local-writing.ts'
import type { PartitionValues } from '../delta/actions.ts'
import { CHANGE_FOLDER, CHANGE_TYPE } from '../delta/change-data.ts'
import { fieldIds, physicalValue } from '../delta/column-assignment.ts'
import { type MappingMode, physicalName } from '../delta/column-mapping.ts'
import { guarded, violatedBy } from '../delta/constraints.ts'
import { integerOf, isRecord, textMapOf, textOf } from '../delta/decode.ts'
import { checkPartitionValues, type PartitionColumn, partitionFolder, partitionKey, partitionText } from '../delta/partition.ts'
import { columnsOf, type DeltaField } from '../delta/schema.ts'
import { type ColumnStatistics, indexedLeaves, statsText } from '../delta/stats.ts'
import { encodeName, encodePath } from '../delta/uri.ts'
import type { Row, Session } from '../engine/engine.ts'
import { id, inlined, join, literal, raw, type Sql, sql } from '../engine/sql.ts'
import { BugError, TableError } from '../errors/errors.ts'
import type { Staged, StagedFile, StageRequest } from './store.ts'
import { type RuledTable, ruledValue } from './violations.ts'

/** One written data file, and what the log will say of it. */
export interface WrittenFile extends StagedFile {
  /** Relative to the root: where it lies until the commit. */
  readonly from: string
  readonly partitionValues: PartitionValues
  /** Whether one of them was an empty text. */
  readonly emptied: boolean
  readonly stats: string
  readonly tags: Readonly<Record<string, string>> | undefined
}

/** What files are to the table: rows of it, rows of its change feed, or deletion vectors. */
export type StagedRole = 'rows' | 'changes' | 'vectors'

/** Files between their writing and their commit. */
export class StagedFiles implements Staged {
  readonly role: StagedRole
  readonly files: readonly WrittenFile[]
  readonly rows: bigint
  readonly localPaths: readonly string[]
  readonly emptyPartitions: boolean
  readonly folder: string
  /** `uncertain`: the commit may be in the log, so the files must stay. */
  place: 'staged' | 'published' | 'committed' | 'uncertain' = 'staged'

  constructor(folder: string, files: readonly WrittenFile[], blobs: Blobs, role: StagedRole = 'rows') {
    this.role = role
    this.folder = folder
    this.files = files
    this.rows = files.reduce((sum, file) => sum + file.rows, 0n)
    this.emptyPartitions = files.some((file) => file.emptied)
    this.localPaths = files.map((file) => blobs.localPath(file.from))
  }
}

/** The files behind what `stage` gave. */
export function own(staged: Staged): StagedFiles {
  if (staged instanceof StagedFiles) return staged
  throw new BugError('staged files of another store were to be committed')
}

/** Where and how rows are staged. */
export interface StageTarget extends RuledTable {
  /** `database.table`, for messages. */
  readonly name: string
  readonly blobs: Blobs
  readonly session: Session
  /** Relative to the root, new. */
  readonly folder: string
  /** The table's schema after the batch, in the order of the request's columns. */
  readonly fields: readonly DeltaField[]
  readonly partitionColumns: readonly PartitionColumn[]
  readonly properties: Readonly<Record<string, string>>
  /** How the data files name the columns. */
  readonly mapping: MappingMode
  /** Bytes. */
  readonly targetFileSize: bigint
}

/** Staged files do not end in `.parquet`: some readers' `**` takes every such name, wherever it lies. */
export const EXTENSION = 'staged'

/**
 * V1 pages, since Spark cannot read the V2 encodings. The key names Spark, because its version 3 refuses dates before
 * 1582 in files of unknown writers. No Bloom filters: the engine's dictionary takes -0.0 and 0.0 for one value, its filter
 * holds the first alone, and a reader that looks for the other finds no row.
 */
const PARQUET = raw(`format parquet, compression zstd, compression_level 1, parquet_version v1, return_stats, write_bloom_filter false,
  filename_pattern 'part-{uuid}', file_extension '${EXTENSION}', kv_metadata {'org.apache.spark.version': '3.5.0'}`)

/**
 * Of each row group, whose 122,880 rows would get up to 24,576 of them, a fifth. A dictionary that grows beyond its limit is dropped
 * again: over columns of ever new values that is a sixth of the time of writing. OPTIMIZE, which has the time, keeps the larger ones. In
 * small row groups the limit would be more than the fifth, and a dictionary has one zero where a column had 0.0 and -0.0.
 */
const SMALL_DICTIONARY = raw(', dictionary_size_limit 8192')

/** Source bytes whose rows fill row groups. */
const LARGE_LOAD = 32n * 1024n * 1024n

/** Writes the rows of a request as data files with statistics. Leaves nothing behind when it fails. */
export async function stageRows(request: StageRequest, target: StageTarget): Promise<StagedFiles> {
  const { blobs, folder, session } = target
  await blobs.createFolder(folder)
  try {
    // Rows of a table have no order; writing them as they come is faster. An ORDER BY of the plan holds all the same.
    await session.run(sql`set preserve_insertion_order = false`)
    const write = () => writeFiles(request, target)
    const writing = blobs.isLocal ? writingBehind(blobs.localPath(folder), write) : write()
    const files = await writing.finally(() => session.run(sql`set preserve_insertion_order = true`))
    return new StagedFiles(folder, files, blobs)
  } catch (error) {
    // What remains is removed by clean; the first error tells more.
    await blobs.removeFolder(folder).catch(() => undefined)
    throw violation(error, target) ?? error
  }
}

/** A column of the change feed alone; where columns are mapped it goes by its own name. */
export const CHANGE_FIELD: DeltaField = {
  name: CHANGE_TYPE,
  type: 'string',
  nullable: true,
  metadata: { 'delta.columnMapping.physicalName': CHANGE_TYPE },
}

/** Writes rows of the table with `_change_type` behind them as files of the change feed. */
export async function stageFeed(request: StageRequest, target: StageTarget): Promise<StagedFiles> {
  const column = { name: CHANGE_TYPE, type: 'VARCHAR', nullable: true }
  const staged = await stageRows(
    { ...request, columns: [...request.columns, column] },
    {
      ...target,
      rules: [],
      fields: [...target.fields, CHANGE_FIELD],
      properties: { ...target.properties, 'delta.dataSkippingNumIndexedCols': '0' },
    },
  )
  // Not in folders of their partitions: some readers take the path of a change file as it stands, escapes and all.
  const files = staged.files.map((file) => ({
    ...file,
    path: `${CHANGE_FOLDER}/${file.path.replace(/^.*part-/, 'cdc-')}`,
    stats: '',
  }))
  return new StagedFiles(staged.folder, files, target.blobs, 'changes')
}

/** Removes what was written for a batch that is not committed. */
export async function discardFiles(staged: StagedFiles, blobs: Blobs): Promise<void> {
  if (staged.place === 'staged' || staged.place === 'published') {
    for (const file of staged.place === 'published' ? staged.files : []) await blobs.remove(file.path)
    await blobs.removeFolder(staged.folder)
  }
}

async function writeFiles(request: StageRequest, target: StageTarget): Promise<readonly WrittenFile[]> {
  const rows = typedRows(request, target)
  const leaves = indexedLeaves(
    target.fields,
    target.partitionColumns.map((column) => column.name),
    target.properties,
    target.mapping,
  )
  const finished = (written: Row, keys: PartitionValues): WrittenFile[] => {
    const partitionValues = Object.fromEntries(Object.entries(keys).map(([name, value]) => [name, value === '' ? null : value]))
    const emptied = Object.values(keys).includes('')
    const count = integerOf(written['count']) ?? 0n
    if (count === 0n) return []
    checkPartitionValues(target.name, target.partitionColumns, partitionValues)
    const from = relative(textOf(written['filename']) ?? '', target.blobs)
    const name = (from.split('/').at(-1) ?? '').replace(new RegExp(`\\.${EXTENSION}$`), '.parquet')
    const partition = partitionFolder(target.partitionColumns, partitionValues)
    const stats = statsText(count, statisticsOf(written['column_statistics']), leaves)
    const path = partition === '' ? name : `${partition}/${name}`
    return [
      { path, from, rows: count, bytes: integerOf(written['file_size_bytes']) ?? 0n, partitionValues, emptied, stats, tags: request.tags },
    ]
  }
  const options = parquetOptions(request, target)
  if (target.partitionColumns.length > 0) return writePartitioned(rows, { ...target, options }, finished)
  const output = await outputOf(request.sourceBytes, target)
  const written = await target.session.rows(
    sql`copy (${inlined(rows)}) to ${literal(target.blobs.localPath(`${target.folder}/files`))} (${options}, ${output})`,
  )
  return written.flatMap((row) => finished(row, {}))
}

/** Source bytes for each thread from which a file of its own is worth while. */
const THREAD_SHARE = 16n * 1024n * 1024n

/**
 * One file for each thread is fastest, where that makes neither small files nor ones beyond the target; otherwise the
 * threads share files that are closed at the target's size.
 */
async function outputOf(sourceBytes: bigint, { session, targetFileSize }: StageTarget): Promise<Sql> {
  const [setting] = await session.rows(sql`select current_setting('threads')::bigint as threads`)
  const share = sourceBytes / (integerOf(setting?.['threads']) ?? 1n)
  if (share >= THREAD_SHARE && share <= BigInt(targetFileSize)) return raw('per_thread_output true')
  return raw(`file_size_bytes ${targetFileSize}, write_empty_file false`)
}

/** With the options of the Parquet writer. */
interface WriteTarget extends StageTarget {
  readonly options: Sql
}

type Finish = (written: Row, partitionValues: PartitionValues) => readonly WrittenFile[]

/** The engine splits by the texts of the log, so that what it calls a key is the partition value to the letter. */
async function writePartitioned(rows: Sql, target: WriteTarget, finished: Finish): Promise<readonly WrittenFile[]> {
  const keys = target.partitionColumns.map((_, index) => keyName(index))
  try {
    const written = await copyBy(rows, keys, target, 'files')
    return written.flatMap((row) => finished(row, valuesOf(row['partition_keys'], target)))
  } catch (error) {
    // The engine names folders by the values, and a file system takes 255 bytes.
    if (!(error instanceof Error && /name too long|ENAMETOOLONG/i.test(error.message))) throw error
    return writeByHash(rows, keys, target, finished)
  }
}

async function writeByHash(rows: Sql, keys: readonly string[], target: WriteTarget, finished: Finish): Promise<readonly WrittenFile[]> {
  const hash = sql`md5(to_json([${join(keys.map(id))}])::varchar)`
  const hashed = sql`select *, ${hash} as ${id(HASH)} from (${rows})`
  const known = await target.session.rows(inlined(sql`select distinct ${id(HASH)}, ${join(keys.map(id))} from (${hashed})`))
  const byHash = new Map(known.map((row) => [textOf(row[HASH]), valuesOf(row, target)]))
  const dataOnly = sql`select * exclude (${join(keys.map(id))}) from (${hashed})`
  const written = await copyBy(dataOnly, [HASH], target, 'hashed')
  return written.flatMap((row) => {
    const values = byHash.get(textMapOf(row['partition_keys'])[HASH] ?? null)
    if (values === undefined) throw new BugError(`${target.name}: a data file belongs to no partition`)
    return finished(row, values)
  })
}

const HASH = '__ingestd_hash'

async function copyBy(rows: Sql, keys: readonly string[], target: WriteTarget, name: string): Promise<readonly Row[]> {
  const to = literal(target.blobs.localPath(`${target.folder}/${name}`))
  return target.session.rows(sql`copy (${inlined(rows)}) to ${to} (${target.options}, partition_by (${join(keys.map(id))}))`)
}

function keyName(index: number): string {
  return `__ingestd_p${index}`
}

function valuesOf(keys: unknown, { partitionColumns }: StageTarget): PartitionValues {
  const values = isRecord(keys) ? keys : {}
  return Object.fromEntries(partitionColumns.map((column, index) => [partitionKey(column), textOf(values[keyName(index)])]))
}

/** The request's rows by position, with the names and types of the table; partition columns as text, under names of ours. */
function typedRows({ add, columns }: StageRequest, target: StageTarget): Sql {
  const { fields, partitionColumns, name, rules, mapping } = target
  const given = columns.map((_, index) => id(`c${index}`))
  const types = columnsOf(fields)
  const partitions = new Set(partitionColumns.map((column) => column.name))
  const values = types.map((column, index) => {
    const value = given[index] ?? raw('null')
    // Without a rule an empty text is kept as such up to the log, so that it can be told of.
    const ruled = rules.length > 0 ? ruledValue(column, value, target) : sql`${value}::${raw(column.type)}`
    return sql`${ruled} as ${id(column.name)}`
  })
  const names = types.map((column) => column.name)
  const rows = guarded(sql`select ${join(values)} from (${add}) as given(${join(given)})`, names, rules)
  if (partitionColumns.length === 0 && mapping === 'none') return rows
  const data = fields.filter((field) => !partitions.has(field.name)).map((field) => physicalColumn(field, mapping))
  if (data.length === 0)
    throw new TableError('ING-TABLE-PARTITIONING', `${name}: every column is a partition column`, {
      hint: 'leave one out of partition_columns',
    })
  const keys = partitionColumns.map((column, index) => sql`${partitionText(column)} as ${id(keyName(index))}`)
  return sql`select ${join([...data, ...keys])} from (${rows})`
}

function physicalColumn(field: DeltaField, mapping: MappingMode): Sql {
  const name = id(field.name)
  return mapping === 'none' ? name : sql`${physicalValue(name, field.type, mapping)} as ${id(physicalName(field, mapping))}`
}

function parquetOptions({ sourceBytes }: StageRequest, { fields, partitionColumns, mapping }: StageTarget): Sql {
  const options = sql`${PARQUET}${sourceBytes < LARGE_LOAD ? sql`` : SMALL_DICTIONARY}`
  if (mapping === 'none') return options
  const partitions = new Set(partitionColumns.map(({ name }) => name))
  const data = fields.filter(({ name }) => !partitions.has(name))
  return sql`${options}, field_ids {${fieldIds(data, mapping)}}`
}

function violation(error: unknown, target: StageTarget): TableError | undefined {
  const violated = violatedBy(error, target.rules)
  if (violated === undefined) return undefined
  return new TableError('ING-TABLE-CONSTRAINT', `${target.name}: a row violates ${violated.rule}`, { hint: 'mend the row', cause: error })
}

function statisticsOf(value: unknown): ColumnStatistics {
  if (!isRecord(value)) return {}
  return Object.fromEntries(Object.entries(value).map(([column, measured]) => [column, textMapOf(measured)]))
}

function relative(localPath: string, blobs: Blobs): string {
  const root = `${blobs.localPath('')}/`
  if (!localPath.startsWith(root)) throw new BugError(`a data file was written to ${localPath}, outside ${root}`)
  return localPath.slice(root.length)
}

/** A new folder of a batch under the stage; its name says whose it is. */
export function stageFolder(batchId: string, unique: string): string {
  return `${STAGE_FOLDER}/${encodeName(batchId)}+${encodeName(unique)}`
}

/** `add.path` of a written file. */
export function loggedPath(file: StagedFile): string {
  return encodePath(file.path)
}
