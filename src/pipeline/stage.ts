import { engineFailure } from '../engine/failure.ts'
import { id, inlined, join, literalList, raw, type Sql, sql } from '../engine/sql.ts'
import { type FileError, TableError, UnavailableError } from '../errors/errors.ts'
import { failpoint } from '../lib/failpoint.ts'
import type { Warning } from '../model/batch.ts'
import { type BatchFile, NO_ROWS, type RowCounts } from '../model/file.ts'
import type { OpenTable, Staged } from '../stores/store.ts'
import type { LoadPlan } from '../strategies/strategy.ts'
import { rowsByFile } from './balance.ts'
import type { LoadContext } from './context.ts'
import { findCulprits, without } from './isolate.ts'
import type { LoadJob } from './protocol.ts'
import { recordsOf, type Shape, type ShapedGroup } from './shape.ts'
import { compareVersions, type Released } from './source.ts'
import { emptyLeaving, leave } from './units.ts'

/** Where a plan's rows go: data files of the table, or, in a dry run, a count. */
export interface Sink {
  write(add: Sql, shape: Shape, batchId: string, tags: Readonly<Record<string, string>> | undefined): Promise<Staged>
  discard(staged: readonly Staged[]): Promise<void>
}

export interface StagedPlan {
  readonly staged: readonly Staged[]
  readonly remove: 'nothing' | 'everything' | 'partitions'
  readonly blindAppend: boolean
  /** Of the files that are in the staged rows. */
  readonly rows: ReadonlyMap<string, RowCounts>
  readonly superseded: bigint
  readonly warnings: readonly Warning[]
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

/** Data files go to the table's folder, unseen until the commit. */
export function tableSink(target: OpenTable): Sink {
  return {
    write: (add, shape, batchId, tags) => {
      const sourceBytes = filesOf(shape).reduce((sum, file) => sum + file.size, 0n)
      return target.stage({ add, columns: shape.columns, batchId, sourceBytes, ...(tags === undefined ? {} : { tags }) })
    },
    discard: (staged) => target.discard(staged),
  }
}

/** A dry run counts the rows and writes nothing. */
export function countingSink({ session }: LoadContext): Sink {
  return {
    write: async (add) => {
      // Every value is read, as a load would, so that a value that does not fit is found.
      const [counted] = await session.rows(sql`select count(*) as rows, bit_xor(hash(record)) as checked from (${add}) as record`)
      return { files: [], rows: typeof counted?.['rows'] === 'bigint' ? counted['rows'] : 0n, localPaths: [], emptyPartitions: false }
    },
    discard: async () => {},
  }
}

/**
 * Plans the batch and writes its rows. A file that cannot be read, or that changes while it is read, is set aside
 * with its own reason, and the rest is written again: what comes out holds whole files of one content each.
 */
export async function stagePlan(shape: Shape, work: StageWork): Promise<StagedPlan> {
  const { job, sink, context } = work
  const failed: FileError[] = []
  const released: Released[] = []
  let groups = shape.groups
  for (;;) {
    const kept = { ...shape, groups }
    const attempt = await tryStage(kept, work)
    const bad = attempt.failed ?? compareVersions(filesOf(kept), context.landing)
    const leaving = leave(emptyLeaving(), bad, job)
    if (attempt.plan && leaving.paths.size === 0) return { ...attempt.plan, failed, released }
    if (attempt.plan) await sink.discard(attempt.plan.staged)
    failed.push(...leaving.failed)
    released.push(...leaving.released)
    groups = remaining(groups, leaving.paths)
  }
}

type Attempt =
  | { readonly plan: Omit<StagedPlan, 'failed' | 'released'>; readonly failed?: undefined }
  | { readonly plan?: undefined; readonly failed: { readonly failed: readonly FileError[]; readonly released: readonly Released[] } }

async function tryStage(shape: Shape, work: StageWork): Promise<Attempt> {
  const { job, context } = work
  try {
    return { plan: await stageOnce(shape, work) }
  } catch (error) {
    const readable = shape.groups.filter(({ group }) => !group.empty)
    // A file that was swapped meanwhile is not judged by what was read of it.
    const moved = compareVersions(filesOf(shape), context.landing)
    if (moved.failed.length + moved.released.length > 0) return { failed: moved }
    const culprits = await findCulprits(readable, error, context.format, context.formatContext)
    if (culprits.length > 0) return { failed: { failed: culprits, released: [] } }
    throw (
      engineFailure(error) ??
      new UnavailableError('ING-ENGINE', `${job.table.name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    )
  }
}

async function stageOnce(shape: Shape, work: StageWork): Promise<Omit<StagedPlan, 'failed' | 'released'>> {
  const { job, context } = work
  const full = { ...shape, groups: shape.groups.filter(({ group }) => !group.empty) }
  const many = context.strategy.reads(job.table) === 'many'
  const query = recordsOf(full, { loadedAt: context.loadedAt, batchId: job.batch.id }, context.format, context.formatContext)
  await using kept = many ? await keepRecords(query, job.batch.files, context) : undefined
  const records = kept?.name ?? sql`(${query})`
  const plan = await planOf(records, shape, work)
  failpoint('after-plan')
  const remove = job.replaceAll ? 'everything' : removalOf(plan)
  const { result: staged, scanned } = await context.session.counting(() => write(plan, full, work))
  const rows = await rowsByFile({ plan, records, many, staged, shape: full, scanned: kept?.scanned ?? scanned, context })
  const superseded = plan.dropped === 'superseded' ? rows.dropped : 0n
  const empty = shape.groups
    .filter(({ group }) => group.empty)
    .flatMap(({ group }) => group.files.map((file) => [file.path, NO_ROWS] as const))
  return {
    staged,
    remove,
    blindAppend: plan.blindAppend && !job.replaceAll,
    rows: new Map([...rows.byFile, ...empty]),
    superseded,
    warnings: warningsOf(staged, job),
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

async function planOf(records: Sql, shape: Shape, { job, target, context }: StageWork): Promise<LoadPlan> {
  const many = context.strategy.reads(job.table) === 'many' && target.state !== null
  const input = {
    table: job.table,
    records,
    current: many ? await currentAs(shape, target) : null,
    partitionSequences: many && job.table.overwriteScope === 'partition' ? await target.partitionSequences() : null,
    columns: shape.columns,
    auditColumns: shape.auditColumns,
  }
  try {
    return context.strategy.plan(input)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new TableError('ING-TABLE-STRATEGY', `${job.table.name}: the strategy ${context.strategy.name} failed: ${reason}`, { cause })
  }
}

/** The table's rows with the columns that it will have after the batch. */
async function currentAs(shape: Shape, target: OpenTable): Promise<Sql> {
  const known = new Set(target.state?.columns.map((column) => column.name))
  const values = shape.columns.map((column) =>
    known.has(column.name) ? id(column.name) : sql`null::${raw(column.type)} as ${id(column.name)}`,
  )
  return sql`select ${join(values)} from (${await target.current()})`
}

function removalOf(plan: LoadPlan): 'nothing' | 'everything' | 'partitions' {
  if (plan.remove.kind === 'positions') throw new TableError('ING-TABLE-STRATEGY', 'plans that remove single rows are not built yet')
  return plan.remove.kind
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

/** The records in a temporary table, for strategies that read them more than once; dropped at the end. */
async function keepRecords(
  query: Sql,
  files: readonly BatchFile[],
  context: LoadContext,
): Promise<AsyncDisposable & { readonly name: Sql; readonly scanned: bigint }> {
  const { session } = context
  const rows = id(session.temporaryName('rows'))
  const order = id(session.temporaryName('files'))
  const view = id(session.temporaryName('records'))
  const drop = async () => {
    await session.run(sql`drop view if exists ${view}`)
    await session.run(sql`drop table if exists ${rows}`)
    await session.run(sql`drop table if exists ${order}`)
  }
  try {
    const paths = literalList(files.map((file) => file.path))
    const sequences = literalList(sequencesOf(files))
    await session.run(
      sql`create temp table ${order} as select unnest(${paths}) as path, unnest(range(${files.length})) as ordinal, unnest(${sequences}) as sequence`,
    )
    const { scanned } = await session.counting(() => session.run(inlined(sql`create temp table ${rows} as ${query}`)))
    await session.run(sql`create temp view ${view} as
      select r.*, f.ordinal as __ordinal, r.rowid as __row, f.sequence as __sequence from ${rows} as r join ${order} as f on f.path = r.__path`)
    return { name: view, scanned, [Symbol.asyncDispose]: drop }
  } catch (error) {
    await drop()
    throw error
  }
}

/** Orders snapshots, also those of other batches: the newest modified time of the unit, then its greatest path. */
function sequencesOf(files: readonly BatchFile[]): readonly string[] {
  const newest = new Map<string, BatchFile>()
  // Files are in file order, so the last of a unit is its newest.
  for (const file of files) newest.set(file.unit, file)
  return files.map((file) => {
    const last = newest.get(file.unit) ?? file
    return `${String(last.modifiedNs).padStart(20, '0')} ${last.path}`
  })
}

function filesOf(shape: Shape): readonly BatchFile[] {
  return shape.groups.flatMap(({ group }) => group.files)
}

function remaining(groups: readonly ShapedGroup[], paths: ReadonlySet<string>): readonly ShapedGroup[] {
  return groups.map((one) => ({ ...one, ...without(one, paths) })).filter(({ group }) => group.files.length > 0)
}
