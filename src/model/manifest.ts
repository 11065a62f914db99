import type { RowCounts } from './file.ts'

/**
 * What one batch loads, written under `<table>/_ingestd/` before the commit. The chain of manifests, from the
 * `txn` of the log backwards by `previous`, is the list of what was loaded; the tracker is rebuilt from it.
 */
export interface Manifest {
  readonly format: 1
  /** `ingestd/<tracker uuid>/<table id>`: the application id of the `txn`. */
  readonly appId: string
  readonly batch: bigint
  readonly batchId: string
  /** Batch number of the committed batch before this one; null for the first. */
  readonly previous: bigint | null
  /** `database.table` */
  readonly table: string
  /** ISO 8601, UTC. */
  readonly createdAt: string
  readonly files: readonly ManifestFile[]
  /** What the format learned of the source and later reads need (the CSV dialect); JSON, opaque to all but the format. */
  readonly reader: unknown
  readonly sideFiles: readonly string[]
}

export interface ManifestFile {
  readonly path: string
  readonly rawPath: string | null
  readonly version: string
  readonly size: bigint
  readonly modifiedNs: bigint
  readonly unit: string
  readonly rows: RowCounts
}
