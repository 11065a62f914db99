import type { Blobs } from '../blobs/blobs.ts'
import type { CommitIo } from '../delta/commit.ts'

/** What stores are made with; time, chance and ids are arguments. */
export interface StoreDeps extends CommitIo {
  /** Bytes under the folder of a table. */
  readonly blobs: (root: string) => Promise<Blobs>
}
