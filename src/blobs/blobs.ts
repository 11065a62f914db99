/** One object or file of a listing. */
export interface BlobEntry {
  /** Relative to the root, with `/`. */
  readonly path: string
  /** Bytes. */
  readonly size: bigint
  /** Milliseconds since the epoch. */
  readonly modifiedMs: number
}

/**
 * Bytes by path under one root. Paths are relative, with `/`, and cannot leave the root: a path with `..` or a
 * leading `/` is a BugError. Errors of the storage become IngestErrors with stable codes.
 */
export interface Blobs {
  /** Absolute folder or URI of the root, without a trailing slash. */
  readonly root: string
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
  /** Absolute local path that the engine may write data files to and read them from. */
  localPath(path: string): string
  /** Makes written local files durable and moves each `from` to `to` (new folders made, nothing overwritten). */
  publish(moves: readonly { readonly from: string; readonly to: string }[]): Promise<void>
  /** Removes a folder and all that is in it. */
  removeFolder(path: string): Promise<void>
}
