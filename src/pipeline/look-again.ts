import { engineFailure } from '../engine/failure.ts'
import { sql } from '../engine/sql.ts'
import { FileError } from '../errors/errors.ts'
import type { TableConfig } from '../model/table.ts'
import type { OpenTable } from '../stores/store.ts'
import { carefulColumns } from './careful.ts'
import type { LoadContext } from './context.ts'
import { findCulprits } from './isolate.ts'
import type { LoadJob } from './protocol.ts'
import type { RejectTable } from './rejected-rows.ts'
import { hasModes, secondLook } from './second-look.ts'
import type { Shape, ShapedGroup } from './shape.ts'
import { canSift, type SiftedShape, sift } from './sift.ts'

interface Looking {
  readonly job: LoadJob
  readonly target: OpenTable
  readonly context: LoadContext
  readonly rejects: RejectTable
}

/**
 * What becomes of files that could not be read as they were: what the modes of their columns make of them, or without the rows that do
 * not fit, or the errors of those that fail. Undefined where no file is to blame.
 */
export async function lookAgain(shape: Shape, failure: unknown, work: Looking): Promise<SiftedShape | undefined> {
  const { job, target, context, rejects } = work
  const { format, formatContext } = context
  const foreign = engineFailure(failure)
  if (foreign && !(foreign instanceof FileError)) throw foreign
  if (isInfinite(failure) && shape.groups.some(({ group }) => group.hasInfinite !== true)) {
    const groups = shape.groups.map((one) => ({ ...one, group: { ...one.group, hasInfinite: true } }))
    return { shape: { ...shape, groups }, failed: [] }
  }
  const sifting = { rejects, format, context: formatContext }
  const isSifting = canSift(sifting)
  // Rows are looked at one by one at once where no mode may have a say before.
  const isModal = hasModes(shape, job.table)
  const before = isSifting && !isModal ? await sift(shape, () => true, sifting) : undefined
  if (before !== undefined) return before
  const readable = shape.groups.filter(({ group }) => !group.empty)
  const culprits = await findCulprits(readable, failure, format, formatContext)
  if (isSifting) await rejects.make()
  const sifted = isSifting ? { rejects: rejects.rows } : undefined
  const look = await secondLook(shape, culprits, { table: job.table, state: target.state, format, context: formatContext, sifted })
  if (look !== undefined) return { shape: look, failed: [] }
  const again = isSifting && isModal ? await sift(shape, () => true, sifting) : undefined
  if (again !== undefined) return again
  return culprits.length === 0 ? undefined : { shape, failed: culprits }
}

/** A number was infinite, or too large: its text tells which. */
function isInfinite(failure: unknown): boolean {
  return failure instanceof Error && /'inexact: -?inf'/.test(failure.message)
}

/** Sorts out the files in which the inspection found rows that no read takes. */
export async function siftDoubtful(shape: Shape, { context, rejects }: Looking): Promise<SiftedShape | undefined> {
  const sifting = { rejects, format: context.format, context: context.formatContext }
  const isAsked = shape.groups.some(({ group }) => group.isDoubtful === true) && canSift(sifting)
  if (!isAsked) return undefined
  const groups = shape.groups.map((one) => (one.group.isDoubtful === true ? rescuing(one, context.formatContext.table) : one))
  return sift({ ...shape, groups }, ({ group }) => group.isDoubtful === true, sifting)
}

/** What is rescued is not rejected: such columns are read value by value, since the rows are looked at before a mode has its say. */
function rescuing(one: ShapedGroup, table: TableConfig): ShapedGroup {
  if (one.careful.length > 0) return one
  return { ...one, careful: carefulColumns(one, one.sources, table).filter(({ mode }) => mode === 'rescue') }
}

/** Finds the places of rows that were rejected after they were read, where their number tells it. */
export async function placeRejects(shape: Shape, { context, rejects }: Looking): Promise<void> {
  const { session, format, formatContext } = context
  if (!(await rejects.hasLate())) return
  if (format.rejecting?.isAligned() !== true) return session.run(sql`update ${rejects.rows} set number = null where "row" is not null`)
  const found = await session.rows(sql`select distinct path from ${rejects.rows} where "row" is not null`)
  const paths = new Set(found.map(({ path }) => String(path)))
  for (const { group } of shape.groups) {
    const files = group.files.filter(({ path }) => paths.has(path))
    if (files.length > 0) await format.rejecting.place({ ...group, files }, rejects.rows, formatContext)
  }
}
