import { assertNever } from '../lib/assert-never.ts'
import { failpoint, fault } from '../lib/failpoint.ts'
import type { BatchOutcome } from '../model/batch.ts'
import type { Manifest } from '../model/manifest.ts'
import type { Column } from '../model/schema.ts'
import type { OpenTable } from '../stores/store.ts'
import { deleteCondition } from './condition.ts'
import type { LoadContext } from './context.ts'
import { bindExpectations } from './expectations-bind.ts'
import { givenUp, manifestOf, outcomeOf } from './outcome.ts'
import type { LoadJob, LoadResult, Preview } from './protocol.ts'
import { stageRejects } from './quarantine.ts'
import { ignoredWarnings } from './schema-modes.ts'
import { type KeyedShape, type Shape, shapeOf } from './shape.ts'
import { countingSink, type Sink, tableSink } from './sink.ts'
import { inspectSource, judged } from './source.ts'
import { type StagedPlan, stagePlan } from './stage.ts'
import { emptyLeaving, type Leaving, leave } from './units.ts'

/**
 * One batch from its files to its commit. Before the commit everything may be thrown away; after it nothing may fail
 * the batch. Runs in the load process; the caller settles the tracker by what this returns.
 */
export async function loadBatch(job: LoadJob, target: OpenTable, context: LoadContext): Promise<LoadResult> {
  const last = await target.lastBatch(context.appId)
  // A writer that was thought dead may have committed since the tracker was settled.
  if (last !== job.lastBatch) return givenUp(job.batch, `batch ${last} of another process was committed first`)
  const { shape, reader, leaving, plan: staging, stages } = await planBatch(job, target, tableSink(target), context)
  await using plan = staging
  failpoint('after-stage')
  if (plan.rows.size === 0) return { outcome: told(outcomeOf(job.batch, plan, leaving, null), shape, job), overtaken: false, stages }
  const committing = performance.now()
  const commit = await commitPlan(plan, manifestOf(job, plan, reader, context), { job, target, context })
  if (commit.kind === 'givenUp') return givenUp(job.batch, commit.reason)
  return {
    outcome: told(outcomeOf(job.batch, plan, leaving, commit.version), shape, job),
    overtaken: false,
    stages: { ...stages, commit: performance.now() - committing },
  }
}

interface Committing {
  readonly job: LoadJob
  readonly target: OpenTable
  readonly context: LoadContext
}

type Committed = { readonly kind: 'committed'; readonly version: bigint } | { readonly kind: 'givenUp'; readonly reason: string }

/**
 * Rejected rows are committed to the quarantine first, under the batch's number and id: they are rows of the quarantine from the moment
 * that the table has the batch.
 */
export async function commitPlan(plan: StagedPlan, manifest: Manifest, { job, target, context }: Committing): Promise<Committed> {
  const rejects = plan.rejects === null ? null : await stageRejects(plan.rejects, job, context)
  if ((await target.writeManifest(manifest)) === 'exists') {
    await rejects?.discard()
    return { kind: 'givenUp', reason: 'its batch number was taken by another process' }
  }
  failpoint('after-manifest')
  const { shape, staged, remove, removal, blindAppend } = plan
  const withoutQuarantine = await rejects?.commit(manifest)
  if (withoutQuarantine !== undefined) {
    await rejects?.discard()
    await target.discard(staged)
    return { kind: 'givenUp', reason: withoutQuarantine }
  }
  const commit = await target.commit({
    manifest,
    staged,
    remove,
    removal,
    blindAppend,
    columns: shape.columns,
    changes: shape.changes,
    trackerId: job.trackerId,
    strategy: job.table.strategy,
  })
  failpoint('after-commit')
  switch (commit.kind) {
    case 'committed':
    case 'alreadyCommitted':
      return { kind: 'committed', version: commit.version }
    case 'overtaken':
      await target.discard(staged)
      return { kind: 'givenUp', reason: `batch ${commit.batch} of another process was committed first` }
    case 'conflict':
      await target.discard(staged)
      return { kind: 'givenUp', reason: commit.reason }
    default:
      return assertNever(commit)
  }
}

/** Columns that are new, and parts of others that are new or get another type. */
function columnsAfter({ newColumns, changes }: Shape): readonly Column[] {
  const added = new Set(newColumns.map(({ name }) => name))
  return [...newColumns, ...changes.flatMap(({ column, to }) => (to === null || added.has(column) ? [] : [{ name: column, type: to }]))]
}

/** With what was left out of the files. */
function told(outcome: BatchOutcome, { groups }: Shape, { table }: LoadJob): BatchOutcome {
  const warnings = ignoredWarnings(groups, table.name)
  return warnings.length === 0 ? outcome : { ...outcome, warnings: [...outcome.warnings, ...warnings] }
}

/** The same line up to the plan: what a load would do. Nothing is written, not even with `count`. */
export async function previewBatch(job: LoadJob, target: OpenTable, context: LoadContext, count: boolean): Promise<Preview> {
  if (count) {
    const { shape, leaving, plan: counted } = await planBatch(job, target, countingSink(context), context)
    await using plan = counted
    return {
      outcome: told(outcomeOf(job.batch, plan, leaving, null), shape, job),
      newColumns: columnsAfter(shape),
      difference: plan.difference,
    }
  }
  const { shape, leaving } = await shapeBatch(job, target, context)
  if (shape.groups.some(({ group }) => !group.empty)) await bindExpectations(job.table, shape.columns, context.session)
  return { outcome: told(outcomeOf(job.batch, undefined, leaving, null), shape, job), newColumns: columnsAfter(shape), difference: null }
}

export async function planBatch(job: LoadJob, target: OpenTable, sink: Sink, context: LoadContext) {
  const began = performance.now()
  const shaped = await shapeBatch(job, target, context)
  const shapedAt = performance.now()
  const plan = await stagePlan(shaped.shape, { job, target, sink, context })
  const stages = { inspect: shapedAt - began, write: performance.now() - shapedAt }
  return { ...shaped, shape: plan.shape, plan, leaving: leave(shaped.leaving, plan), stages }
}

/** Opens the files and brings them together with the table; those that do not fit leave, a snapshot as a whole. */
async function shapeBatch(job: LoadJob, target: OpenTable, context: LoadContext) {
  fault(job.batch.files.map(({ path }) => path))
  const source = await inspectSource(job.batch.files, context.landing, context.format, context.formatContext)
  failpoint('after-inspect')
  const unread: Leaving = leave(emptyLeaving(), judged(source.failed, job.batch.files, context.landing), job)
  const readable = source.groups
    .map((group) => ({ ...group, files: group.files.filter((file) => !unread.paths.has(file.path)) }))
    .filter((group) => group.files.length > 0)
  const shape = await shapeOf(readable, target.state, context.format, {
    ...context.formatContext,
    reader: source.reader,
    keyed: await keyedShape(job, context),
  })
  const leaving = leave(unread, judged(shape.failed, job.batch.files, context.landing), job)
  const groups = shape.groups.map((one) => ({
    ...one,
    group: { ...one.group, files: one.group.files.filter((file) => !leaving.paths.has(file.path)) },
  }))
  return { shape: { ...shape, groups: groups.filter(({ group }) => group.files.length > 0) }, reader: source.reader, leaving }
}

async function keyedShape({ table }: LoadJob, { strategy, session }: LoadContext): Promise<KeyedShape | undefined> {
  return strategy.keyed === undefined ? undefined : { traits: strategy.keyed, deletes: await deleteCondition(table, session) }
}
