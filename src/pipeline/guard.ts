import { sql } from '../engine/sql.ts'
import type { RowCounts } from '../model/file.ts'
import type { OpenTable } from '../stores/store.ts'
import type { LoadContext } from './context.ts'
import { committedManifest } from './inspect-log.ts'
import type { PlanCounts } from './plan.ts'
import type { LoadJob } from './protocol.ts'
import type { Released } from './source.ts'

/** Files that wait for somebody to approve them. */
export class HeldFiles extends Error {
  readonly files: readonly Released[]

  constructor(files: readonly Released[]) {
    super('files are held by the guard')
    this.files = files
  }
}

interface Guarded {
  readonly job: LoadJob
  readonly target: OpenTable
  readonly context: LoadContext
  /** Rows of every file that loads. */
  readonly rows: ReadonlyMap<string, RowCounts>
  readonly counts: PlanCounts | null
}

/**
 * Throws HeldFiles for files beyond `guard`, and for an empty snapshot that would delete whatever is there. A file that was
 * approved loads in any case. What the batch as a whole deletes is told of all its files.
 */
export async function checkGuard(guarded: Guarded): Promise<void> {
  const { job, rows } = guarded
  const { guard, keyed } = job.table
  const open = job.batch.files.filter((file) => rows.has(file.path) && file.approved !== true)
  if (open.length === 0) return
  const { minRows, maxRowChangeRatio, maxDeleteRatio } = guard
  const before = maxRowChangeRatio === null ? undefined : await rowsBefore(guarded)
  const whole = maxDeleteRatio === null && !keyed.missingMeansDeleted ? undefined : await deletion(guarded)
  const held = open.flatMap(({ path }): Released[] => {
    const count = rows.get(path)?.read ?? 0n
    if (minRows !== null && count < BigInt(minRows)) return [hold(path, `it has ${rowsText(count)}, and guard.min_rows is ${minRows}`)]
    if (before !== undefined && maxRowChangeRatio !== null && change(count, before) > maxRowChangeRatio)
      return [
        hold(path, `it has ${rowsText(count)} where the file before had ${before}, and guard.max_row_change_ratio is ${maxRowChangeRatio}`),
      ]
    return whole === undefined ? [] : [hold(path, whole)]
  })
  if (held.length > 0) throw new HeldFiles(held)
}

function hold(path: string, reason: string): Released {
  return { path, reason, held: true }
}

function change(rows: bigint, before: bigint): number {
  return Math.abs(Number(rows - before)) / Number(before)
}

/** Why the batch deletes too much; undefined when it does not. */
async function deletion({ job, target, context, rows, counts }: Guarded): Promise<string | undefined> {
  const { table } = job
  if (target.state === null || job.replaceAll) return undefined
  const live = await liveRows(target, context, job)
  if (live === 0n) return undefined
  const read = [...rows.values()].reduce((sum, one) => sum + one.read, 0n)
  const deleted =
    counts === null
      ? table.strategy === 'overwrite' && table.overwriteScope === 'table'
        ? live - read
        : 0n
      : counts.deleted + counts.missing
  if (table.keyed.missingMeansDeleted && read === 0n) return `it is empty, and would delete all of ${rowsText(live)}`
  const limit = table.guard.maxDeleteRatio
  if (limit === null || Number(deleted) / Number(live) <= limit) return undefined
  return `it would delete ${deleted} of ${rowsText(live)}, and guard.max_delete_ratio is ${limit}`
}

/** Rows that are there now; of a history, those that are current. */
async function liveRows(target: OpenTable, { session, strategy }: LoadContext, { table }: LoadJob): Promise<bigint> {
  const live = strategy.keyed?.live?.(table)
  const where = live === undefined ? sql`` : sql` where ${live}`
  const [row] = await session.rows(sql`select count(*) as rows from (${await target.current()})${where}`)
  return typeof row?.['rows'] === 'bigint' ? row['rows'] : 0n
}

/** Rows of the newest file of the batch before; undefined where there was none with rows. */
async function rowsBefore({ job, target }: Guarded): Promise<bigint | undefined> {
  for (let batch = job.lastBatch; batch !== null; ) {
    const manifest = await committedManifest(target, batch)
    const last = manifest.files.findLast((file) => file.rows.read > 0n)
    if (last !== undefined) return last.rows.read
    batch = manifest.previous
  }
  return undefined
}

function rowsText(rows: bigint): string {
  return rows === 1n ? '1 row' : `${rows} rows`
}
