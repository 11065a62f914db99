import type { BlobEntry, Blobs } from '../blobs/blobs.ts'
import { encodeName } from '../delta/uri.ts'

interface Walk {
  readonly blobs: Blobs
  /** Milliseconds since the epoch. */
  readonly cutoffMs: number
  readonly partitionColumns: readonly string[]
}

/** Folder by folder the files that are older than the cut-off. What is hidden is not looked at: the log, and our own `_ingestd`. */
export async function* oldFiles(folder: string, walk: Walk): AsyncIterable<{ readonly files: readonly BlobEntry[] }> {
  const { blobs, cutoffMs } = walk
  const entries = await blobs.list(folder)
  yield {
    files: entries.filter((entry) => entry.modifiedMs < cutoffMs && !isHidden(entry.path.slice(entry.path.lastIndexOf('/') + 1), [])),
  }
  for (const name of await blobs.folders(folder)) {
    if (!isHidden(name, walk.partitionColumns)) yield* oldFiles(folder === '' ? name : `${folder}/${name}`, walk)
  }
}

/** The change data feed is no hidden folder, nor is that of a partition column whose name begins so. */
export function isHidden(name: string, partitionColumns: readonly string[]): boolean {
  if (!/^[_.]/.test(name) || name === '_change_data') return false
  return !partitionColumns.some((column) => name.startsWith(`${column}=`) || name.startsWith(`${encodeName(column)}=`))
}
