import type { FileCounts, OptimizeRequest, OptimizeResult, VacuumRequest, VacuumResult } from '../model/maintenance.ts'
import { QUARANTINE_SUFFIX } from '../model/quarantine.ts'
import type { OpenTable } from '../stores/store.ts'

/** A table's quarantine is kept as the table is; what becomes of both is told as one, but for the version, which is the table's. */
export async function optimizeWithQuarantine(table: OpenTable, quarantine: OpenTable, request: OptimizeRequest): Promise<OptimizeResult> {
  const result = await table.optimize(request)
  if (isNot(quarantine, request.trackerId)) return result
  // The order that was asked for is one of the table's columns.
  const more = await quarantine.optimize({ ...request, zOrder: [] })
  return {
    ...result,
    removed: sum(result.removed, more.removed),
    added: sum(result.added, more.added),
    rows: result.rows + more.rows,
    purged: result.purged + more.purged,
  }
}

export async function vacuumWithQuarantine(table: OpenTable, quarantine: OpenTable, request: VacuumRequest): Promise<VacuumResult> {
  const result = await table.vacuum(request)
  if (isNot(quarantine, request.trackerId)) return result
  const more = await quarantine.vacuum(request)
  const paths = more.paths.map((path) => `../*${QUARANTINE_SUFFIX}/${path}`)
  return { ...result, deleted: sum(result.deleted, more.deleted), paths: [...result.paths, ...paths] }
}

/** There is none, or it is another tracker's. */
function isNot({ state }: OpenTable, trackerId: string): boolean {
  return state === null || state.trackerId !== trackerId
}

function sum(one: FileCounts, other: FileCounts): FileCounts {
  return { files: one.files + other.files, bytes: one.bytes + other.bytes }
}
