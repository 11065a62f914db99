import type { Blobs } from '../blobs/blobs.ts'
import { openCheckpoint } from '../delta/checkpoint-read.ts'
import { integerOf } from '../delta/decode.ts'
import { parseRetention } from '../delta/interval.ts'
import { type Checkpoint, type CommitFile, type LogListing, listWhole } from '../delta/listing.ts'
import { LOG_FOLDER, parseLogName } from '../delta/log-names.ts'
import type { LogState } from '../delta/snapshot.ts'
import type { Session } from '../engine/engine.ts'
import { id, sql } from '../engine/sql.ts'
import { failpoint } from '../lib/failpoint.ts'

export interface LogCleanup {
  readonly state: LogState
  readonly blobs: Blobs
  readonly session: Session
  readonly nowMs: number
  /** Of the config. */
  readonly retentionMs: number
}

/** The longer of what the table says and what the config says: neither shall lose a version that it counts on. */
function logRetention({ metadata }: LogState, configuredMs: number): number {
  return Math.max(parseRetention(metadata.configuration['delta.logRetentionDuration'], 0), configuredMs)
}

/**
 * Deletes what the log holds below the newest checkpoint that is older than the retention: versions since the cut-off
 * can still be opened, and the commit at the checkpoint stays, since it tells when that version was made. Oldest first,
 * so that what is left after a kill has no gap. The number of files deleted.
 */
export async function cleanLog(cleanup: LogCleanup): Promise<number> {
  const { state, blobs, session, nowMs, retentionMs } = cleanup
  if (state.metadata.configuration['delta.enableExpiredLogCleanup']?.trim().toLowerCase() === 'false') return 0
  const listing = await listWhole(blobs)
  const base = baseAt(listing, nowMs - logRetention(state, retentionMs))
  if (base === undefined || !(await isWhole(base, blobs, session))) return 0
  const expired = await expiredFiles(base.version, blobs)
  for (const [index, path] of expired.entries()) {
    await blobs.remove(path)
    if (index === Math.floor(expired.length / 2)) failpoint('log-cleanup-half-way')
  }
  return expired.length
}

/** The newest checkpoint whose version, and all before it, were made before the cut-off. */
function baseAt({ commits, checkpoints }: LogListing, cutoffMs: number): Checkpoint | undefined {
  const old = lastBefore(commits, cutoffMs)
  return old === undefined
    ? undefined
    : checkpoints.find(({ version }) => version <= old && commits.some((commit) => commit.version === version))
}

/** Times of files need not rise with the versions, as after a copy: the first young one ends the old ones. */
function lastBefore(commits: readonly CommitFile[], cutoffMs: number): bigint | undefined {
  const young = commits.findIndex(({ modifiedMs }) => modifiedMs >= cutoffMs)
  return (young < 0 ? commits : commits.slice(0, young)).at(-1)?.version
}

/** A checkpoint that cannot be read is no base to delete anything on. */
async function isWhole(base: Checkpoint, blobs: Blobs, session: Session): Promise<boolean> {
  try {
    const { control } = await openCheckpoint(base, blobs, session)
    const counts = { protocol: 0n, metaData: 0n }
    for (const { rows, shape } of control) {
      for (const action of ['protocol', 'metaData'] as const) {
        const key = action === 'protocol' ? 'minReaderVersion' : 'id'
        if (!shape.has(action)) continue
        const [row] = await session.rows(sql`select count(${id(action)}.${id(key)}) as actions from ${rows}`)
        counts[action] += integerOf(row?.['actions']) ?? 0n
      }
    }
    return counts.protocol === 1n && counts.metaData === 1n
  } catch {
    return false // Whatever is wrong with it, the log is then left as it is.
  }
}

/** Commits, checkpoints, compactions and checksums of versions below the base, by version. */
async function expiredFiles(base: bigint, blobs: Blobs): Promise<readonly string[]> {
  const files: string[] = []
  for (const { path } of await blobs.list(LOG_FOLDER)) {
    const name = path.slice(LOG_FOLDER.length + 1)
    const version = versionOf(name)
    if (version !== undefined && version < base) files.push(path)
  }
  return files
}

/** Stray names are not ours to judge. */
function versionOf(name: string): bigint | undefined {
  const known = parseLogName(name)
  if (known?.kind === 'compaction') return known.from
  if (known !== undefined) return known.version
  const [, digits] = /^(\d{20})\.crc$/.exec(name) ?? []
  return digits === undefined ? undefined : BigInt(digits)
}
