import { throwForeign } from './engine-message.ts'
import type { SourceFile } from './format.ts'

/**
 * The files for which `works` throws, found by halves, so that one bad file among thousands costs a few reads. A file
 * that the error names is tried first.
 */
export async function culprits(
  files: readonly SourceFile[],
  works: (files: readonly SourceFile[]) => Promise<unknown>,
  named: (error: unknown) => SourceFile | undefined,
): Promise<readonly Culprit[]> {
  if (files.length === 0) return []
  const error = await failure(files, works)
  if (error === undefined) return []
  const [only] = files
  if (only !== undefined && files.length === 1) return [{ file: only, error }]
  const suspect = named(error)
  const alone = suspect && (await failure([suspect], works))
  if (suspect && alone !== undefined) {
    const others = files.filter((file) => file !== suspect)
    return [{ file: suspect, error: alone }, ...(await culprits(others, works, named))]
  }
  const middle = Math.ceil(files.length / 2)
  return [...(await culprits(files.slice(0, middle), works, named)), ...(await culprits(files.slice(middle), works, named))]
}

export interface Culprit {
  readonly file: SourceFile
  readonly error: unknown
}

async function failure(files: readonly SourceFile[], works: (files: readonly SourceFile[]) => Promise<unknown>): Promise<unknown> {
  try {
    await works(files)
    return undefined
  } catch (error) {
    throwForeign(error)
    return error
  }
}
