import type { Blobs } from '../blobs/blobs.ts'
import { IngestError, TableError } from '../errors/errors.ts'

/** What the engine says of content that it cannot read; all else (memory, disk, an interrupt) says nothing about the content. */
const DAMAGE =
  /^(Invalid Input|Conversion|Serialization|Invalid|Binder|Not implemented) Error|^(IO|HTTP) Error.*(No files found|No such file)|Malformed JSON|Parquet file/i

/** The first line of an engine message that tells of unreadable content; undefined for every other error. */
export function damageIn(error: unknown): string | undefined {
  const message = error instanceof Error ? error.message : String(error)
  return DAMAGE.test(message) ? message.split('\n', 1)[0] : undefined
}

export function damaged(blobs: Blobs, problem: string, cause?: unknown): TableError {
  return new TableError('ING-TABLE-LOG', `the log of ${blobs.root} is damaged: ${problem}`, {
    hint: 'restore the missing part of _delta_log from a backup',
    cause,
  })
}

/** The log is not the one that was read before: what rests on that must not be written. */
export function replaced(blobs: Blobs, problem: string): TableError {
  return new TableError('ING-TABLE-LOG', `the log of ${blobs.root} was replaced while the table was open: ${problem}`, {
    hint: 'the next run reads the table anew',
  })
}

/** Runs a read of the log; where the engine finds its content unreadable, the log is damaged. */
export async function reading<T>(blobs: Blobs, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    const damage = error instanceof IngestError ? undefined : damageIn(error)
    throw damage === undefined ? error : damaged(blobs, damage, error)
  }
}
