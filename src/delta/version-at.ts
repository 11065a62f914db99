import type { Blobs } from '../blobs/blobs.ts'
import type { Session } from '../engine/engine.ts'
import { sql } from '../engine/sql.ts'
import type { Metadata } from './actions.ts'
import { reading } from './damage.ts'
import { integerOf, parsedRecord, textOf } from './decode.ts'
import { hasInCommitTimestamps } from './in-commit-timestamp.ts'
import { type CommitFile, type LogListing, listWhole } from './listing.ts'
import { commitPath } from './log-names.ts'
import { commitRows } from './log-sql.ts'

/** When a version was committed. */
export interface CommitTime {
  readonly version: bigint
  /** Milliseconds since the epoch; later for a later version. */
  readonly atMs: number
}

interface LogIo {
  readonly blobs: Blobs
  readonly session: Session
}

/** The newest version that was there at a time; undefined for a time before all that the log still has. */
export async function versionAt(timestampMs: number, listing: LogListing, metadata: Metadata, io: LogIo): Promise<bigint | undefined> {
  const enabled = enablementOf(metadata)
  if (enabled !== undefined && timestampMs >= enabled.atMs) {
    const found = await lastInCommit(
      timestampMs,
      listing.commits.filter(({ version }) => version >= enabled.version),
      io,
    )
    if (found !== undefined) return found
  }
  const before = fileTimes(listing.commits).filter(({ version }) => enabled === undefined || version < enabled.version)
  return before.findLast(({ atMs }) => atMs <= timestampMs)?.version
}

/** When the versions were committed by which a time is looked up, of those that are asked for and still in the log; oldest first. */
export async function commitTimes(metadata: Metadata, io: LogIo, wanted?: readonly bigint[]): Promise<readonly CommitTime[]> {
  const { commits } = await listWhole(io.blobs)
  const chosen = new Set(wanted ?? commits.map(({ version }) => version))
  const enabled = enablementOf(metadata)
  const stamped = commits.filter(({ version }) => enabled !== undefined && version >= enabled.version && chosen.has(version))
  const inCommit = await inCommitTimes(stamped, io)
  return fileTimes(commits).flatMap(({ version, atMs }) => (chosen.has(version) ? [{ version, atMs: inCommit.get(version) ?? atMs }] : []))
}

/** From which version on commits say when they were made; undefined where they do not. */
function enablementOf(metadata: Metadata): CommitTime | undefined {
  if (!hasInCommitTimestamps(metadata)) return undefined
  const version = integerOf(metadata.configuration['delta.inCommitTimestampEnablementVersion'])
  const atMs = integerOf(metadata.configuration['delta.inCommitTimestampEnablementTimestamp'])
  // Without these the table has had them from its first version on.
  return version === null || atMs === null ? { version: 0n, atMs: Number.NEGATIVE_INFINITY } : { version, atMs: Number(atMs) }
}

/** Times of the files; a clock that went backwards makes a version a millisecond younger than the one before it. */
function fileTimes(commits: readonly CommitFile[]): readonly CommitTime[] {
  let last = Number.NEGATIVE_INFINITY
  return commits.map(({ version, modifiedMs }) => {
    last = Math.max(Math.floor(modifiedMs), last + 1)
    return { version, atMs: last }
  })
}

/** Times within commits grow with the version, so that a few of them tell. */
async function lastInCommit(timestampMs: number, commits: readonly CommitFile[], io: LogIo): Promise<bigint | undefined> {
  let low = 0
  let high = commits.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const commit = commits[middle]
    if (commit === undefined) break
    const atMs = (await inCommitTimes([commit], io)).get(commit.version)
    if (atMs !== undefined && atMs <= timestampMs) low = middle + 1
    else high = middle
  }
  return commits[low - 1]?.version
}

async function inCommitTimes(commits: readonly CommitFile[], { blobs, session }: LogIo): Promise<ReadonlyMap<bigint, number>> {
  if (commits.length === 0) return new Map()
  const paths = await blobs.fetch(commits.map(({ version }) => commitPath(version)))
  const rows = await reading(blobs, () =>
    session.rows(
      sql`select version, "commitInfo"::varchar as info from ${commitRows(paths, ['commitInfo'])} where "commitInfo" is not null`,
    ),
  )
  const times = rows.map(
    (row) => [integerOf(row['version']) ?? -1n, integerOf(parsedRecord(textOf(row['info']) ?? '')?.['inCommitTimestamp'])] as const,
  )
  return new Map(times.flatMap(([version, atMs]) => (atMs === null ? [] : [[version, Number(atMs)]])))
}
