import { engineFailure } from '../engine/failure.ts'
import { FileError } from '../errors/errors.ts'
import type { SourceFile } from './format.ts'

/** Throws what no file is to blame for: memory, disk, an interrupt, a statement that the engine refuses as such. */
export function throwForeign(error: unknown): void {
  const foreign = engineFailure(error)
  if (foreign && !(foreign instanceof FileError)) throw foreign
  if (error instanceof Error && error.name === 'AbortError') throw error
}

/** The text of an error of the engine. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Its first line; the rest repeats the statement or lists options. */
export function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message
}

/** The file that a message names: as `file = path`, as `in file "path"`, or anywhere. The longest name wins. */
export function namedFile(message: string, files: readonly SourceFile[]): SourceFile | undefined {
  const named = files.filter(({ readPath }) => message.includes(readPath))
  return named.reduce<SourceFile | undefined>(
    (best, file) => (best === undefined || file.readPath.length > best.readPath.length ? file : best),
    undefined,
  )
}
