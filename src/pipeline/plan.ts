import type { Session } from '../engine/engine.ts'
import { firstLine } from '../engine/failure.ts'
import { dropped, id, inlined, join, raw, type Sql, sql } from '../engine/sql.ts'
import { TableError } from '../errors/errors.ts'
import { NO_STRATEGY_ROWS, type StrategyRows, type Warning } from '../model/batch.ts'
import type { TableConfig } from '../model/table.ts'
import type { KeyRows, OpenTable } from '../stores/store.ts'
import type { LoadPlan, PlanInput, PlanStep } from '../strategies/strategy.ts'
import type { LoadContext } from './context.ts'
import type { KeptRecords } from './kept-records.ts'
import { metadataNames } from './metadata-columns.ts'
import type { LoadJob } from './protocol.ts'
import type { RejectTable } from './rejected-rows.ts'
import { checkRejects, placeOf } from './rejects.ts'
import type { RowsOfFiles } from './replace.ts'
import type { Shape } from './shape.ts'
import { observationShape } from './side-files.ts'
import { settleTies } from './ties.ts'

/** A plan whose relations in between are made; closing it drops them. */
export interface MadePlan extends AsyncDisposable {
  readonly plan: LoadPlan
  /** Rows of each file that the plan never saw. */
  readonly rejected: ReadonlyMap<string, bigint>
  readonly counts: PlanCounts | null
  readonly warnings: readonly Warning[]
}

/** What became of the rows that reached a plan, and rows of the table that went without one of them asking for it. */
export interface PlanCounts extends StrategyRows {
  readonly missing: bigint
}

export interface PlanWork {
  readonly job: LoadJob
  readonly target: OpenTable
  readonly context: LoadContext
  /** Side files in force. */
  readonly sideFiles: readonly string[]
  readonly rejects: RejectTable
  /** Rows that the commit takes out: for the plan they are gone. */
  readonly replaced?: RowsOfFiles | undefined
}

/** Plans the rows of a batch. Rows that tie are told of, or rejected: then the rest is planned again. */
export async function makePlan(records: Sql, kept: KeptRecords | undefined, shape: Shape, work: PlanWork): Promise<MadePlan> {
  const { job, context } = work
  const { session, format, formatContext } = context
  const io = { session, format, formatContext, groups: shape.groups }
  for (;;) {
    const rejected = kept?.rejects === undefined ? await work.rejects.byFile() : await checkRejects(kept.rejects, io)
    const plan = await planOf(records, kept, shape, work)
    const steps = await makeSteps(plan, session)
    try {
      const ties =
        plan.ties === undefined || kept?.rejects === undefined || (plan.mayTie !== undefined && !(await hasRows(plan.mayTie, session)))
          ? { isSettled: true, warnings: [] }
          : await settleTies(plan.ties, {
              table: job.table,
              session,
              rejects: kept.rejects,
              placeOf: (path, number) => placeOf(path, number, io),
            })
      if (ties.isSettled) {
        const counts = plan.counts === undefined ? null : await countsOf(plan.counts, session)
        return { plan, rejected, counts, warnings: ties.warnings, [Symbol.asyncDispose]: () => steps[Symbol.asyncDispose]() }
      }
    } catch (error) {
      await steps[Symbol.asyncDispose]()
      throw error
    }
    await steps[Symbol.asyncDispose]()
  }
}

async function makeSteps({ steps = [] }: LoadPlan, session: Session): Promise<AsyncDisposable> {
  const drop = async () => {
    if (steps.length > 0) await session.run(dropped(steps.map(({ name }) => id(name))))
  }
  try {
    for (const step of steps) await makeStep(step, session)
    return { [Symbol.asyncDispose]: drop }
  } catch (error) {
    await drop()
    throw error
  }
}

async function makeStep({ name, query, ordered, seeks, empty }: PlanStep, session: Session): Promise<void> {
  const isVain = seeks !== undefined && !(await hasRows(seeks, session))
  const rows = isVain ? (empty ?? sql`${query} limit 0`) : query
  const made = inlined(sql`create or replace temp table ${id(name)} as ${rows}`)
  if (ordered !== true || isVain) return session.run(made)
  await session.run(sql`set disabled_optimizers = 'join_order,build_side_probe_side'`)
  try {
    await session.run(made)
  } finally {
    await session.run(sql`reset disabled_optimizers`)
  }
}

async function hasRows(relation: Sql, session: Session): Promise<boolean> {
  return (await session.rows(sql`select 1 from ${relation} limit 1`)).length > 0
}

async function countsOf(counts: Sql, session: Session): Promise<PlanCounts> {
  const [row] = await session.rows(counts)
  const of = (name: string) => BigInt(String(row?.[name] ?? 0))
  return {
    ...NO_STRATEGY_ROWS,
    inserted: of('inserted'),
    updated: of('updated'),
    deleted: of('deleted'),
    unchanged: of('unchanged'),
    superseded: of('superseded'),
    missing: of('missing'),
  }
}

async function planOf(records: Sql, kept: KeptRecords | undefined, shape: Shape, work: PlanWork): Promise<LoadPlan> {
  const { job, target, context, sideFiles, replaced } = work
  const { strategy } = context
  if (strategy.keyed !== undefined && !hasKeys(shape, job.table)) return nothing(records, shape)
  // A table that is replaced as a whole is planned as if it were new.
  const many = strategy.reads(job.table) === 'many' && target.state !== null && !job.replaceAll
  const keys =
    strategy.keyed === undefined || job.table.keyed.missingMeansDeleted
      ? undefined
      : { rows: kept?.rows ?? records, columns: job.table.primaryKeys }
  const input = {
    table: job.table,
    records,
    current: many ? await currentAs(shape, target, { isLocated: strategy.locates?.(job.table) ?? false, keys, replaced }) : null,
    observations: await observationsOf(shape, work, sideFiles),
    files: kept?.files ?? raw('(select null::varchar as path where false)'),
    partitionSequences: many && job.table.overwriteScope === 'partition' ? await target.partitionSequences() : null,
    columns: shape.columns,
    // What is known of files is no content either: the same row from another file is the same row.
    auditColumns: [...shape.auditColumns, ...metadataNames(job.table, shape.columns)],
  }
  const plan = planned(input, work)
  const isReady = strategy.reads(job.table) === 'many' && strategy.locates?.(job.table) === true
  if (plan.remove.kind === 'positions' && !isReady) {
    throw new TableError(
      'ING-TABLE-STRATEGY',
      `${job.table.name}: the strategy ${strategy.name} removes rows by position, but does not locate them`,
      {
        hint: 'give the strategy locates: () => true and reads: () => "many"',
      },
    )
  }
  return plan
}

/** Before the first row came, nobody knows the columns. */
export function hasKeys({ columns }: Shape, { primaryKeys, sequenceBy }: TableConfig): boolean {
  const known = new Set(columns.map(({ name }) => name.toLowerCase()))
  return [...primaryKeys, ...sequenceBy].every((name) => known.has(name.toLowerCase()))
}

function nothing(records: Sql, { columns }: Shape): LoadPlan {
  return {
    add: sql`select ${join([...columns.map(({ name }) => id(name)), id('__path')])} from ${records} where false`,
    remove: { kind: 'nothing' },
    blindAppend: false,
    dropped: 'superseded',
  }
}

async function observationsOf(shape: Shape, { job, target, context }: PlanWork, sideFiles: readonly string[]): Promise<Sql | null> {
  const { keyed } = context.strategy
  if (keyed === undefined || sideFiles.length === 0) return null
  return sql`(${await target.observations(sideFiles, observationShape(job.table, keyed, shape.columns))})`
}

function planned(input: PlanInput, { job, context }: PlanWork): LoadPlan {
  try {
    return context.strategy.plan(input)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new TableError('ING-TABLE-STRATEGY', `${job.table.name}: the strategy ${context.strategy.name} failed: ${firstLine(reason)}`, {
      cause,
    })
  }
}

/** The table's rows with the columns that it will have after the batch, and, if asked, with the place of each. */
async function currentAs(
  shape: Shape,
  target: OpenTable,
  {
    isLocated,
    keys,
    replaced,
  }: { readonly isLocated: boolean; readonly keys: KeyRows | undefined; readonly replaced: RowsOfFiles | undefined },
): Promise<Sql> {
  const known = new Map(target.state?.columns.map((column) => [column.name, column.type]))
  const values = shape.columns.map((column) => {
    const type = known.get(column.name)
    return type === column.type
      ? id(column.name)
      : sql`${type === undefined ? raw('null') : id(column.name)}::${raw(column.type)} as ${id(column.name)}`
  })
  if (!isLocated) return sql`select ${join(values)} from (${await target.current()}) where ${replaced?.others ?? raw('true')}`
  return sql`select ${join([...values, id('__file'), id('__position')])} from (${await target.located(keys)})`
}
