import { reportOf } from '../errors/errors.ts'
import { type Batch, type BatchOutcome, type FileOutcome, NO_STRATEGY_ROWS, type StrategyRows } from '../model/batch.ts'
import { NO_ROWS } from '../model/file.ts'
import type { Manifest } from '../model/manifest.ts'
import type { LoadContext } from './context.ts'
import type { PlanCounts } from './plan.ts'
import type { LoadJob, LoadResult } from './protocol.ts'
import type { StagedPlan } from './stage.ts'
import type { Leaving } from './units.ts'

/** What became of each file; `version` is null when nothing was committed. Without a plan the files count as loadable. */
export function outcomeOf(batch: Batch, plan: StagedPlan | undefined, leaving: Leaving, version: bigint | null): BatchOutcome {
  const left: FileOutcome[] = [
    ...leaving.failed.map((error) => ({ kind: 'failed' as const, path: error.file, error: reportOf(error) })),
    ...leaving.released.map(({ path, reason, held }) => ({ kind: held ? ('held' as const) : ('released' as const), path, reason })),
  ]
  const stay = batch.files.filter((file) => !leaving.paths.has(file.path))
  const completed = stay.map((file) => ({ kind: 'completed' as const, path: file.path, rows: plan?.rows.get(file.path) ?? NO_ROWS }))
  const loaded = completed.reduce((sum, { rows }) => sum + rows.loaded, 0n)
  const superseded = plan?.superseded ?? 0n
  return {
    batchId: batch.id,
    number: batch.number,
    version,
    files: [...completed, ...left],
    rows: plan?.counts ? strategyRows(plan.counts) : { ...NO_STRATEGY_ROWS, inserted: loaded - superseded, superseded },
    bytes: stay.reduce((sum, file) => sum + file.size, 0n),
    warnings: plan?.warnings ?? [],
    expectations: plan?.expectations ?? [],
  }
}

/** Rows of the table that no row of the batch asked to delete are deleted all the same. */
function strategyRows({ missing, ...rows }: PlanCounts): StrategyRows {
  return { ...rows, deleted: rows.deleted + missing }
}

/** The batch came to nothing through no fault of its files: they go back to pending and are planned again. */
export function givenUp(batch: Batch, reason: string): LoadResult {
  const files = batch.files.map((file) => ({ kind: 'released' as const, path: file.path, reason }))
  return {
    outcome: { batchId: batch.id, number: batch.number, version: null, files, rows: NO_STRATEGY_ROWS, bytes: 0n, warnings: [] },
    overtaken: true,
  }
}

export function manifestOf(job: LoadJob, plan: StagedPlan, reader: unknown, context: LoadContext): Manifest {
  const files = job.batch.files.filter((file) => plan.rows.has(file.path))
  return {
    format: plan.takenOut.length === 0 ? 1 : 2,
    appId: context.appId,
    batch: job.batch.number,
    batchId: job.batch.id,
    previous: job.lastBatch,
    table: job.table.name,
    createdAt: context.loadedAt,
    files: files.map((file) => ({ ...pick(file), rows: plan.rows.get(file.path) ?? NO_ROWS })),
    reader,
    sideFiles: plan.sideFiles,
    ...(job.replaceAll ? { replacesAll: true } : {}),
    ...(plan.expectations.length === 0 ? {} : { expectations: plan.expectations }),
    ...(plan.takenOut.length === 0 ? {} : { takenOut: plan.takenOut }),
  }
}

function pick({ path, rawPath, version, size, modifiedNs, unit }: Batch['files'][number]) {
  return { path, rawPath, version, size, modifiedNs, unit }
}
