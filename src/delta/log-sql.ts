import { id, join, literal, pathList, raw, type Sql, sql } from '../engine/sql.ts'
import { parseType, type TypeNode } from '../model/type-text.ts'
import { statsFromStruct } from './stats-parsed.ts'

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
  cdc: `STRUCT("path" VARCHAR, "partitionValues" ${MAP}, "size" BIGINT, "dataChange" BOOLEAN)`,
} as const

/** Stands in v2 checkpoints alone: where the actions of files are. */
const SIDECAR = 'STRUCT("path" VARCHAR, "sizeInBytes" BIGINT, "modificationTime" BIGINT)'

export type ActionName = keyof typeof ACTION_TYPES

/**
 * The actions of commits and compactions, one row each, with the (last) `version` that the file stands for. Types are
 * given: nothing is guessed from the content.
 */
export function commitRows(localPaths: readonly string[], actions: readonly (ActionName | 'commitInfo')[]): Sql {
  const types = actions.map((name) => [name, name === 'commitInfo' ? 'JSON' : ACTION_TYPES[name]] as const)
  const version = sql`regexp_extract(filename, '(\\d{20})\\.(compacted\\.)?json$', 1)::bigint as version`
  return sql`(select ${version}, ${join(actions.map(id))} from ${jsonLines(localPaths, types)})`
}

/** Which actions rows of a log have, and which fields each; writers differ. */
export type RowShape = ReadonlyMap<string, ReadonlyMap<string, TypeNode>>

/** The rows of a v2 checkpoint in JSON. */
export function jsonActions(localPaths: readonly string[]): { readonly rows: Sql; readonly shape: RowShape } {
  const types = [...Object.entries(ACTION_TYPES), ['sidecar', SIDECAR] as const]
  const shape = new Map(types.map(([name, type]) => [name, fieldsOf(parseType(type))]))
  return { rows: jsonLines(localPaths, types), shape }
}

export function fieldsOf(type: TypeNode): ReadonlyMap<string, TypeNode> {
  return new Map(type.kind === 'struct' ? type.fields.map((field) => [field.name, field.type]) : [])
}

function jsonLines(localPaths: readonly string[], types: readonly (readonly [string, string])[]): Sql {
  const columns = types.map(([name, type]) => sql`${literal(name)}: ${literal(type)}`)
  return sql`read_json(${pathList(localPaths)}, format = 'newline_delimited', compression = 'uncompressed', filename = true, columns = {${join(columns)}})`
}

/** An `add` or `remove` of a checkpoint as our type, with nulls for fields that its writer left out. */
export function checkpointAction(action: 'add' | 'remove', shape: RowShape): Sql {
  const known = shape.get(action)
  const fields = Object.entries(FILE_FIELDS[action]).map(([name, type]) => {
    const value = known?.has(name) ? sql`${id(action)}.${id(name)}::${raw(type)}` : sql`null::${raw(type)}`
    const parsed = name === 'stats' ? known?.get('stats_parsed') : undefined
    if (parsed === undefined) return sql`${id(name)} := ${value}`
    return sql`${id(name)} := coalesce(${value}, ${statsFromStruct(sql`${id(action)}."stats_parsed"`, parsed)})`
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

function structText(fields: Readonly<Record<string, string>>): string {
  const parts = Object.entries(fields).map(([name, type]) => `"${name}" ${type}`)
  return `STRUCT(${parts.join(', ')})`
}
