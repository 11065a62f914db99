/** One object of a listing. */
export interface ObjectEntry {
  /** Below the bucket or container, as stored, without a leading slash. */
  readonly key: string
  /** Bytes. */
  readonly size: bigint
  /** Milliseconds since the epoch. */
  readonly modifiedMs: number
  /** Names the content, without quotes: another content has another one. */
  readonly etag: string
}

/** What one request of a listing gave, sorted by key in UTF-8 byte order. */
export interface ObjectPage {
  readonly objects: readonly ObjectEntry[]
  /** With a delimiter: the prefixes, up to and with the next `/`, under which there is more. */
  readonly prefixes: readonly string[]
}

export interface ListOptions {
  /** Only keys that sort after this one. */
  readonly after?: string | undefined
  /** `/` gives what lies directly below the prefix, as a folder does. */
  readonly delimiter?: '/' | undefined
  /** Objects of a page at most; the store's own limit when it is left out. */
  readonly pageSize?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface ReadOptions {
  /** First byte; negative counts from the end. From the begin when it is left out. */
  readonly from?: number | undefined
  /** Bytes at most; to the end when it is left out. */
  readonly bytes?: number | undefined
  /** Only of this content: another one is a `changed`. */
  readonly etag?: string | undefined
  readonly signal?: AbortSignal | undefined
}

export type ReadResult =
  | { readonly kind: 'read'; readonly content: Uint8Array }
  | { readonly kind: 'absent' }
  | { readonly kind: 'changed' }

/**
 * The objects of one bucket or container. Keys are arbitrary texts. Requests that fail for a while (throttling, 5xx, cut bodies, time-outs)
 * are repeated with jitter inside; what remains are IngestErrors with stable codes that say what to do about credentials, region, bucket or
 * clock. Secrets are in no error.
 */
export interface ObjectStore {
  /** `s3://bucket`, `abfss://container@account.dfs.core.windows.net`: without a trailing slash, without credentials. */
  readonly root: string
  /** Pages of all objects whose key begins with the prefix. Memory is bounded by a page; a repeated page of the store is an error or left out. */
  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectPage>
  /** Undefined when there is none. */
  head(key: string): Promise<ObjectEntry | undefined>
  read(key: string, options?: ReadOptions): Promise<ReadResult>
  /**
   * Writes the content of one version to a local file, in ranges that are read at the same time; the file is whole or not there. `entry` is what
   * was listed: another content by now is `changed`.
   */
  download(entry: Pick<ObjectEntry, 'key' | 'size' | 'etag'>, path: string, signal?: AbortSignal): Promise<'read' | 'absent' | 'changed'>
  /** Replaces the content whole. */
  put(key: string, content: Uint8Array): Promise<ObjectEntry>
  /**
   * Makes the object, or answers `exists` and changes nothing: of several callers one is told `created`. Where a response was lost, it reads
   * back whether the content is its own, which therefore must be unlike any other writer's.
   */
  putIfAbsent(key: string, content: Uint8Array): Promise<'created' | 'exists'>
  /** A local file as an object that is not there yet, in parts where it is large, with a checksum; read back by size before it answers. */
  upload(path: string, key: string): Promise<ObjectEntry>
  /** A copy on the server's side of one version; the target must not be there. */
  copy(from: Pick<ObjectEntry, 'key' | 'size' | 'etag'>, to: string): Promise<'copied' | 'absent' | 'changed' | 'exists'>
  /** Removes objects; those that are not there are no error. With an `etag` only that content, where the store can promise it; another one stays. */
  remove(keys: readonly string[], etag?: string): Promise<void>
  /** Tries whether the store keeps `putIfAbsent`: false where it takes a second write of one key. */
  keepsConditions(prefix: string): Promise<boolean>
}
