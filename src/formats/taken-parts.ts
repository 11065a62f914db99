import { FileError } from '../errors/errors.ts'
import type { SourceFile } from './format.ts'
import { inParallel } from './parallel.ts'
import type { Part } from './parts.ts'

type Taken = readonly Part[] | FileError

/** The parts of each file, some files at a time; a FileError that is thrown is what became of its file. */
export async function takenParts(
  files: readonly SourceFile[],
  { atOnce, signal }: { readonly atOnce: number; readonly signal: AbortSignal },
  take: (file: SourceFile) => Promise<Taken>,
): Promise<ReadonlyMap<SourceFile, Taken>> {
  const taken = await inParallel(files, atOnce, signal, async (file): Promise<Taken> => {
    try {
      return await take(file)
    } catch (error) {
      if (error instanceof FileError) return error
      throw error
    }
  })
  return new Map(files.map((file, index) => [file, taken[index] ?? []]))
}
