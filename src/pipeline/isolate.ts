import type { Session } from '../engine/engine.ts'
import { engineFailure, firstLine } from '../engine/failure.ts'
import { sql } from '../engine/sql.ts'
import { FileError } from '../errors/errors.ts'
import type { Format, FormatContext } from '../formats/format.ts'
import { type CarefulGroup, rowsOf } from './careful.ts'

/**
 * Finds the files that make a read fail, by the format's own diagnosis or by reading halves. Throws what has nothing
 * to do with a file. Empty when every group reads well by itself.
 */
export async function findCulprits(
  groups: readonly CarefulGroup[],
  failure: unknown,
  format: Format,
  context: FormatContext,
): Promise<readonly FileError[]> {
  const foreign = engineFailure(failure)
  if (foreign && !(foreign instanceof FileError)) throw foreign
  const culprits: FileError[] = []
  for (const typed of groups) {
    const error = await probe(typed, format, context)
    if (error === undefined) continue
    // Values that are looked at one by one are not to blame.
    const careful = new Set(typed.careful.map(({ name }) => name))
    const strict = typed.columns.filter(({ name }) => !careful.has(name))
    const named = await format.diagnose(typed.group, strict, error, context)
    culprits.push(...(named.length > 0 ? named : await halve(typed, error, format, context)))
  }
  return culprits
}

async function halve(typed: CarefulGroup, error: unknown, format: Format, context: FormatContext): Promise<readonly FileError[]> {
  const { files } = typed.group
  const [only] = files
  if (only !== undefined && files.length === 1) return [unnamed(only.path, error)]
  const middle = Math.ceil(files.length / 2)
  const culprits: FileError[] = []
  for (const part of [files.slice(0, middle), files.slice(middle)]) {
    const half = { ...typed, group: { ...typed.group, files: part } }
    const failure = await probe(half, format, context)
    if (failure !== undefined) culprits.push(...(await halve(half, failure, format, context)))
  }
  return culprits
}

/** Reads every value of a group and keeps none; the error, or undefined. */
async function probe(one: CarefulGroup, format: Format, context: FormatContext): Promise<unknown> {
  const session: Session = context.session
  try {
    await session.rows(sql`select bit_xor(hash(record)) from (${rowsOf(one, format, context)}) as record`)
    return undefined
  } catch (error) {
    const foreign = engineFailure(error)
    if (foreign && !(foreign instanceof FileError)) throw foreign
    return error
  }
}

function unnamed(path: string, error: unknown): FileError {
  const message = firstLine(error instanceof Error ? error.message : String(error))
  return new FileError('ING-FILE-FORMAT', path, `${path} cannot be read: ${message}`, { cause: error })
}

/** The group without some files. */
export function without<G extends CarefulGroup>(typed: G, paths: ReadonlySet<string>): G {
  const files = typed.group.files.filter((file) => !paths.has(file.path))
  return files.length === typed.group.files.length ? typed : { ...typed, group: { ...typed.group, files } }
}

/** Groups without some files; those that have none left are gone. */
export function withoutFiles<G extends CarefulGroup>(groups: readonly G[], paths: ReadonlySet<string>): readonly G[] {
  return groups.map((one) => without(one, paths)).filter(({ group }) => group.files.length > 0)
}
