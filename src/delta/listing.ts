import type { BlobEntry, Blobs } from '../blobs/blobs.ts'
import { damaged, replaced } from './damage.ts'
import { integerOf, parsedRecord } from './decode.ts'
import { commitPath, LAST_CHECKPOINT, LOG_FOLDER, padded, parseLogName } from './log-names.ts'

export interface Checkpoint {
  readonly version: bigint
  /** Relative to the table's root, part by part; without sidecars. */
  readonly paths: readonly string[]
  /** How many files the table had, where the hint tells. */
  readonly files: bigint | null
}

/** A commit as the listing shows it. It is put in place whole and never changes: other bytes or another time mean another log. */
export interface CommitFile {
  readonly version: bigint
  readonly size: bigint
  /** Milliseconds since the epoch. */
  readonly modifiedMs: number
  readonly etag?: string
}

/** The actions of the commits `from` to `version` in one file; what some writers add to speed reading up. */
export interface Compaction {
  readonly from: bigint
  readonly version: bigint
  readonly path: string
}

/** What is in the log folder, sorted by version. */
export interface LogListing {
  readonly commits: readonly CommitFile[]
  /** Complete ones, newest first. */
  readonly checkpoints: readonly Checkpoint[]
  readonly compactions: readonly Compaction[]
  /** Commits without a byte: a commit is put in place whole, so the file system lost them. */
  readonly empty: readonly bigint[]
}

/** Files that together give one version: a checkpoint, or none, and all commits after it. */
export interface LogSegment {
  readonly version: bigint
  readonly checkpoint: Checkpoint | null
  readonly commits: readonly CommitFile[]
  /** What stands for some of the commits. */
  readonly compactions: readonly Compaction[]
}

/** Versions that the log can still give. */
export interface VersionRange {
  readonly oldest: bigint
  readonly newest: bigint
}

/** The log from the checkpoint on that `_last_checkpoint` hints at; undefined where the hint does not hold, or is above `at`. */
export async function listFromHint(blobs: Blobs, at?: bigint): Promise<LogListing | undefined> {
  const hint = await readHint(blobs)
  if (hint === undefined || (at !== undefined && hint.version > at)) return undefined
  const recent = await listFrom(blobs, padded(hint.version))
  if (!recent.checkpoints.some((checkpoint) => checkpoint.version >= hint.version)) return undefined
  const checkpoints = recent.checkpoints.map((checkpoint) =>
    checkpoint.version === hint.version ? { ...checkpoint, files: hint.files } : checkpoint,
  )
  return { ...recent, checkpoints }
}

export async function listWhole(blobs: Blobs): Promise<LogListing> {
  return listFrom(blobs, '')
}

/** Every commit that is still in the log folder. */
export async function allCommits(blobs: Blobs): Promise<readonly bigint[]> {
  return (await listFrom(blobs, '')).commits.map((commit) => commit.version)
}

/**
 * Commits above one that was read before, without a gap. The one that was read must still be there as it was, unless the
 * log was cleaned up behind a checkpoint: else it is another log, and what is known of the table is not true any more.
 */
export async function commitsAfter(known: KnownCommit, blobs: Blobs): Promise<Newer> {
  const { version } = known
  const { commits, checkpoints, empty } = await listFrom(blobs, padded(version))
  const again = commits.find((commit) => commit.version === version)
  const newer = commits.filter((commit) => commit.version > version)
  if (again === undefined && newer.length === 0 && checkpoints.length === 0) throw replaced(blobs, `version ${version} is gone`)
  if (again !== undefined) checkSame(known, again, blobs)
  checkFilled(version - 1n, empty, blobs)
  checkUnbroken(version + 1n, newer, blobs)
  return { again: again ?? null, newer }
}

/** What is above a known commit, and that commit as it is listed now; null where it was cleaned up. */
export interface Newer {
  readonly again: CommitFile | null
  readonly newer: readonly CommitFile[]
}

/** A commit of which size and time are known as far as it was listed; our own are listed later than they are made. */
export interface KnownCommit {
  readonly version: bigint
  readonly listed: CommitFile | null
}

/** Refuses a log of which a commit was replaced since it was read. */
export async function checkCommits(known: readonly CommitFile[], blobs: Blobs): Promise<void> {
  const [first] = known
  if (first === undefined) return
  const listed = new Map((await listFrom(blobs, padded(first.version))).commits.map((commit) => [commit.version, commit]))
  for (const commit of known) {
    const now = listed.get(commit.version)
    if (now !== undefined) checkSame({ version: commit.version, listed: commit }, now, blobs)
  }
}

/** Ways to read the newest version, or the version `at`, the cheapest first; a later one serves where a checkpoint cannot be read. */
export function segmentsOf(listing: LogListing, blobs: Blobs, at?: bigint): readonly LogSegment[] {
  const segments = listing.checkpoints
    .filter((checkpoint) => at === undefined || checkpoint.version <= at)
    .map((checkpoint) => segmentFrom(checkpoint, listing, at))
  if (listing.commits[0]?.version === 0n) segments.push(segmentFrom(null, listing, at))
  const whole = segments.filter((segment) => isUnbroken(segment) && (at === undefined || segment.version === at))
  const [newest] = whole
  if (newest) {
    if (at === undefined) checkFilled(newest.checkpoint?.version ?? -1n, listing.empty, blobs)
    // A compaction is a copy: where it cannot be read, its commits can.
    return whole.flatMap((segment) => (segment.compactions.length === 0 ? [segment] : [segment, { ...segment, compactions: [] }]))
  }
  if (at !== undefined) return []
  const [best] = segments
  if (best) checkUnbroken((best.checkpoint?.version ?? -1n) + 1n, best.commits, blobs)
  throw damaged(blobs, `it begins at version ${listing.commits[0]?.version}, and no checkpoint is there`)
}

/** A file of the log and the (last) version that it stands for. */
export interface LogFile {
  readonly version: bigint
  readonly path: string
}

/** The files from which the versions above the checkpoint are read, in their order. */
export function filesOf({ commits, compactions }: LogSegment): readonly LogFile[] {
  const rest = commits.filter(({ version }) => !compactions.some((one) => one.from <= version && version <= one.version))
  return [...rest.map(({ version }) => logFile(version)), ...compactions].toSorted((a, b) => Number(a.version - b.version))
}

export function logFile(version: bigint): LogFile {
  return { version, path: commitPath(version) }
}

/** The versions up to the newest one that the files in the folder give; undefined for a log that is damaged. */
export function rangeOf(listing: LogListing): VersionRange | undefined {
  const versions = new Set(listing.commits.map((commit) => commit.version))
  const bases = new Set(listing.checkpoints.map((checkpoint) => checkpoint.version))
  const newest = [...versions, ...bases].reduce((highest, version) => (version > highest ? version : highest), -1n)
  let oldest: bigint | undefined
  for (let version = newest; version >= 0n; version -= 1n) {
    if (bases.has(version) || (version === 0n && versions.has(0n))) oldest = version
    if (!versions.has(version)) break
  }
  return oldest === undefined ? undefined : { oldest, newest }
}

async function readHint(blobs: Blobs): Promise<{ readonly version: bigint; readonly files: bigint | null } | undefined> {
  const content = await blobs.read(LAST_CHECKPOINT)
  const hint = content === undefined ? undefined : parsedRecord(new TextDecoder().decode(content))
  const version = integerOf(hint?.['version'])
  if (version === null || version < 0n) return undefined
  return { version, files: integerOf(hint?.['numOfAddFiles']) ?? integerOf(hint?.['size']) }
}

async function listFrom(blobs: Blobs, after: string): Promise<LogListing> {
  const commits: CommitFile[] = []
  const parts = new Map<string, string[]>()
  const compactions: Compaction[] = []
  const empty: bigint[] = []
  for (const entry of await blobs.list(LOG_FOLDER, after)) {
    const name = parseLogName(entry.path.slice(LOG_FOLDER.length + 1))
    if (name === undefined) continue
    if (name.kind === 'checkpointV2') listed(parts, `${name.version}/1/${entry.path}`).push(entry.path)
    else if (name.kind === 'checkpoint') listed(parts, `${name.version}/${name.parts}`).push(entry.path)
    else if (name.kind === 'compaction') compactions.push({ from: name.from, version: name.version, path: entry.path })
    else if (entry.size > 0n) commits.push(commitFile(name.version, entry))
    else empty.push(name.version)
  }
  const checkpoints = [...parts].flatMap(([key, paths]) => {
    const [version, count] = key.split('/')
    return paths.length === Number(count) ? [{ version: BigInt(version ?? '0'), paths, files: null }] : []
  })
  return { commits, checkpoints: checkpoints.sort((a, b) => Number(b.version - a.version)), compactions, empty }
}

function commitFile(version: bigint, { size, modifiedMs, etag }: BlobEntry): CommitFile {
  return { version, size, modifiedMs, ...(etag === undefined ? {} : { etag }) }
}

function segmentFrom(checkpoint: Checkpoint | null, listing: LogListing, at: bigint | undefined): LogSegment {
  const base = checkpoint?.version ?? -1n
  const commits = listing.commits.filter(({ version }) => version > base && (at === undefined || version <= at))
  const version = commits.at(-1)?.version ?? base
  return { checkpoint, commits, version, compactions: chosen(listing.compactions, base, version) }
}

/** Compactions that follow one another, none above the version that is read. */
function chosen(compactions: readonly Compaction[], base: bigint, last: bigint): readonly Compaction[] {
  const usable = compactions.filter(({ from, version }) => from > base && version <= last)
  const kept: Compaction[] = []
  // By their first version, and of those the widest.
  for (const one of usable.toSorted((a, b) => Number(a.from - b.from) || Number(b.version - a.version)))
    if (one.from > (kept.at(-1)?.version ?? base)) kept.push(one)
  return kept
}

function isUnbroken({ checkpoint, commits, version }: LogSegment): boolean {
  return version >= 0n && version - (checkpoint?.version ?? -1n) === BigInt(commits.length)
}

function checkUnbroken(first: bigint, commits: readonly CommitFile[], blobs: Blobs): void {
  commits.forEach(({ version }, index) => {
    const expected = first + BigInt(index)
    if (version !== expected) throw damaged(blobs, `version ${expected} is missing, version ${version} is there`)
  })
}

function checkSame({ version, listed: before }: KnownCommit, now: CommitFile, blobs: Blobs): void {
  if (before === null || (before.size === now.size && before.modifiedMs === now.modifiedMs && before.etag === now.etag)) return
  throw replaced(blobs, `version ${version} was written again`)
}

function checkFilled(base: bigint, empty: readonly bigint[], blobs: Blobs): void {
  const lost = empty.find((version) => version > base)
  if (lost !== undefined) throw damaged(blobs, `version ${lost} is an empty file`)
}

function listed<K, V>(lists: Map<K, V[]>, key: K): V[] {
  const list = lists.get(key) ?? []
  lists.set(key, list)
  return list
}
