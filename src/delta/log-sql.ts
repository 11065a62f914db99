import type { Session } from '../engine/engine.ts'
import { id, join, literal, literalList, raw, type Sql, sql } from '../engine/sql.ts'
import { parseType, type TypeNode } from '../model/type-text.ts'

const MAP = 'MAP(VARCHAR, VARCHAR)'
const DELETION_VECTOR =
  'STRUCT("storageType" VARCHAR, "pathOrInlineDv" VARCHAR, "offset" INTEGER, "sizeInBytes" INTEGER, "cardinality" BIGINT)'

/** Fields of the actions that name files, by name; the schema of a checkpoint. */
const FILE_FIELDS = {
  add: {
    path: 'VARCHAR',
    partitionValues: MAP,
    size: 'BIGINT',
    modificationTime: 'BIGINT',
    dataChange: 'BOOLEAN',
    tags: MAP,
    deletionVector: DELETION_VECTOR,
    baseRowId: 'BIGINT',
    defaultRowCommitVersion: 'BIGINT',
    clusteringProvider: 'VARCHAR',
    stats: 'VARCHAR',
  },
  remove: {
    path: 'VARCHAR',
    deletionTimestamp: 'BIGINT',
    dataChange: 'BOOLEAN',
    extendedFileMetadata: 'BOOLEAN',
    partitionValues: MAP,
    size: 'BIGINT',
    deletionVector: DELETION_VECTOR,
    baseRowId: 'BIGINT',
    defaultRowCommitVersion: 'BIGINT',
  },
} as const satisfies Record<string, Readonly<Record<string, string>>>

/** Types of every action that we read or write, by its name in the log. */
export const ACTION_TYPES = {
  txn: 'STRUCT("appId" VARCHAR, "version" BIGINT, "lastUpdated" BIGINT)',
  add: structText(FILE_FIELDS.add),
  remove: structText(FILE_FIELDS.remove),
  metaData: `STRUCT("id" VARCHAR, "name" VARCHAR, "description" VARCHAR, "format" STRUCT("provider" VARCHAR, "options" ${MAP}), "schemaString" VARCHAR, "partitionColumns" VARCHAR[], "configuration" ${MAP}, "createdTime" BIGINT)`,
  protocol: 'STRUCT("minReaderVersion" INTEGER, "minWriterVersion" INTEGER, "readerFeatures" VARCHAR[], "writerFeatures" VARCHAR[])',
  domainMetadata: 'STRUCT("domain" VARCHAR, "configuration" VARCHAR, "removed" BOOLEAN)',
} as const

export type ActionName = keyof typeof ACTION_TYPES

/** The actions of commits, one row each, with the `version` of the commit. Types are given: nothing is guessed from the content. */
export function commitRows(localPaths: readonly string[], actions: readonly (ActionName | 'commitInfo')[]): Sql {
  const columns = actions.map((name) => sql`${literal(name)}: ${literal(name === 'commitInfo' ? 'JSON' : ACTION_TYPES[name])}`)
  const version = sql`regexp_extract(filename, '(\\d{20})\\.json$', 1)::bigint as version`
  return sql`(select ${version}, ${join(actions.map(id))} from read_json(${literalList(localPaths)},
    format = 'newline_delimited', compression = 'uncompressed', filename = true, columns = {${join(columns)}}))`
}

/** Which actions a checkpoint has, and which fields each; writers differ. */
export type CheckpointShape = ReadonlyMap<string, ReadonlySet<string>>

export async function checkpointShape(localPaths: readonly string[], session: Session): Promise<CheckpointShape> {
  const columns = await session.rows(sql`describe select * from ${checkpointRows(localPaths)}`)
  return new Map(columns.map((column) => [String(column['column_name']), fieldsOf(parseType(String(column['column_type'])))]))
}

export function checkpointRows(localPaths: readonly string[]): Sql {
  return sql`read_parquet(${literalList(localPaths)}, hive_partitioning = false)`
}

/** An `add` or `remove` of a checkpoint as our type, with nulls for fields that its writer left out. */
export function checkpointAction(action: 'add' | 'remove', shape: CheckpointShape): Sql {
  const known = shape.get(action)
  const fields = Object.entries(FILE_FIELDS[action]).map(([name, type]) => {
    const value = known?.has(name) ? sql`${id(action)}.${id(name)}::${raw(type)}` : sql`null::${raw(type)}`
    return sql`${id(name)} := ${value}`
  })
  return sql`struct_pack(${join(fields)})`
}

/** An action of the log as a checkpoint holds it: nothing in it is a change of data any more. */
export function checkpointed(action: 'add' | 'remove'): Sql {
  const fields = Object.keys(FILE_FIELDS[action]).map(
    (name) => sql`${id(name)} := ${name === 'dataChange' ? raw('false') : sql`${id(action)}.${id(name)}`}`,
  )
  return sql`struct_pack(${join(fields)})`
}

/** What makes two deletion vectors of one file different; '' without one. */
export function deletionVectorId(action: Sql): Sql {
  const vector = sql`${action}."deletionVector"`
  return sql`coalesce(${vector}."storageType" || ${vector}."pathOrInlineDv" || coalesce('@' || ${vector}."offset", ''), '')`
}

function fieldsOf(type: TypeNode): ReadonlySet<string> {
  return new Set(type.kind === 'struct' ? type.fields.map((field) => field.name) : [])
}

function structText(fields: Readonly<Record<string, string>>): string {
  const parts = Object.entries(fields).map(([name, type]) => `"${name}" ${type}`)
  return `STRUCT(${parts.join(', ')})`
}
