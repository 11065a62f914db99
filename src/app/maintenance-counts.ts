import type { OptimizeResult, VacuumResult } from '../model/maintenance.ts'
import type { OptimizeCounts, VacuumCounts } from '../model/report.ts'

export function optimizeCounts(result: OptimizeResult): OptimizeCounts {
  return {
    version: result.version === null ? null : Number(result.version),
    files_removed: result.removed.files,
    bytes_removed: Number(result.removed.bytes),
    files_added: result.added.files,
    bytes_added: Number(result.added.bytes),
    deletion_vectors_removed: result.purged,
    rows: Number(result.rows),
    reason: result.reason,
  }
}

export function vacuumCounts(result: VacuumResult): VacuumCounts {
  return {
    version: result.version === null ? null : Number(result.version),
    files: result.deleted.files,
    bytes: Number(result.deleted.bytes),
    reason: result.reason,
  }
}
