import type { FileError } from '../errors/errors.ts'
import type { Format, FormatContext, JudgedColumn } from '../formats/format.ts'
import { mayReject } from '../model/reject.ts'
import { without } from './isolate.ts'
import type { RejectTable } from './rejected-rows.ts'
import { isAllowed, NAMED, tooManyRows } from './rejects.ts'
import type { Shape, ShapedGroup } from './shape.ts'

export interface Sifting {
  readonly rejects: RejectTable
  readonly format: Format
  readonly context: FormatContext
}

export interface SiftedShape {
  readonly shape: Shape
  readonly failed: readonly FileError[]
}

/** Whether rows that do not fit may be set apart. */
export function canSift({ format, context }: Sifting): boolean {
  return format.rejecting !== undefined && mayReject(context.table)
}

/**
 * Looks at files row by row: those with rows that do not fit are read without them from then on, and fail if there are too many.
 * Undefined where every row fits.
 */
export async function sift(shape: Shape, isAsked: (one: ShapedGroup) => boolean, io: Sifting): Promise<SiftedShape | undefined> {
  const groups: ShapedGroup[] = []
  const failed: FileError[] = []
  let isChanged = false
  for (const one of shape.groups) {
    if (one.group.empty || one.group.sifted !== undefined || !isAsked(one)) {
      groups.push(one)
      continue
    }
    const sorted = await sortedOut(one, io)
    isChanged ||= sorted.failed.length > 0 || sorted.groups.some(({ group }) => group.sifted !== undefined)
    groups.push(...sorted.groups)
    failed.push(...sorted.failed)
  }
  return isChanged ? { shape: { ...shape, groups }, failed } : undefined
}

async function sortedOut(one: ShapedGroup, { rejects, format, context }: Sifting) {
  const limit = context.table.maxBadRows
  await rejects.make()
  const found = await format.rejecting?.sortOut(
    one.group,
    judgedColumns(one),
    { rows: rejects.rows, wanted: (rejected, rows) => (isAllowed(Number(rejected), Number(rows), limit) ? rejected : BigInt(NAMED)) },
    context,
  )
  const failed = [...(found?.failed ?? [])]
  for (const [path, { rows, rejected }] of found?.files ?? []) {
    if (!isAllowed(Number(rejected), Number(rows), limit))
      failed.push(await tooManyRows(path, { rejected: Number(rejected), rows: Number(rows) }, { rows: rejects.rows, context }))
  }
  const gone = new Set(failed.map(({ file }) => file))
  await rejects.leave(gone)
  const bad = new Set<string>()
  for (const [path, file] of found?.files ?? []) {
    if (gone.has(path)) continue
    bad.add(path)
    rejects.sorted.set(path, file)
  }
  const { isDoubtful: _, ...group } = one.group
  const part = (files: typeof group.files, more: object) => ({ ...one, group: { ...group, ...more, files } })
  const rest = without({ ...one, group }, new Set([...gone, ...bad]))
  const sifted = part(
    one.group.files.filter(({ path }) => bad.has(path)),
    { sifted: { rejects: rejects.rows } },
  )
  return { groups: [rest, sifted].filter(({ group: { files } }) => files.length > 0), failed }
}

/** Texts that are looked at one by one fit, but for nested values of which only unknown fields are left out. */
function judgedColumns({ columns, careful }: ShapedGroup): readonly JudgedColumn[] {
  const modes = new Map(careful.map(({ name, mode }) => [name, mode]))
  return columns.map((column) => {
    const mode = modes.get(column.name)
    if (mode === undefined) return column
    return mode === 'ignore' ? { ...column, fields: true } : { ...column, type: 'VARCHAR' }
  })
}
