import { id, literalList, sql } from '../engine/sql.ts'
import { FileError, type IngestError, TableError } from '../errors/errors.ts'
import type { SortedFile } from '../formats/format.ts'
import type { StrategyRows } from '../model/batch.ts'
import { bundleOf } from '../model/bundle.ts'
import type { RowCounts } from '../model/file.ts'
import type { Staged } from '../stores/store.ts'
import type { LoadPlan } from '../strategies/strategy.ts'
import type { LoadContext } from './context.ts'
import { countsOf, type FileCounts, sumOf } from './file-counts.ts'
import type { Shape } from './shape.ts'

export interface CountedRows {
  readonly byFile: ReadonlyMap<string, RowCounts>
  /** Rows of the batch that the plan left out. */
  readonly dropped: bigint
}

interface Counted {
  readonly plan: LoadPlan
  /** Rows of each file that reached the plan, where they are kept; else all that it keeps did. */
  readonly taken: (() => Promise<FileCounts>) | undefined
  readonly staged: readonly Staged[]
  /** Rows that the readers of the files gave, by the engine's own count. */
  readonly scanned: bigint
  /** Rows of each file that the plan never saw. */
  readonly rejected: FileCounts
  /** Rows of each file that an expectation dropped. */
  readonly filtered: FileCounts
  /** Files whose rows were sorted out when they were read; those rows are among the rejected ones. */
  readonly sorted: ReadonlyMap<string, SortedFile>
  /** What the plan says of the rows, where it tells it. */
  readonly counts: StrategyRows | null
  readonly shape: Shape
  readonly context: LoadContext
}

/**
 * Rows of each file as read and as written, and the check that nothing got lost in between: what the files gave is
 * what the data files hold, but for rows that the plan left out on purpose.
 */
export async function rowsByFile(counted: Counted): Promise<CountedRows> {
  const { plan, shape, staged, taken: takenOf, rejected, filtered } = counted
  const files = [...new Set(shape.groups.flatMap(({ group }) => group.files.map(({ path }) => path)))]
  const written = staged.reduce((sum, one) => sum + one.rows, 0n)
  const kept = await keptRows(counted, files.length === 1 ? files[0] : undefined, written)
  if (sumOf(kept) !== written) throw unbalanced(`${sumOf(kept)} rows were planned, ${written} were written`)
  const read = (await takenOf?.()) ?? kept
  const taken = sumOf(read)
  const inFiles = await rowsInFiles(counted)
  if (inFiles === undefined) checkScanned(counted, taken + sumOf(rejected) + sumOf(filtered))
  checkCounts(counted, taken, written)
  checkBundled(counted, read)
  const byFile = new Map<string, RowCounts>()
  let dropped = 0n
  for (const path of files) {
    const one = rowsOf(read, path)
    const bad = rowsOf(rejected, path)
    const left = one - rowsOf(kept, path)
    if (left < 0n) throw unbalanced(`${path} gave ${one} rows, but more were written`)
    dropped += left
    const unwanted = rowsOf(filtered, path)
    const before = inFiles === undefined ? one + bad + unwanted : rowsOf(inFiles, path) + (counted.sorted.get(path)?.rejected ?? 0n)
    checkSorted(path, before, counted)
    const gone = plan.dropped === 'superseded' ? 0n : left
    byFile.set(path, {
      read: before,
      loaded: one - gone,
      rejected: bad,
      filtered: unwanted + lessBy(before, one + bad + unwanted),
      deduplicated: gone,
    })
  }
  return { byFile, dropped }
}

function rowsOf(rows: FileCounts, path: string): bigint {
  return rows.get(path) ?? 0n
}

function checkScanned({ scanned, sorted }: Counted, accounted: bigint): void {
  // Ill-formed rows are told by the readers, and not given.
  const told = scanned + [...sorted.values()].reduce((sum, { unread }) => sum + unread, 0n)
  if (accounted !== told) throw unbalanced(`the files gave ${told} rows, ${accounted} are accounted for`)
}

/** Of files whose rows are transformed: the engine then reads no more of them than it needs, so its own count tells nothing. */
function rowsInFiles({ shape, context }: Counted): Promise<FileCounts | undefined> {
  const groups = shape.groups.map(({ group }) => group)
  return context.format.rowsRead?.(groups, context.formatContext) ?? Promise.resolve(undefined)
}

/** How many are gone; none where there are more than before. */
function lessBy(before: bigint, after: bigint): bigint {
  return before > after ? before - after : 0n
}

/** What was sorted out and what was read then are the same rows, or the file fails. */
function checkSorted(path: string, read: bigint, { sorted, context }: Counted): void {
  const rows = sorted.get(path)?.rows
  if (context.format.rowsRead !== undefined || rows === undefined || rows === read) return
  // Quotes and line ends in disorder: where the engine passes over an ill-formed row, it may take the next ones otherwise.
  const message = `${path}: its rows cannot be told apart: they were ${rows} when they were sorted out, and ${read} when they were read`
  throw new FileError('ING-FILE-FORMAT', path, message, { hint: 'mend the file: look at its quotes and line ends' })
}

/** Files that were read together have the rows that were counted in each before. */
function checkBundled({ shape, rejected, filtered }: Counted, read: FileCounts): void {
  for (const part of shape.groups.flatMap(({ group }) => bundleOf(group)?.parts ?? [])) {
    for (const [index, path] of part.files.entries()) {
      const counted = BigInt(part.rows[index] ?? 0)
      const found = rowsOf(read, path) + rowsOf(rejected, path) + rowsOf(filtered, path)
      if (found !== counted) throw unbalanced(`${path} has ${counted} rows, and gave ${found}`)
    }
  }
}

function checkCounts({ counts, plan }: Counted, taken: bigint, written: bigint): void {
  if (counts === null) return
  const fresh = counts.inserted + counts.updated
  if (plan.addsOwnRows === true && fresh !== written) throw unbalanced(`the plan tells of ${fresh} new rows, ${written} were written`)
  const told = counts.inserted + counts.updated + counts.deleted + counts.unchanged + counts.superseded
  if (told !== taken) throw unbalanced(`the plan tells of ${told} rows, and was given ${taken}`)
}

/** Rows of each file that the plan keeps; from the data files where they name their source, which is cheapest. */
async function keptRows({ plan, staged, shape, context }: Counted, only: string | undefined, written: bigint): Promise<FileCounts> {
  // Where rows of the table are written again, they come from no file of the batch.
  if (plan.remove.kind === 'positions' && plan.addsOwnRows !== true)
    return countsOf(sql`select __path as path, count(*) as rows from (${plan.add}) group by 1`, context.session)
  if (only !== undefined) return new Map([[only, written]])
  const paths = staged.flatMap((one) => one.localPaths)
  if (shape.auditColumns.includes('_source_file') && paths.length > 0) {
    return countsOf(
      sql`select ${id('_source_file')} as path, count(*) as rows from read_parquet(${literalList(paths)}, hive_partitioning = false) group by 1`,
      context.session,
    )
  }
  return countsOf(sql`select __path as path, count(*) as rows from (${plan.add}) group by 1`, context.session)
}

export function isUnbalanced({ code }: IngestError): boolean {
  return code === UNBALANCED
}

const UNBALANCED = 'ING-TABLE-BALANCE'

function unbalanced(message: string): TableError {
  return new TableError(UNBALANCED, `the rows do not balance: ${message}; nothing was committed`)
}
