import { forgetQueries } from '../delta/query-parts.ts'
import { removedTwice } from '../delta/removed-twice.ts'
import { columnsOf } from '../delta/schema.ts'
import { type LogState, Snapshot } from '../delta/snapshot.ts'
import type { Session } from '../engine/engine.ts'
import type { Sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'
import type { TableConfig } from '../model/table.ts'
import type { Keeps } from './cleaning.ts'
import { currentRows } from './current.ts'
import type { StoreDeps } from './deps.ts'
import { historyOf } from './history.ts'
import { schemaHistoryOf } from './schema-history.ts'
import type { HistoryEntry, SchemaVersion, TableState, TableVersion, TableVersionAt } from './store.ts'
import { TRACKER_PROPERTY } from './table-content.ts'

/** Opens one version for reading alone. */
export async function openTableVersion(
  table: TableConfig,
  session: Session,
  at: TableVersionAt | undefined,
  { deps, keeps }: { readonly deps: StoreDeps; readonly keeps: Keeps },
): Promise<TableVersion> {
  if (at !== undefined) checkKeepsVersions(table, keeps)
  const blobs = await deps.blobs(table.targetPath)
  const snapshot = await Snapshot.open(table.name, blobs, session, { gate: 'read', ...(at === undefined ? {} : { at }) })
  const log = { name: table.name, blobs, session, snapshot, ...(at === undefined ? {} : { isOlder: true as const }) }
  return {
    state: snapshot === undefined ? null : tableState(snapshot.state),
    current: async (): Promise<Sql> => currentRows(log),
    history: async (limit: number): Promise<readonly HistoryEntry[]> =>
      snapshot === undefined ? [] : historyOf(snapshot.state, log, limit),
    schemaHistory: async (limit: number): Promise<readonly SchemaVersion[]> =>
      snapshot === undefined ? [] : schemaHistoryOf({ ...log, snapshot }, limit),
    removedTwice: async () => removedTwice(log),
    [Symbol.asyncDispose]: async () => {
      await forgetQueries(log)
      await snapshot?.close()
      await blobs.tidy()
    },
  }
}

/** Refuses what needs files that a later commit superseded, where those are deleted. */
export function checkKeepsVersions(table: TableConfig, keeps: Keeps): void {
  if (keeps === 'all versions') return
  throw new TableError(
    'ING-TABLE-VERSION',
    `${table.name} has output_format: parquet, which keeps the files of its current version alone`,
    {
      hint: 'older versions are for output_format: delta',
    },
  )
}

export function noVersionYet(table: string): TableError {
  return new TableError('ING-TABLE-VERSION', `${table} has no version yet`, { hint: `load it first: ingest run --tables ${table}` })
}

export function tableState({ version, metadata, fields, committedAtMs }: LogState): TableState {
  return {
    version,
    tableId: metadata.id,
    columns: columnsOf(fields),
    partitionColumns: metadata.partitionColumns,
    properties: metadata.configuration,
    trackerId: metadata.configuration[TRACKER_PROPERTY] ?? null,
    committedAtMs,
  }
}
