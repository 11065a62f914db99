import { BugError } from '../errors/errors.ts'

/** One object or file of a listing. */
export interface BlobEntry {
  /** Relative to the root, with `/`. */
  readonly path: string
  /** Bytes. */
  readonly size: bigint
  /** Milliseconds since the epoch. */
  readonly modifiedMs: number
  /** Names the content where the storage does so: another content has another one. */
  readonly etag?: string
}

/** Staged files lie below it, beside the places of `localPath`: they are nobody else's before they are published. */
export const STAGE_FOLDER = '_ingestd/stage'

/**
 * Bytes by path under one root. Paths are relative, with `/`, and cannot leave the root: a path with `..` or a
 * leading `/` is a BugError. Errors of the storage become IngestErrors with stable codes.
 */
export interface Blobs {
  /** Absolute folder or URI of the root, without a trailing slash. */
  readonly root: string
  /** Whether files lie where `localPath` says; else that is a place for copies, and for staged files alone. */
  readonly isLocal: boolean
  /**
   * Entries directly under `prefix` (a folder, `''` for the root), sorted by path in UTF-8 byte order; empty when it does not exist.
   * Folders are left out. With `after` only entries whose name sorts after it, at the cost of those entries alone.
   */
  list(prefix: string, after?: string): Promise<readonly BlobEntry[]>
  /** Folder names directly under `prefix`, sorted. */
  folders(prefix: string): Promise<readonly string[]>
  /** The whole content, or undefined when there is none at the path. */
  read(path: string): Promise<Uint8Array | undefined>
  /**
   * Makes the content visible at the path whole and durable, or answers `exists` and changes nothing. Atomic against
   * every other writer: of several callers one is told `created`.
   */
  putIfAbsent(path: string, content: Uint8Array): Promise<'created' | 'exists'>
  /** Replaces the content whole and durable; readers see the old or the new. */
  put(path: string, content: Uint8Array): Promise<void>
  /** Removes the content; nothing happens when there is none. */
  remove(path: string): Promise<void>
  /** Makes a folder and its parents, for the engine to write into; nothing happens when it is there. */
  createFolder(path: string): Promise<void>
  /** Absolute local path: of a staged file, which the engine writes, or of a file that was fetched. */
  localPath(path: string): string
  /**
   * Absolute local paths of files, for the engine to read; where they lie elsewhere copies are made. `sizes` are those that the log tells. What is not
   * there has a path without a file.
   */
  fetch(paths: readonly string[], sizes?: readonly (bigint | null)[]): Promise<readonly string[]>
  /** Makes written local files durable and moves each `from` to `to` (new folders made, nothing overwritten). */
  publish(moves: readonly { readonly from: string; readonly to: string }[]): Promise<void>
  /** Removes a folder and all that is in it. */
  removeFolder(path: string): Promise<void>
  /** Called where no query is open: copies beyond what they may take go. */
  tidy(): Promise<void>
  /** Tries whether `putIfAbsent` holds; a storage that takes a second write of one path can have no table. */
  keepsConditions(): Promise<boolean>
}

/** Refuses a path that leaves its root. */
export function checkInside(path: string): void {
  if (path.startsWith('/') || path.split('/').includes('..') || path.includes('\0'))
    throw new BugError(`the path ${JSON.stringify(path)} leaves its root`)
}
