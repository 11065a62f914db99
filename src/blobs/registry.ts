import type { Blobs } from './blobs.ts'

/** Blob stores by the scheme of their root; each is loaded when it is first used. */
export const BLOB_STORES = {
  file: async (root: string): Promise<Blobs> => (await import('./local.ts')).localBlobs(root),
} as const
