import { integerOf, textOf } from '../delta/decode.ts'
import type { DeletionVector } from '../delta/deletion-vectors/descriptor.ts'
import { looseStats } from '../delta/deletion-vectors/loose-stats.ts'
import { deletedRows } from '../delta/deletion-vectors/read.ts'
import { packedVectors } from '../delta/deletion-vectors/write.ts'
import { changeFeedIsOn, deletionVectorsAreOn } from '../delta/features.ts'
import { jsonText } from '../delta/json.ts'
import { addHead, lineOf } from '../delta/removal.ts'
import type { Snapshot } from '../delta/snapshot.ts'
import type { TableLog } from '../delta/table-log.ts'
import { type Sql, sql } from '../engine/sql.ts'
import { BugError } from '../errors/errors.ts'
import { failpoint } from '../lib/failpoint.ts'
import { type ChangeCounts, stageChanges } from './positions-changes.ts'
import { stageKept } from './positions-kept.ts'
import { type TakenCounts, type TakenFiles, takenFiles } from './positions-taken.ts'
import type { RemovalTarget } from './positions-target.ts'
import { discardFiles, StagedFiles, stageFolder } from './staging.ts'
import type { RemovalRequest, StagedRemoval } from './store.ts'

/** What a commit says of rows that go: files that were touched, and what takes their place. */
export class StagedPositions implements StagedRemoval {
  readonly staged: readonly StagedFiles[]
  readonly removedRows: bigint
  readonly rewrittenRows: bigint
  /** Relation (path as logged, whole) of the files that lose rows. */
  readonly touched: Sql
  /** `add` actions of files that stay with a deletion vector. */
  readonly lines: readonly string[]
  readonly changes: ChangeCounts | null
  readonly files: TakenCounts
  readonly #taken: TakenFiles

  constructor(
    taken: TakenFiles,
    parts: {
      readonly staged: readonly StagedFiles[]
      readonly rewrittenRows: bigint
      readonly lines: readonly string[]
      readonly changes: ChangeCounts | null
    },
  ) {
    this.staged = parts.staged
    this.removedRows = taken.rows
    this.rewrittenRows = parts.rewrittenRows
    this.touched = taken.files
    this.lines = parts.lines
    this.changes = parts.changes
    this.files = taken.counts
    this.#taken = taken
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#taken[Symbol.asyncDispose]()
  }
}

/** The removal behind what `stageRemoval` gave. */
export function ownRemoval(removal: StagedRemoval): StagedPositions {
  if (removal instanceof StagedPositions) return removal
  throw new BugError('a removal of another store was to be committed')
}

/**
 * Takes single rows out of data files, unseen until the commit. Only files that lose rows are touched: one that loses
 * all goes, another is written again without them, or, where the table keeps deletion vectors, gets one. Leaves nothing
 * behind when it fails.
 */
export async function stageRemoval(request: RemovalRequest, target: RemovalTarget): Promise<StagedPositions> {
  const { log, keeps, properties } = target
  const snapshot = existing(log)
  const taken = await takenFiles(request.positions, snapshot, log)
  const staged: StagedFiles[] = []
  try {
    const marks = keeps === 'all versions' && deletionVectorsAreOn(properties)
    const marked = marks ? await stageVectors(request, taken, target) : undefined
    if (marked?.files !== undefined) staged.push(marked.files)
    const kept = marks ? [] : await stageKept(request, taken, { ...target, snapshot })
    staged.push(...kept)
    failpoint('after-removal')
    const feed = changeFeedIsOn(properties) ? await stageChanges(request, taken, { ...target, snapshot }) : undefined
    if (feed?.files !== undefined) staged.push(feed.files)
    failpoint('after-changes')
    return new StagedPositions(taken, {
      staged,
      rewrittenRows: kept.reduce((sum, one) => sum + one.rows, 0n),
      lines: marked?.lines ?? [],
      changes: feed?.counts ?? null,
    })
  } catch (error) {
    for (const one of staged) await discardFiles(one, log.blobs).catch(() => undefined) // The first error tells more; clean removes the rest.
    await taken[Symbol.asyncDispose]()
    throw error
  }
}

/** Files that lose some rows get a deletion vector, which holds also what an earlier one did. */
async function stageVectors(
  { batchId }: RemovalRequest,
  taken: TakenFiles,
  { log, deps }: RemovalTarget,
): Promise<{ readonly files: StagedFiles | undefined; readonly lines: readonly string[] }> {
  const { session, blobs } = log
  const part = sql`(select n, path, dv, "add" from ${taken.files} where not whole)`
  const before = await deletedRows(part, log)
  const fresh = sql`select n, "row" from ${taken.rowsOf} semi join ${part} using (n)`
  const carried = before === null ? sql`` : sql`union all select f.n, old."row" from ${before} as old join ${part} as f using (path)`
  const packed = await packedVectors(sql`(${fresh} ${carried})`, deps.newId(), session)
  if (packed.vectors.size === 0) return { files: undefined, lines: [] }
  const folder = stageFolder(batchId, deps.newId())
  const from = `${folder}/${packed.path}`
  await blobs.put(from, packed.content)
  const file = {
    path: packed.path,
    from,
    rows: 0n,
    bytes: BigInt(packed.content.length),
    partitionValues: {},
    emptied: false,
    stats: '',
    tags: undefined,
  }
  return { files: new StagedFiles(folder, [file], blobs, 'vectors'), lines: await markedLines(part, packed.vectors, taken, log) }
}

/** The `add` of each file again, with its new vector; bounds of its statistics may be too wide from now on. */
async function markedLines(
  part: Sql,
  vectors: ReadonlyMap<bigint, DeletionVector>,
  taken: TakenFiles,
  { session }: TableLog,
): Promise<readonly string[]> {
  const rows = await session.rows(
    sql`select n, ${addHead()} as head, "add".stats as stats, stored from ${part} join (select n, stored from ${taken.files}) using (n) order by path`,
  )
  return rows.map((row) => {
    const vector = vectors.get(integerOf(row['n']) ?? -1n)
    if (vector === undefined) throw new BugError('a file was to get a deletion vector that was not written')
    const stats = looseStats(textOf(row['stats']), integerOf(row['stored']) ?? 0n)
    return `${lineOf(row['head'])},"stats":${JSON.stringify(stats)},"deletionVector":${jsonText(vectorJson(vector))}}}`
  })
}

function vectorJson({ storageType, pathOrInlineDv, offset, sizeInBytes, cardinality }: DeletionVector) {
  return { storageType, pathOrInlineDv, offset: offset ?? undefined, sizeInBytes, cardinality }
}

function existing(log: TableLog): Snapshot {
  if (log.snapshot === undefined) throw new BugError(`rows of ${log.name} were to be removed before it exists`)
  return log.snapshot
}
