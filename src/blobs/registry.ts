import type { TableStorage } from '../model/connection.ts'
import type { Blobs } from './blobs.ts'

/** Blob stores by where their roots lie; each is loaded when it is first used. */
export const BLOB_STORES = {
  file: async (root: string): Promise<Blobs> => (await import('./local.ts')).localBlobs(root),
  remote: async (root: string, { target, cacheFolder, cacheBytes }: TableStorage): Promise<Blobs> => {
    const { openObjects } = await import('./open-objects.ts')
    const { mirroredBlobs } = await import('./mirrored.ts')
    const server = target?.type === 's3' ? target.endpoint : target?.accountUrl
    return mirroredBlobs(root, await openObjects(root, target), { cacheFolder, cacheBytes, identity: `${root}\n${server ?? ''}` })
  },
} as const
