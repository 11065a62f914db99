import { join } from 'node:path'
import type { Blobs } from '../../src/blobs/blobs.ts'
import { mirroredBlobs } from '../../src/blobs/mirrored.ts'
import { FolderObjects } from './folder-objects.ts'

/** A folder as a remote one, with its mirror below `folder`. */
export function mirroredFolder(root: string, folder: string, objects = new FolderObjects(root), cacheBytes = 1_000_000_000n): Blobs {
  return mirroredBlobs(
    `s3://bucket${root}`,
    { store: objects, prefix: '' },
    { cacheFolder: join(folder, 'mirrors'), identity: root, cacheBytes },
  )
}
