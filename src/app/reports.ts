import type { ResolvedConfig } from '../config/config.ts'
import type { HistoryReport, SchemaHistoryReport, StatusReport } from '../model/report.ts'
import type { HistoryEntry, SchemaVersion } from '../stores/store.ts'
import type { Tracker } from '../tracker/tracker.ts'
import { selectTables } from './select-tables.ts'

/** Each configured table with its counts; one that never ran has none. */
export async function statusOf(config: ResolvedConfig, tracker: Tracker, names: readonly string[] | undefined): Promise<StatusReport> {
  const tables = selectTables(config.tables, names)
  const counts = new Map((await tracker.counts(tables.map((table) => table.name))).map((one) => [one.table_name, one]))
  return {
    tables: tables.map((table) => {
      const count = counts.get(table.name)
      return {
        table: table.name,
        strategy: table.strategy,
        target: table.targetPath,
        paused: count?.paused ?? false,
        files: {
          pending: count?.pending ?? 0,
          processing: count?.processing ?? 0,
          completed: count?.completed ?? 0,
          failed: count?.failed ?? 0,
          skipped: count?.skipped ?? 0,
        },
        rows: count?.rows_loaded ?? 0,
        rows_rejected: count?.rows_rejected ?? 0,
        bytes: count?.bytes ?? 0,
        last_loaded_at: count?.last_loaded_at ?? null,
        last_error: count?.last_error ?? null,
      }
    }),
  }
}

/** Versions of a table, with what the tracker knows of their batches. */
export async function historyReports(
  entries: readonly HistoryEntry[],
  table: string,
  tracker: Pick<Tracker, 'expectationsOfBatches'>,
): Promise<readonly HistoryReport[]> {
  const batches = entries.flatMap(({ batchId }) => batchId ?? [])
  const found = batches.length === 0 ? [] : await tracker.expectationsOfBatches(table, batches)
  return entries.map((entry) => {
    const expectations = found.filter((one) => one.batch_id === entry.batchId).map(({ batch_id: _, ...rest }) => rest)
    return { ...historyReport(entry), ...(expectations.length === 0 ? {} : { expectations }) }
  })
}

function historyReport(entry: HistoryEntry): HistoryReport {
  return {
    version: Number(entry.version),
    timestamp: entry.timestampMs === null ? null : new Date(entry.timestampMs).toISOString(),
    operation: entry.operation,
    operation_parameters: entry.parameters,
    operation_metrics: entry.metrics,
    only_in_checkpoint: entry.onlyInCheckpoint,
    batch: numberOrNull(entry.batch),
    batch_id: entry.batchId,
    files: numberOrNull(entry.landingFiles),
    files_added: entry.files?.added ?? null,
    files_removed: entry.files?.removed ?? null,
    rows: numberOrNull(entry.rows),
    engine: entry.engine,
    user_metadata: entry.userMetadata,
  }
}

export function schemaReport(version: SchemaVersion): SchemaHistoryReport {
  return {
    version: Number(version.version),
    timestamp: version.timestampMs === null ? null : new Date(version.timestampMs).toISOString(),
    batch: numberOrNull(version.batch),
    batch_id: version.batchId,
    engine: version.engine,
    changes: version.changes.map(({ kind, ...change }) => ({ change: kind, ...change })),
  }
}

function numberOrNull(value: bigint | null): number | null {
  return value === null ? null : Number(value)
}
