import { engineFailure } from '../engine/failure.ts'
import { id, join, type Sql, sql } from '../engine/sql.ts'
import { FileError, UnavailableError } from '../errors/errors.ts'
import { failpoint } from '../lib/failpoint.ts'
import type { Warning } from '../model/batch.ts'
import { unbundled } from '../model/bundle.ts'
import { addCounts, type ExpectationCount } from '../model/expectation.ts'
import { NO_ROWS, type RowCounts } from '../model/file.ts'
import type { TakenOutFile } from '../model/manifest.ts'
import { mayReject } from '../model/reject.ts'
import type { RowDifference } from '../model/report.ts'
import type { OpenTable, Staged, StagedRemoval } from '../stores/store.ts'
import type { LoadPlan } from '../strategies/strategy.ts'
import { isUnbalanced, rowsByFile } from './balance.ts'
import type { LoadContext } from './context.ts'
import { checkDeletes } from './deletes.ts'
import { keyedDifference } from './difference.ts'
import { expectedRecords } from './expectations.ts'
import { checkGuard, HeldFiles } from './guard.ts'
import { withoutFiles } from './isolate.ts'
import { countedByFile, type KeptRecords, keepRecords } from './kept-records.ts'
import { lookAgain, placeRejects, siftDoubtful } from './look-again.ts'
import { hasKeys, type MadePlan, makePlan, type PlanCounts } from './plan.ts'
import type { LoadJob } from './protocol.ts'
import { recordsOf, type Stamp, stampedColumns } from './records.ts'
import { type RejectedRows, RejectTable } from './rejected-rows.ts'
import { type RowsOfFiles, replacedRows, replacing, takenOutOf } from './replace.ts'
import { addedOnce } from './row-removal.ts'
import type { Shape } from './shape.ts'
import { observed, sideFilesAfter } from './side-files.ts'
import { filesOf, type Sink } from './sink.ts'
import { compareVersions, type Released } from './source.ts'
import { emptyLeaving, leave } from './units.ts'
import { ForbiddenRows, rejectForbidden, writeAllowed } from './violators.ts'

/** Closing it drops the rejected rows. */
export interface StagedPlan extends AsyncDisposable {
  /** The shape by which the rows were read in the end. */
  readonly shape: Shape
  readonly staged: readonly Staged[]
  readonly remove: 'nothing' | 'everything' | 'partitions' | 'positions'
  readonly removal: StagedRemoval | null
  readonly blindAppend: boolean
  /** Earlier rows of the files that leave with the commit. */
  readonly takenOut: readonly TakenOutFile[]
  /** Of the files that are in the staged rows. */
  readonly rows: ReadonlyMap<string, RowCounts>
  readonly superseded: bigint
  /** What became of the rows, where the plan tells it. */
  readonly counts: PlanCounts | null
  /** What would change, in a dry run of a strategy for keys. */
  readonly difference: RowDifference | null
  /** In force with the batch. */
  readonly sideFiles: readonly string[]
  readonly warnings: readonly Warning[]
  /** What the rules of the table found, in files that failed for them too. */
  readonly expectations: readonly ExpectationCount[]
  /** Rows of the loaded files that are not loaded; null where there are none. */
  readonly rejects: RejectedRows | null
  readonly failed: readonly FileError[]
  readonly released: readonly Released[]
}

/** What the batch is staged with. */
export interface StageWork {
  readonly job: LoadJob
  readonly target: OpenTable
  readonly sink: Sink
  readonly context: LoadContext
}

/**
 * Plans the batch and writes its rows. A file that cannot be read, or that changes while it is read, is set aside
 * with its own reason, and the rest is written again: what comes out holds whole files of one content each.
 */
export async function stagePlan(shape: Shape, work: StageWork): Promise<StagedPlan> {
  const rejects = new RejectTable(work.context.session)
  try {
    const plan = await stageWhole(shape, { ...work, rejects })
    await placeRejects(plan.shape, { ...work, rejects })
    return { ...plan, rejects: await rejects.all(), [Symbol.asyncDispose]: () => rejects[Symbol.asyncDispose]() }
  } catch (error) {
    await rejects[Symbol.asyncDispose]()
    throw error
  }
}

type WholePlan = Omit<StagedPlan, 'rejects' | typeof Symbol.asyncDispose>

interface Staging extends StageWork {
  readonly rejects: RejectTable
  /** Whether rows that the table forbids are rejected. */
  readonly isConstrained?: boolean
}

async function stageWhole(shape: Shape, work: Staging): Promise<WholePlan> {
  const { job, sink, context, rejects } = work
  const failed: FileError[] = []
  const released: Released[] = []
  const broken: (readonly ExpectationCount[])[] = []
  let kept = shape
  let isConstrained = false
  for (;;) {
    await rejects.begin()
    const attempt = await tryStage(kept, { ...work, isConstrained })
    const bad = attempt.failed ?? compareVersions(filesOf(kept), context.landing)
    const leaving = leave(emptyLeaving(), bad, job)
    if (attempt.plan && leaving.paths.size === 0) {
      const expectations = addCounts(...broken, attempt.plan.expectations)
      return { ...attempt.plan, expectations, shape: kept, failed, released }
    }
    if (attempt.plan) await sink.discard(attempt.plan.staged)
    failed.push(...leaving.failed)
    released.push(...leaving.released)
    broken.push(attempt.failed?.counts ?? [])
    await rejects.leave(leaving.paths)
    isConstrained ||= attempt.failed?.isConstrained ?? false
    const read = attempt.failed?.shape ?? kept
    kept = { ...read, groups: withoutFiles(read.groups, leaving.paths) }
  }
}

type MadeStage = Omit<WholePlan, 'shape' | 'failed' | 'released'>

type Attempt = { readonly plan: MadeStage; readonly failed?: undefined } | { readonly plan?: undefined; readonly failed: FailedAttempt }

interface FailedAttempt {
  readonly failed: readonly FileError[]
  readonly released: readonly Released[]
  readonly counts?: readonly ExpectationCount[]
  /** How the files are read from then on; as before where it is left out. */
  readonly shape?: Shape
  /** Whether rows that the table forbids are rejected from then on. */
  readonly isConstrained?: boolean
}

async function tryStage(shape: Shape, work: Staging): Promise<Attempt> {
  const { context } = work
  const sifted = await siftDoubtful(shape, work)
  if (sifted !== undefined) return { failed: { ...sifted, released: [] } }
  try {
    return { plan: await stageOnce(shape, work) }
  } catch (error) {
    // A file that was swapped meanwhile is not judged by what was read of it.
    const moved = compareVersions(filesOf(shape), context.landing)
    if (moved.failed.length + moved.released.length > 0) return { failed: moved }
    return { failed: await afterFailure(shape, error, work) }
  }
}

/** What leaves, or is read in another way, after rows could not be staged. */
async function afterFailure(shape: Shape, error: unknown, work: Staging): Promise<FailedAttempt> {
  if (error instanceof ForbiddenRows) return forbidden(error, work)
  if (error instanceof HeldFiles) return { failed: [], released: error.files }
  const foreign = engineFailure(error)
  // A bundle does not tell whose fault it is.
  if (isBundled(shape) && (foreign === undefined || foreign instanceof FileError || isUnbalanced(foreign)))
    return { failed: [], released: [], shape: readOneByOne(shape) }
  if (error instanceof FileError) return { failed: [error], released: [] }
  const again = await lookAgain(shape, error, work)
  if (again !== undefined) return { ...again, released: [] }
  const reason = error instanceof Error ? error.message : String(error)
  throw foreign ?? new UnavailableError('ING-ENGINE', `${work.job.table.name}: ${reason}`, { cause: error })
}

const isBundled = ({ groups }: Shape) => groups.some(({ group }) => group.bundle !== undefined)

function readOneByOne(shape: Shape): Shape {
  return isBundled(shape) ? { ...shape, groups: shape.groups.map((one) => ({ ...one, group: unbundled(one.group) })) } : shape
}

/** The files that have rows; small ones are read together where rows are read once, and in any order. */
function toRead(shape: Shape, { job, context, replaced, isConstrained }: Staging & Replaced): Shape {
  const { metadataColumns, expectations } = job.table
  const isKept = context.strategy.reads(job.table) === 'many' || replaced !== undefined || isConstrained === true || expectations.length > 0
  const read = isKept || metadataColumns.includes('_file_row_number') ? readOneByOne(shape) : shape
  return { ...read, groups: read.groups.filter(({ group }) => !group.empty) }
}

/** Where rows may be rejected, those that the table forbids are, and their file loads without them. */
function forbidden({ files, counts }: ForbiddenRows, { job, isConstrained }: Staging): FailedAttempt {
  const isRule = files.every(({ code }) => code === 'ING-TABLE-CONSTRAINT')
  if (isRule && isConstrained !== true && mayReject(job.table)) return { failed: [], released: [], isConstrained: true }
  return { failed: files, released: [], counts }
}

async function stageOnce(shape: Shape, work: Staging): Promise<MadeStage> {
  const { job, target, context, rejects } = work
  const { strategy } = context
  await using replaced = await replacedRows(filesOf(shape), work)
  const full = toRead(shape, { ...work, replaced })
  const stamp = { loadedAt: context.loadedAt, batchId: job.batch.id }
  const query = recordsOf(full, stamp, context.format, context.formatContext)
  await checkDeletes(query, full, { table: job.table, session: context.session })
  await using kept = await keptOf({ shape, full, stamp }, { ...work, replaced })
  await using expected = await expectedRecords(kept, shape, work)
  const records = expected?.records ?? kept?.name ?? sql`(${query})`
  const sideFiles = strategy.keyed === undefined || job.replaceAll ? [] : await sideFilesAfter(job.lastBatch, target)
  await using made = await makePlan(records, kept, full, { job, target, context, sideFiles, rejects, replaced })
  failpoint('after-plan')
  const planned = replacing(made.plan, replaced)
  const remove = job.replaceAll ? 'everything' : planned.remove.kind
  await using added = remove === 'positions' && replaced === undefined ? await addedOnce(planned, context.session) : undefined
  const plan = added === undefined ? planned : { ...planned, add: added.rows }
  const written = await writeBalanced({ ...made, plan }, { records, kept, filtered: expected?.filtered, shape, full }, work)
  const removal =
    plan.remove.kind === 'positions' && remove === 'positions'
      ? await removeRows(plan, { ...work, staged: written.staged, positions: plan.remove.positions }, full)
      : null
  return {
    staged: [...written.staged, ...(removal?.staged ?? [])],
    remove,
    removal,
    blindAppend: plan.blindAppend && !job.replaceAll,
    takenOut: takenOutOf(replaced),
    rows: written.rows,
    superseded: plan.dropped === 'superseded' ? written.dropped : 0n,
    counts: made.counts,
    difference: work.sink.isDry ? await keyedDifference(plan, full, { job, context }) : null,
    sideFiles: await observed(plan, full.columns, { job, sink: work.sink, traits: strategy.keyed, sideFiles }),
    warnings: [...warningsOf(written.staged, job), ...made.warnings, ...(expected?.warnings ?? [])],
    expectations: expected?.counts ?? [],
  }
}

interface Stamped {
  readonly shape: Shape
  /** The shape without files that have no rows. */
  readonly full: Shape
  readonly stamp: Stamp
}

interface Replaced {
  readonly replaced: RowsOfFiles | undefined
}

/** The rows in tables, where they are read more than once, or some of them may be rejected. */
async function keptOf({ shape, full, stamp }: Stamped, work: Staging & Replaced): Promise<KeptRecords | undefined> {
  const { job, target, context, rejects, isConstrained = false } = work
  const { strategy, session } = context
  const keyed = strategy.keyed !== undefined && hasKeys(shape, job.table) ? job.table : undefined
  const isJudged = keyed !== undefined || isConstrained || job.table.expectations.length > 0
  if (!isJudged && work.replaced === undefined && strategy.reads(job.table) !== 'many') return undefined
  const judged = isJudged ? rejects : undefined
  const isAligned = context.format.rejecting?.isAligned() ?? true
  const kept = await keepRecords(recordsOf(full, null, context.format, context.formatContext), filesOf(shape), {
    columns: stampedColumns(full, stamp),
    session,
    keyed,
    rejects: judged,
    places: context.resubmitted?.rows,
    isAligned,
  })
  if (isConstrained) await rejectForbidden(kept, shape, target)
  return kept
}

interface Records {
  readonly records: Sql
  readonly kept: KeptRecords | undefined
  readonly filtered: ReadonlyMap<string, bigint> | undefined
  readonly shape: Shape
  /** The shape without files that have no rows. */
  readonly full: Shape
}

/** Writes the rows that a plan adds, and checks them against what was read and against the guard; if it fails they go. */
async function writeBalanced(made: MadePlan, { records, kept, filtered, shape, full }: Records, work: Staging) {
  const { job, target, context, sink } = work
  const { plan, rejected, counts } = made
  const { result: staged, scanned } = await writeChecked(plan, full, work)
  try {
    const counted = {
      plan,
      taken: kept === undefined ? undefined : () => (records === kept.name ? kept.byFile() : countedByFile(records, context.session)),
      staged,
      shape: full,
      scanned: kept?.scanned ?? scanned,
      sorted: work.rejects.sorted,
      rejected,
      filtered: filtered ?? new Map<string, bigint>(),
      counts,
      context,
    }
    const { byFile, dropped } = await rowsByFile(counted)
    const empty = shape.groups
      .filter(({ group }) => group.empty)
      .flatMap(({ group }) => group.files.map((file) => [file.path, NO_ROWS] as const))
    const rows = new Map([...byFile, ...empty])
    await checkGuard({ job, target, context, rows, counts })
    return { staged, rows, dropped }
  } catch (error) {
    await sink.discard(staged)
    throw error
  }
}

function warningsOf(staged: readonly Staged[], { table }: LoadJob): readonly Warning[] {
  if (!staged.some((one) => one.emptyPartitions)) return []
  const names = table.partitionColumns.join(', ')
  return [
    {
      code: 'ING-TABLE-PARTITION-NULL',
      message: `${table.name}: empty texts in a partition column (${names}) became null: a partition value cannot be empty`,
    },
  ]
}

/** Takes out the rows that the plan names; what was written for the batch goes if that fails. */
async function removeRows(
  { add, changes }: LoadPlan,
  { sink, job, staged, positions }: StageWork & { readonly staged: readonly Staged[]; readonly positions: Sql },
  shape: Shape,
): Promise<StagedRemoval | null> {
  const columns = join(shape.columns.map((column) => id(column.name)))
  const addedRows = staged.reduce((sum, one) => sum + one.rows, 0n)
  try {
    return await sink.remove(
      { positions, added: sql`select ${columns} from (${add})`, addedRows, changes: changes ?? null },
      shape,
      job.batch.id,
    )
  } catch (error) {
    await sink.discard(staged)
    throw error
  }
}

async function writeChecked(plan: LoadPlan, shape: Shape, work: StageWork) {
  const { job, target, sink, context } = work
  // Looking for rows that are forbidden is no reading that counts.
  const counted = () => context.session.counting(() => write(plan, shape, work))
  return writeAllowed(plan, shape, { target, table: job.table.name, isDry: sink.isDry, write: counted })
}

async function write(plan: LoadPlan, shape: Shape, { job, sink, context }: StageWork): Promise<readonly Staged[]> {
  const columns = join(shape.columns.map((column) => id(column.name)))
  if (plan.remove.kind !== 'partitions')
    return [await sink.write(sql`select ${columns} from (${plan.add})`, shape, job.batch.id, undefined)]
  const sequences = await context.session.rows(sql`select distinct __sequence as sequence from (${plan.add}) order by all`)
  const staged: Staged[] = []
  for (const { sequence } of sequences) {
    const part = sql`select ${columns} from (${plan.add}) where __sequence = ${String(sequence)}`
    staged.push(await sink.write(part, shape, job.batch.id, { 'ingestd.sequence': String(sequence) }))
  }
  return staged
}

/** Each once: the members of an archive may stand in several groups. */
