import type { HistoryReport, SchemaHistoryReport } from '../model/report.ts'
import type { HistoryEntry, SchemaVersion } from '../stores/store.ts'
import type { Tracker } from '../tracker/tracker.ts'

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
