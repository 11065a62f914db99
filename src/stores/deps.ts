import type { Blobs } from '../blobs/blobs.ts'
import type { Chance } from '../delta/commit.ts'
import type { Clock } from '../lib/clock.ts'

/** What stores are made with; time, chance and ids are arguments. */
export interface StoreDeps extends Chance {
  /** Bytes under the folder of a table. */
  readonly blobs: (root: string) => Promise<Blobs>
  readonly clock: Clock
  /** `ingestd/<version>`, as the log names its writer. */
  readonly engineInfo: string
  /** Told of what went wrong after a commit, which nothing may fail any more. */
  readonly warn: (message: string, cause: unknown) => void
}
