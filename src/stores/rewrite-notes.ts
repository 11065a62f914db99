import type { Blobs } from '../blobs/blobs.ts'
import { integerOf, parsedRecord, textOf, textsOf } from '../delta/decode.ts'
import { jsonText } from '../delta/json.ts'
import { encodeName } from '../delta/uri.ts'
import { ConflictError } from '../errors/errors.ts'

const FOLDER = '_ingestd/rewrites'

/**
 * Data files that a rewrite (optimize) moves to their place before its commit. A batch is ruled out by the number of a
 * later one; a rewrite has none, so its note is: whoever clears up first cancels it, and a rewrite that finds its note
 * cancelled does not commit. What it moved may go once the log is longer than it was after the cancelling: a rewrite
 * that had looked before has its entry in the log by then, or lost that version to another.
 */
export interface RewriteNote {
  readonly id: string
  /** Relative to the root. */
  readonly added: readonly string[]
  /** Files that are deleted once the commit is made; none where older versions keep them. */
  readonly removed: readonly string[]
  readonly cancelled: boolean
  /** A version that the log had after the cancelling; null until it is known. */
  readonly cancelledAt: bigint | null
}

export async function writeRewriteNote(blobs: Blobs, note: RewriteNote): Promise<void> {
  await blobs.put(pathOf(note.id), new TextEncoder().encode(jsonText({ ...note })))
}

export async function readRewriteNotes(blobs: Blobs): Promise<readonly RewriteNote[]> {
  const found: RewriteNote[] = []
  for (const entry of await blobs.list(FOLDER)) {
    const note = decodeNote(await blobs.read(entry.path))
    if (note) found.push(note)
  }
  return found
}

/** Stops a rewrite that another process cancelled. Comes after the log was read, and before the entry is put. */
export async function checkNotCancelled(table: string, id: string, blobs: Blobs): Promise<void> {
  const note = decodeNote(await blobs.read(pathOf(id)))
  if (note !== undefined && !note.cancelled) return
  throw new ConflictError('ING-TABLE-CONFLICT', `${table}: the rewrite outlasted its lease, and another process cancelled it`, {
    hint: 'nothing was changed; run it again',
  })
}

export async function removeRewriteNote(blobs: Blobs, id: string): Promise<void> {
  await blobs.remove(pathOf(id))
}

function decodeNote(content: Uint8Array | undefined): RewriteNote | undefined {
  const value = content && parsedRecord(new TextDecoder().decode(content))
  const id = textOf(value?.['id'])
  if (value === undefined || id === null) return undefined
  return {
    id,
    added: textsOf(value['added']) ?? [],
    removed: textsOf(value['removed']) ?? [],
    cancelled: value['cancelled'] === true,
    cancelledAt: integerOf(value['cancelledAt']),
  }
}

function pathOf(id: string): string {
  return `${FOLDER}/${encodeName(id)}.json`
}
