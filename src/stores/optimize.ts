import { partitionKey } from '../delta/partition.ts'
import { sql } from '../engine/sql.ts'
import { ConflictError } from '../errors/errors.ts'
import { NO_FILE_COUNTS, type OptimizeRequest, type OptimizeResult } from '../model/maintenance.ts'
import { partitionColumnsOf } from './current.ts'
import { type OptimizePlan, planRuns, type Run } from './optimize-plan.ts'
import { type Rewritten, rewriteRuns } from './rewrite.ts'
import type { RewriteTarget } from './rewrite-target.ts'
import { checkTracker } from './table-content.ts'
import { zOrderColumns } from './zorder.ts'

/** `committed` is told of each commit, so that checkpoints are written as after loads. */
export interface OptimizeTarget extends RewriteTarget {
  readonly committed: (version: bigint) => Promise<void>
}

/**
 * A commit brings runs of up to so much: a large table is done in pieces, each of which stays when a later one fails or
 * conflicts, and no commit or staged piece grows with the table. One run is never cut: a z-order of a partition is one.
 */
const COMMIT_FILES = 10_000
const COMMIT_BYTES = 8n * 1024n ** 3n
/** Of automatic work, which a load waits for: one commit of a bounded piece, in partitions where it pays. */
const AUTO_BYTES = 2n * 1024n ** 3n
const AUTO_LEAST_FILES = 50
/** Plans made anew, after another writer took away files that were being put together. */
const PLANS = 5

/** Puts small files together, or rows in z-order. Rows stay the same: readers, loads and foreign writers go on beside it. */
export async function optimizeTable(target: OptimizeTarget, request: OptimizeRequest): Promise<OptimizeResult> {
  const { log, table } = target
  if (log.state === undefined) return { ...NOTHING, reason: 'the table has no version yet' }
  checkTracker(table, log.state, request.trackerId)
  let result = NOTHING
  for (let plan = 0; plan < PLANS; plan += 1) {
    const { done, conflict } = await optimizeOnce(target, request)
    result = sumOf(result, done)
    if (conflict === undefined) return result
  }
  throw new ConflictError(
    'ING-TABLE-CONFLICT',
    `${log.name}: other writers changed the files that were put together ${PLANS} times in a row`,
    {
      hint: 'what was put together stays so; run it again later',
    },
  )
}

const NOTHING: OptimizeResult = { version: null, removed: NO_FILE_COUNTS, added: NO_FILE_COUNTS, rows: 0n, purged: 0, reason: null }

interface Pass {
  readonly done: OptimizeResult
  /** Why the rest has to be planned again. */
  readonly conflict: string | undefined
}

async function optimizeOnce(target: OptimizeTarget, request: OptimizeRequest): Promise<Pass> {
  const { log, table } = target
  const { snapshot, session } = log
  if (snapshot === undefined) return { done: NOTHING, conflict: undefined }
  const { state } = snapshot
  const zOrder = zOrderColumns(log.name, request.zOrder, state)
  const bytes = request.targetFileSize ?? table.delta.targetFileSize
  const plan = await planRuns(
    await snapshot.files(),
    {
      target: bytes,
      partitionKeys: partitionColumnsOf(state).map(partitionKey),
      zOrder: zOrder.length === 0 ? null : zOrder.join(','),
      leastFiles: request.auto ? AUTO_LEAST_FILES : 1,
    },
    session,
  )
  try {
    if (request.dryRun) return { done: foreseen(plan.runs, bytes), conflict: undefined }
    return await rewriteAll(target, plan, { zOrder, targetFileSize: bytes, auto: request.auto })
  } finally {
    await session.run(sql`drop table if exists ${plan.inputs}`)
  }
}

async function rewriteAll(
  target: OptimizeTarget,
  plan: OptimizePlan,
  how: { readonly zOrder: readonly string[]; readonly targetFileSize: bigint; readonly auto: boolean },
): Promise<Pass> {
  let done = NOTHING
  const groups = groupsOf(plan.runs, how.auto ? AUTO_BYTES : COMMIT_BYTES)
  for (const runs of how.auto ? groups.slice(0, 1) : groups) {
    const result = await rewriteRuns(target, { ...how, inputs: plan.inputs, runs })
    if (result.kind === 'conflict') return { done, conflict: result.reason }
    done = sumOf(done, resultOf(result))
    await target.committed(result.version)
  }
  return { done, conflict: undefined }
}

/** Runs in the order of the plan, cut into commits. */
function groupsOf(runs: readonly Run[], mostBytes: bigint): readonly (readonly Run[])[] {
  const groups: Run[][] = []
  let files = 0
  let bytes = 0n
  for (const run of runs) {
    const last = groups.at(-1)
    if (last !== undefined && files + run.inputs.files <= COMMIT_FILES && bytes + run.inputs.bytes <= mostBytes) last.push(run)
    else {
      groups.push([run])
      files = 0
      bytes = 0n
    }
    files += run.inputs.files
    bytes += run.inputs.bytes
  }
  return groups
}

function foreseen(runs: readonly Run[], target: bigint): OptimizeResult {
  const removed = { files: sum(runs, (run) => run.inputs.files), bytes: total(runs, (run) => run.inputs.bytes) }
  const files = sum(runs, ({ inputs }) => Math.max(1, Math.ceil(Number(inputs.bytes) / Number(target))))
  return { ...NOTHING, removed, added: { files, bytes: removed.bytes }, purged: sum(runs, (run) => run.deletionVectors) }
}

function resultOf({ version, runs, files, rows }: Rewritten): OptimizeResult {
  return {
    version,
    removed: { files: sum(runs, (run) => run.inputs.files), bytes: total(runs, (run) => run.inputs.bytes) },
    added: { files: files.length, bytes: total(files, (file) => file.bytes) },
    rows,
    purged: sum(runs, (run) => run.deletionVectors),
    reason: null,
  }
}

function sumOf(a: OptimizeResult, b: OptimizeResult): OptimizeResult {
  const counts = (name: 'removed' | 'added') => ({ files: a[name].files + b[name].files, bytes: a[name].bytes + b[name].bytes })
  return {
    version: b.version ?? a.version,
    removed: counts('removed'),
    added: counts('added'),
    rows: a.rows + b.rows,
    purged: a.purged + b.purged,
    reason: b.reason ?? a.reason,
  }
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((all, item) => all + value(item), 0)
}

function total<T>(items: readonly T[], value: (item: T) => bigint): bigint {
  return items.reduce((all, item) => all + value(item), 0n)
}
