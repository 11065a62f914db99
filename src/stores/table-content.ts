import { isDeepStrictEqual } from 'node:util'
import type { Metadata, Protocol } from '../delta/actions.ts'
import { assigned, highestId } from '../delta/column-assignment.ts'
import { type MappingMode, mappingMode, maxColumnId } from '../delta/column-mapping.ts'
import { constraintsOf } from '../delta/constraints.ts'
import { changeFeedIsOn, checkFeatures, deletionVectorsAreOn, isAppendOnly, protocolFor, raisedProtocol } from '../delta/features.ts'
import { intervalText } from '../delta/interval.ts'
import { checkPartitionable } from '../delta/partition.ts'
import { columnsOf, type DeltaField, evolved, newSchema, schemaText } from '../delta/schema.ts'
import type { LogState } from '../delta/snapshot.ts'
import { wideningProperties } from '../delta/type-widening.ts'
import { TableError } from '../errors/errors.ts'
import type { TableConfig } from '../model/table.ts'
import type { CommitRequest, TableColumn } from './store.ts'

/** Property that holds the uuid of the tracker that loads the table. */
export const TRACKER_PROPERTY = 'ingestd.tracker'

const DAY_MS = 24 * 3600 * 1000

/** The schema of the table after a batch with these columns. */
export function fieldsAfter(table: TableConfig, state: LogState | undefined, columns: readonly TableColumn[]): readonly DeltaField[] {
  const isMapped = mappingAfter(table, state) !== 'none'
  if (state === undefined) return isMapped ? assigned(newSchema(columns), { tableId: null, maxId: 0 }) : newSchema(columns)
  const fields = evolved(state.fields, columns)
  if (fields === state.fields || !isMapped) return fields
  return assigned(fields, { tableId: state.metadata.id, maxId: maxColumnId(state.metadata) })
}

/** How data files name the columns after a batch; a table that is there keeps its way. */
export function mappingAfter(table: TableConfig, state: LogState | undefined): MappingMode {
  if (state !== undefined) return mappingMode(state)
  const mode = table.tableProperties['delta.columnMapping.mode']?.trim().toLowerCase()
  return mode === 'name' || mode === 'id' ? mode : 'none'
}

/** Refuses a table that another tracker loads, and removals from one that only grows. */
export function checkAllowed(table: TableConfig, state: LogState | undefined, request: CommitRequest): void {
  if (state === undefined) return
  checkTracker(table, state, request.trackerId)
  if (request.remove !== 'nothing') checkShrinks(table, state, `the strategy ${request.strategy}`)
}

export function checkTracker(table: TableConfig, { metadata }: LogState, trackerId: string): void {
  const tracker = metadata.configuration[TRACKER_PROPERTY]
  if (tracker === undefined || tracker === trackerId) return
  throw new TableError('ING-TABLE-OTHER-TRACKER', `${table.name} is loaded by another tracker`, {
    hint: `the table belongs to tracker ${tracker}, this one is ${trackerId}: use that tracker, or take the table over (ingest tracker adopt ${table.tableName}); one that was lost is made anew by ingest tracker rebuild`,
  })
}

/** Rows may be removed from the table. `remover` is what does it, for the message. */
export function checkShrinks(table: TableConfig, { metadata }: LogState, remover: string): void {
  if (!isAppendOnly(metadata)) return
  throw new TableError('ING-TABLE-APPEND-ONLY', `${table.name} is append-only (delta.appendOnly), and ${remover} removes rows`, {
    hint: 'use the strategy append, or unset delta.appendOnly',
  })
}

/** Refuses a table that is not what the config says, or has rules that we could not keep. */
export function checkWritable(table: TableConfig, state: LogState): void {
  checkPartitioning(table, state)
  constraintsOf(table.name, state.fields, state.metadata.configuration)
}

/** partition_columns of the config as the table spells them. TableError where the two differ. */
function checkPartitioning(table: TableConfig, state: LogState): void {
  const asked = new Set(table.partitionColumns.map((name) => name.toLowerCase()))
  const known = state.metadata.partitionColumns
  if (known.length === asked.size && known.every((name) => asked.has(name.toLowerCase()))) return
  throw new TableError(
    'ING-TABLE-PARTITIONING',
    `${table.name} is partitioned by ${listed(known)}, the config says ${listed(table.partitionColumns)}`,
    {
      hint: `write partition_columns: [${known.join(', ')}]`,
    },
  )
}

/** The partition columns of a new table, as its columns are spelled. */
export function newPartitioning(table: TableConfig, fields: readonly DeltaField[]): readonly string[] {
  return table.partitionColumns.map((name) => {
    const found = fields.find((field) => field.name.toLowerCase() === name.toLowerCase())
    if (found) return found.name
    throw new TableError('ING-TABLE-PARTITIONING', `${table.name}: the partition column ${name} is not among the columns`, {
      hint: 'check partition_columns',
    })
  })
}

/** What the commit must say of protocol and metadata: all of it for a new table, else what changes. */
export function contentOf(
  table: TableConfig,
  state: LogState | undefined,
  request: CommitRequest,
  made: { readonly id: string; readonly nowMs: number },
): { readonly protocol: Protocol | undefined; readonly metadata: Metadata | undefined; readonly partitionColumns: readonly string[] } {
  const fields = fieldsAfter(table, state, request.columns)
  const configuration = {
    ...propertiesAfter(table, state),
    ...mappingProperties(table, state, fields),
    ...(state === undefined ? {} : wideningProperties(table.name, { before: state.fields, after: fields, protocol: state.protocol })),
    [TRACKER_PROPERTY]: request.trackerId,
  }
  if (state === undefined) return newTable(table, fields, configuration, made)
  const protocol = raisedProtocol(state.protocol, fields, configuration)
  const isUnchanged = fields === state.fields && isDeepStrictEqual(configuration, state.metadata.configuration)
  const metadata = { ...state.metadata, schemaString: schemaText(fields), configuration }
  return {
    protocol: protocol === state.protocol ? undefined : protocol,
    metadata: isUnchanged ? undefined : metadata,
    partitionColumns: state.metadata.partitionColumns,
  }
}

function newTable(
  table: TableConfig,
  fields: readonly DeltaField[],
  configuration: Metadata['configuration'],
  made: { readonly id: string; readonly nowMs: number },
) {
  const partitionColumns = newPartitioning(table, fields)
  const metadata: Metadata = {
    id: made.id,
    name: table.tableName,
    description: table.tableComment,
    format: { provider: 'parquet', options: {} },
    schemaString: schemaText(fields),
    partitionColumns,
    configuration,
    createdTime: BigInt(made.nowMs),
  }
  const protocol = protocolFor(fields, configuration)
  // A property may ask for a feature that we could not keep afterwards.
  checkFeatures(table.name, { protocol, metadata, fields })
  const types = columnsOf(fields).filter((column) => partitionColumns.includes(column.name))
  checkPartitionable(table.name, types)
  return { protocol, metadata, partitionColumns }
}

/**
 * The table's properties after a batch. What the config switches on is switched on in a table that is there already; what
 * it leaves off is not switched off, since somebody else may want it.
 */
export function propertiesAfter(table: TableConfig, state: LogState | undefined): Readonly<Record<string, string>> {
  const known = state?.metadata.configuration ?? { ...retention(table), ...table.tableProperties }
  return {
    ...known,
    ...(table.delta.deletionVectors && !deletionVectorsAreOn(known) ? { 'delta.enableDeletionVectors': 'true' } : {}),
    ...(table.delta.changeDataFeed && !changeFeedIsOn(known) ? { 'delta.enableChangeDataFeed': 'true' } : {}),
  }
}

function mappingProperties(
  table: TableConfig,
  state: LogState | undefined,
  fields: readonly DeltaField[],
): Readonly<Record<string, string>> {
  if (fields === state?.fields || mappingAfter(table, state) === 'none') return {}
  const highest = Math.max(highestId(fields), state === undefined ? 0 : maxColumnId(state.metadata))
  return { 'delta.columnMapping.maxColumnId': String(highest) }
}

/** Settings that other writers of the table shall keep too; what every reader assumes is left out. */
function retention({ delta }: TableConfig): Readonly<Record<string, string>> {
  return {
    ...(delta.logRetentionMs === 30 * DAY_MS ? {} : { 'delta.logRetentionDuration': intervalText(delta.logRetentionMs) }),
    ...(delta.fileRetentionMs === 7 * DAY_MS ? {} : { 'delta.deletedFileRetentionDuration': intervalText(delta.fileRetentionMs) }),
    ...(delta.checkpointInterval === 10 ? {} : { 'delta.checkpointInterval': String(delta.checkpointInterval) }),
  }
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'no column' : names.join(', ')
}
