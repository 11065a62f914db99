import type { ManifestFile } from './manifest.ts'

/** What a restore did to one path, told by the chain of manifests. */
export interface RestoredFile {
  readonly path: string
  /** Version of the file whose rows left the table; null for a path that had none there. */
  readonly undone: string | null
  /** The load whose rows the table holds after the restore; null when it holds none of the path. */
  readonly loaded: LoadedFile | null
}

export interface LoadedFile extends ManifestFile {
  readonly batchId: string
}

/** What a restore does to the table's data files. */
export interface RestorePlan {
  /** The version that is current. */
  readonly from: bigint
  /** The version whose content comes back. */
  readonly to: bigint
  readonly added: DataFiles
  readonly removed: DataFiles
  /** Of the table afterwards. */
  readonly after: DataFiles
}

export interface DataFiles {
  readonly files: bigint
  readonly bytes: bigint
}

/** The files that a restore moved in the tracker. */
export interface RestoreMoves {
  /** Loaded again by the next run, or never, as was asked. */
  readonly undone: number
  /** In the table again. */
  readonly completed: number
}
