import type { Batch, FileOutcome } from '../model/batch.ts'
import type { BatchFigures } from '../model/batch-figures.ts'
import { reportOfCount } from '../model/expectation.ts'
import { NO_ROWS, type RowCounts } from '../model/file.ts'
import type { LoadResult } from './protocol.ts'

/** What a batch did, in numbers. `committedMs` is when its load ended, by the clock; `settleMs` how long the tracker took. */
export function batchFigures(
  batch: Batch,
  { outcome, overtaken, stages }: LoadResult,
  { committedMs, settleMs }: { readonly committedMs: number; readonly settleMs: number },
): BatchFigures {
  const completed = outcome.files.filter((file) => file.kind === 'completed')
  const rows = completed.reduce((sum, file) => added(sum, file.rows), NO_ROWS)
  const loaded = new Set(completed.map(({ path }) => path))
  const count = (kind: FileOutcome['kind']) => outcome.files.filter((file) => file.kind === kind).length
  return {
    files: {
      completed: completed.length,
      failed: count('failed'),
      skipped: count('skipped'),
      held: count('held'),
      released: count('released'),
    },
    rows: {
      read: Number(rows.read),
      loaded: Number(rows.loaded),
      rejected: Number(rows.rejected),
      filtered: Number(rows.filtered),
      deduplicated: Number(rows.deduplicated),
    },
    bytes: Number(outcome.bytes),
    givenUp: overtaken,
    stages: { ...stages, settle: settleMs },
    // A file from the future was not waiting.
    lagsMs: batch.files
      .filter(({ path }) => loaded.has(path))
      .map(({ modifiedNs }) => Math.max(0, committedMs - Number(modifiedNs / 1_000_000n))),
    expectations: (outcome.expectations ?? []).map(reportOfCount),
  }
}

function added(a: RowCounts, b: RowCounts): RowCounts {
  return {
    read: a.read + b.read,
    loaded: a.loaded + b.loaded,
    rejected: a.rejected + b.rejected,
    filtered: a.filtered + b.filtered,
    deduplicated: a.deduplicated + b.deduplicated,
  }
}
