import type { Session } from '../engine/engine.ts'
import { id, join, literal, raw, type Sql, sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'
import type { PartitionValues } from './actions.ts'
import { integerOf, textOf } from './decode.ts'
import { type PartitionColumn, partitionKey, partitionValue } from './partition.ts'

/** Which of the active files a commit takes out; of a relation of files those whose `path` it holds. */
export type Removal =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'everything' }
  | { readonly kind: 'partitions'; readonly partitions: readonly PartitionValues[] }
  | { readonly kind: 'files'; readonly files: Sql }

/** The files that go, as lines of the commit. */
export interface RemovedFiles {
  readonly lines: readonly string[]
  /** Decoded, relative to the table's root. */
  readonly paths: readonly string[]
  readonly bytes: bigint
}

export interface RemovalIo {
  readonly session: Session
  readonly nowMs: number
  /** False where rows are only rearranged; true when left out. */
  readonly dataChange?: boolean
}

export const NO_FILES: RemovedFiles = { lines: [], paths: [], bytes: 0n }

/** Lines of `remove` for active files, made in the engine; they say all that an older version needs to read the file again. */
export async function removedFiles(
  files: Sql,
  removal: Removal,
  columns: readonly PartitionColumn[],
  io: RemovalIo,
): Promise<RemovedFiles> {
  if (removal.kind === 'nothing' || (removal.kind === 'partitions' && removal.partitions.length === 0)) return NO_FILES
  const rows = await io.session.rows(
    sql`select ${removeLine(io)} as line, url_decode(path) as path, "add".size as size from ${files} where ${chosen(removal, columns)} order by 2`,
  )
  return {
    lines: rows.map((row) => lineOf(row['line'])),
    paths: rows.map((row) => textOf(row['path']) ?? ''),
    bytes: rows.reduce((sum, row) => sum + (integerOf(row['size']) ?? 0n), 0n),
  }
}

function chosen(removal: Exclude<Removal, { kind: 'nothing' }>, columns: readonly PartitionColumn[]): Sql {
  switch (removal.kind) {
    case 'everything':
      return raw('true')
    case 'files':
      return sql`path in (select path from ${removal.files})`
    case 'partitions':
      return inPartitions(removal.partitions, columns, sql`"add"."partitionValues"`)
  }
}

/** The deletion vector is part of a file's name for readers: a remove without it would remove nothing. */
function removeLine({ nowMs, dataChange = true }: RemovalIo): Sql {
  return sql`'{"remove":{"path":' || to_json(path)::varchar || ',"deletionTimestamp":' || ${String(nowMs)} || ',"dataChange":' || ${String(dataChange)} || ',"extendedFileMetadata":true,"partitionValues":'
    || ${partitionsJson()} || ${optional('size', raw('"add".size'))} || ${optional('tags', raw('"add".tags'))} || ${vectorJson()}
    || ${optional('baseRowId', raw('"add"."baseRowId"'))} || ${optional('defaultRowCommitVersion', raw('"add"."defaultRowCommitVersion"'))} || '}}'`
}

/** The beginning of a line of `add` for a file that the log knows, as text in the engine; its statistics and deletion vector may follow. */
export function addHead(): Sql {
  return sql`'{"add":{"path":' || to_json(path)::varchar || ',"partitionValues":' || ${partitionsJson()} || ',"size":' || "add".size
    || ',"modificationTime":' || coalesce("add"."modificationTime", 0) || ',"dataChange":true' || ${optional('tags', raw('"add".tags'))}
    || ${optional('baseRowId', raw('"add"."baseRowId"'))} || ${optional('defaultRowCommitVersion', raw('"add"."defaultRowCommitVersion"'))}
    || ${optional('clusteringProvider', raw('"add"."clusteringProvider"'))}`
}

/** A line that was made in the engine, where one null makes null of it all: a log with such a line would be read by nobody. */
export function lineOf(made: unknown): string {
  const line = textOf(made)
  if (line === null) throw new TableError('ING-TABLE-LOG', 'an action of the log lacks a field that it must have', { hint: HINT })
  return line
}

const HINT = 'rewrite the files of the table with the tool that wrote them'

/** JSON of the partition values of an `add`. */
function partitionsJson(): Sql {
  return sql`coalesce(to_json("add"."partitionValues")::varchar, '{}')`
}

/** `,"name":…` or nothing for a null. */
export function optional(name: string, value: Sql): Sql {
  return sql`case when ${value} is null then '' else ${literal(`,"${name}":`)} || to_json(${value})::varchar end`
}

/** `,"deletionVector":…` of an `add`, or nothing where it has none. */
export function vectorJson(): Sql {
  const vector = raw('"add"."deletionVector"')
  return sql`case when ${vector}."storageType" is null then '' else ',"deletionVector":{"storageType":' || to_json(${vector}."storageType")::varchar
    || ',"pathOrInlineDv":' || to_json(${vector}."pathOrInlineDv")::varchar || ${optional('offset', sql`${vector}."offset"`)}
    || ',"sizeInBytes":' || ${vector}."sizeInBytes" || ',"cardinality":' || ${vector}."cardinality" || '}' end`
}

/** Whether partition values of the log are among some partitions. Values are compared as what they mean: other writers print them otherwise. */
export function inPartitions(partitions: readonly PartitionValues[], columns: readonly PartitionColumn[], values: Sql): Sql {
  const names = columns.map((_, index) => id(`p${index}`))
  const rows = partitions.map(
    (partition) => sql`(${join(columns.map((column) => constant(column, partition[partitionKey(column)] ?? null)))})`,
  )
  const same = columns.map((column, index) => sql`wanted.${id(`p${index}`)} is not distinct from ${partitionValue(column, values)}`)
  return sql`exists (select 1 from (values ${join(rows)}) as wanted(${join(names)}) where ${join(same, ' and ')})`
}

function constant({ type }: PartitionColumn, text: string | null): Sql {
  return text === null ? sql`null::${raw(type)}` : sql`${literal(text)}::${raw(type)}`
}
