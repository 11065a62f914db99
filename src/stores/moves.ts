import type { Blobs } from '../blobs/blobs.ts'
import { integerOf, parsedRecord, textOf, textsOf } from '../delta/decode.ts'
import { jsonText } from '../delta/json.ts'
import { padded } from '../delta/log-names.ts'

const FOLDER = '_ingestd/moves'

/**
 * Data files that a commit brings and takes, written down before the first of them moves. Killed in between, it tells
 * what lies in the folder without being in the log: of a first commit, whose folder would look foreign, and of a table
 * whose superseded files are deleted.
 */
export interface Moves {
  readonly batch: bigint
  readonly batchId: string
  /** Relative to the root. */
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

export async function writeMoves(blobs: Blobs, moves: Moves): Promise<void> {
  await blobs.put(pathOf(moves.batch), new TextEncoder().encode(jsonText({ ...moves })))
}

export async function readMoves(blobs: Blobs): Promise<readonly Moves[]> {
  const found: Moves[] = []
  for (const entry of await blobs.list(FOLDER)) {
    const content = await blobs.read(entry.path)
    const moves = content && decodeMoves(new TextDecoder().decode(content))
    if (moves) found.push(moves)
  }
  return found
}

export async function removeMoves(blobs: Blobs, batch: bigint): Promise<void> {
  await blobs.remove(pathOf(batch))
}

function decodeMoves(text: string): Moves | undefined {
  const value = parsedRecord(text)
  const batch = integerOf(value?.['batch'])
  const batchId = textOf(value?.['batchId'])
  if (value === undefined || batch === null || batchId === null) return undefined
  return { batch, batchId, added: textsOf(value['added']) ?? [], removed: textsOf(value['removed']) ?? [] }
}

function pathOf(batch: bigint): string {
  return `${FOLDER}/${padded(batch)}.json`
}
