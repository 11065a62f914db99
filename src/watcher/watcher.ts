import type { IngestError } from '../errors/errors.ts'
import type { FileSeen } from '../model/file.ts'

/** One page of a listing of a table's source. */
export interface ListingPage {
  /** Complete files that match and are not ignored. */
  readonly files: readonly FileSeen[]
  /** Files that match but are still too young or lack their marker. */
  readonly waiting: readonly WaitingFile[]
  /** Folders that cannot be listed, names that cannot be taken: reported, the rest goes on. */
  readonly problems: readonly IngestError[]
  /** Chunks that `files` is made of, where the listing has chunks. */
  readonly chunks?: readonly string[] | undefined
  /** Files of chunks that were known, and so are not among `files`. */
  readonly known?: number | undefined
}

/** Chunks of a listing of which the tracker knows each file in just that version. */
export interface KnownChunks {
  has(chunk: string): boolean
}

export interface WaitingFile {
  readonly file: FileSeen
  readonly reason: 'settling' | 'marker'
  /** Milliseconds until it may be complete; null when that depends on a marker. */
  readonly readyInMs: number | null
}

/** Looks at a table's source. Memory is bounded by a page. */
export interface Lister {
  /** The base folder, the longest part of the pattern without a glob. */
  readonly base: string
  /** Files of `known` chunks may be left out. */
  pages(signal: AbortSignal, known?: KnownChunks): AsyncIterable<ListingPage>
  /** One path, by the same decisions; for `explain` and for files that were waiting. */
  look(path: string): Promise<Sighting>
}

/** The decisions about one path, in their order; the first that did not pass is the answer. */
export interface Sighting {
  /** What lies there now, once a regular file was found at a path that matches; also when it is not complete. */
  readonly file: FileSeen | undefined
  /** Set when only time or a marker is lacking. */
  readonly waiting?: WaitingFile | undefined
  readonly steps: readonly DecisionStep[]
}

export interface DecisionStep {
  /** `matched`, `not_ignored`, `exists`, `regular_file`, `modified_after`, `settled`, `marker`; of the tracker `known` … */
  readonly check: string
  readonly passed: boolean
  readonly detail: string
}
