/** How a bucket or container is reached. Holds secrets: it goes from the config to whoever opens a store, and is written nowhere. */
export type StorageConnection = S3Connection | AdlsConnection

export interface S3Connection {
  readonly type: 's3'
  /** Of an S3-compatible server; null is AWS. */
  readonly endpoint: string | null
  readonly region: string | null
  readonly pathStyle: boolean
  /** Null leaves it to the SDK's own chain. */
  readonly accessKeyId: string | null
  readonly secretAccessKey: string | null
  readonly sessionToken: string | null
  readonly profile: string | null
  /** Of what is written: `AES256`, or `aws:kms` with a key. */
  readonly encryption: { readonly type: 'AES256' | 'aws:kms'; readonly kmsKeyId: string | null } | null
  readonly requesterPays: boolean
}

export interface AdlsConnection {
  readonly type: 'adls'
  readonly accountUrl: string | null
  readonly container: string | null
  readonly connectionString: string | null
  readonly sasToken: string | null
  readonly accountKey: string | null
  readonly credential: 'default' | 'managed_identity' | 'cli' | 'service_principal'
  readonly tenantId: string | null
  readonly clientId: string | null
  readonly clientSecret: string | null
}

/** Where the files and the table of a table lie, if not on local disks. */
export interface TableStorage {
  /** How the source is reached; null for a local one. */
  readonly source: StorageConnection | null
  /** How the table is reached; null for a local one. */
  readonly target: StorageConnection | null
  /** Absolute local folder for copies of remote files. */
  readonly cacheFolder: string
  /** Bytes that the copies take at most between batches. */
  readonly cacheBytes: bigint
  /** Bytes of the next batch's objects that are fetched while a batch loads, at most; 0 for a local source. */
  readonly prefetchBytes: bigint
}

/** Of a table whose files and rows are on local disks. */
export const LOCAL_STORAGE: TableStorage = { source: null, target: null, cacheFolder: '', cacheBytes: 0n, prefetchBytes: 0n }
