/** Folder of the log under a table's root. */
export const LOG_FOLDER = '_delta_log'

/** Folder of the Parquet files with the file actions of v2 checkpoints. */
export const SIDECAR_FOLDER = `${LOG_FOLDER}/_sidecars`

/** The hint that names the newest checkpoint. */
export const LAST_CHECKPOINT = `${LOG_FOLDER}/_last_checkpoint`

/** What a name in the log folder stands for; undefined for every stray name, which readers pass over. */
export type LogName =
  | { readonly kind: 'commit'; readonly version: bigint }
  | { readonly kind: 'checkpoint'; readonly version: bigint; readonly part: number; readonly parts: number }
  /** A checkpoint of the v2 kind, named by a UUID: whole in one file but for its sidecars. */
  | { readonly kind: 'checkpointV2'; readonly version: bigint }
  /** The reconciled actions of a range of commits. */
  | { readonly kind: 'compaction'; readonly from: bigint; readonly version: bigint }

export function padded(version: bigint): string {
  return version.toString().padStart(20, '0')
}

export function commitPath(version: bigint): string {
  return `${LOG_FOLDER}/${padded(version)}.json`
}

export function checkpointPath(version: bigint): string {
  return `${LOG_FOLDER}/${padded(version)}.checkpoint.parquet`
}

/** What the table adds up to at a version. */
export function checksumPath(version: bigint): string {
  return `${LOG_FOLDER}/${padded(version)}.crc`
}

/** Reads the name of a file in the log folder, without the folder. */
export function parseLogName(name: string): LogName | undefined {
  const [, digits, rest] = /^(\d{20})\.(.+)$/.exec(name) ?? []
  if (digits === undefined || rest === undefined) return undefined
  const version = BigInt(digits)
  if (rest === 'json') return { kind: 'commit', version }
  if (rest === 'checkpoint.parquet') return { kind: 'checkpoint', version, part: 1, parts: 1 }
  const [, part, parts] = /^checkpoint\.(\d{10})\.(\d{10})\.parquet$/.exec(rest) ?? []
  if (part !== undefined && parts !== undefined) return { kind: 'checkpoint', version, part: Number(part), parts: Number(parts) }
  const [, last] = /^(\d{20})\.compacted\.json$/.exec(rest) ?? []
  if (last !== undefined) return BigInt(last) > version ? { kind: 'compaction', from: version, version: BigInt(last) } : undefined
  return /^checkpoint\.[0-9a-fA-F-]{36}\.(json|parquet)$/.test(rest) ? { kind: 'checkpointV2', version } : undefined
}
