import type { Blobs } from '../blobs/blobs.ts'
import { LOG_FOLDER } from '../delta/log-names.ts'
import { TableError } from '../errors/errors.ts'
import { readMoves } from './moves.ts'

/** Folders of ours, which a new table may find in its place. */
const OWN = [LOG_FOLDER, '_ingestd']

/** Refuses a folder that holds files of somebody else: a table in their midst could not be told from them. */
export async function checkFolder(name: string, blobs: Blobs): Promise<void> {
  // A first commit that was killed leaves data files, and the note of them.
  const ours = new Set((await readMoves(blobs)).flatMap((moves) => moves.added))
  const foreign = await firstForeign('', ours, blobs)
  if (foreign === undefined) return
  throw new TableError('ING-TABLE-NOT-EMPTY', `${name}: the folder ${blobs.root} has no Delta log, but holds ${foreign}`, {
    hint: 'choose another target_path, or empty the folder',
  })
}

async function firstForeign(folder: string, ours: ReadonlySet<string>, blobs: Blobs): Promise<string | undefined> {
  const file = (await blobs.list(folder)).find((entry) => !ours.has(entry.path))
  if (file) return file.path
  for (const inner of await blobs.folders(folder)) {
    if (folder === '' && OWN.includes(inner)) continue
    const found = await firstForeign(folder === '' ? inner : `${folder}/${inner}`, ours, blobs)
    if (found !== undefined) return found
  }
  return undefined
}
