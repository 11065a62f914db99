import type { Blobs } from '../blobs/blobs.ts'
import { TableError } from '../errors/errors.ts'
import { damaged } from './damage.ts'
import { integerOf, parsedRecord } from './decode.ts'
import { LAST_CHECKPOINT, LOG_FOLDER, padded, parseLogName } from './log-names.ts'

export interface Checkpoint {
  readonly version: bigint
  /** Relative to the table's root, part by part. */
  readonly paths: readonly string[]
}

/** What is in the log folder, sorted by version. */
export interface LogListing {
  readonly commits: readonly bigint[]
  /** Complete ones, newest first. */
  readonly checkpoints: readonly Checkpoint[]
  readonly hasV2Checkpoint: boolean
  /** Commits without a byte: a commit is put in place whole, so the file system lost them. */
  readonly empty: readonly bigint[]
}

/** Files that together give one version: a checkpoint, or none, and all commits after it. */
export interface LogSegment {
  readonly version: bigint
  readonly checkpoint: Checkpoint | null
  readonly commits: readonly bigint[]
}

/** The log from the checkpoint on that `_last_checkpoint` hints at; undefined where the hint does not hold. */
export async function listFromHint(blobs: Blobs): Promise<LogListing | undefined> {
  const hinted = await hintedVersion(blobs)
  if (hinted === undefined) return undefined
  const recent = await listFrom(blobs, padded(hinted))
  return recent.checkpoints.some((checkpoint) => checkpoint.version >= hinted) ? recent : undefined
}

export async function listWhole(blobs: Blobs): Promise<LogListing> {
  return listFrom(blobs, '')
}

/** Every commit that is still in the log folder. */
export async function allCommits(blobs: Blobs): Promise<readonly bigint[]> {
  return (await listFrom(blobs, '')).commits
}

/** Commits above a version, which must follow it without a gap. */
export async function commitsAfter(version: bigint, blobs: Blobs): Promise<readonly bigint[]> {
  const { commits, empty } = await listFrom(blobs, `${padded(version)}.json`)
  const newer = commits.filter((commit) => commit > version)
  checkFilled(version, empty, blobs)
  checkUnbroken(version + 1n, newer, blobs)
  return newer
}

/** Ways to read the newest version, the cheapest first; a later one serves where a checkpoint cannot be read. */
export function segmentsOf(listing: LogListing, blobs: Blobs): readonly LogSegment[] {
  const segments = listing.checkpoints.map((checkpoint) => segmentFrom(checkpoint, listing))
  if (listing.commits[0] === 0n) segments.push(segmentFrom(null, listing))
  const whole = segments.filter((segment) => isUnbroken(segment))
  const [newest] = whole
  if (newest) {
    checkFilled(newest.checkpoint?.version ?? -1n, listing.empty, blobs)
    return whole
  }
  if (listing.hasV2Checkpoint)
    throw new TableError('ING-TABLE-FEATURE', `${blobs.root} needs the feature 'v2Checkpoint', which ingestd does not read`)
  const [best] = segments
  if (best) checkUnbroken((best.checkpoint?.version ?? -1n) + 1n, best.commits, blobs)
  throw damaged(blobs, `it begins at version ${listing.commits[0]}, and no checkpoint is there`)
}

async function hintedVersion(blobs: Blobs): Promise<bigint | undefined> {
  const content = await blobs.read(LAST_CHECKPOINT)
  if (content === undefined) return undefined
  const version = integerOf(parsedRecord(new TextDecoder().decode(content))?.['version'])
  return version === null || version < 0n ? undefined : version
}

async function listFrom(blobs: Blobs, after: string): Promise<LogListing> {
  const commits: bigint[] = []
  const parts = new Map<string, string[]>()
  const empty: bigint[] = []
  let hasV2Checkpoint = false
  for (const entry of await blobs.list(LOG_FOLDER, after)) {
    const name = parseLogName(entry.path.slice(LOG_FOLDER.length + 1))
    if (name === undefined) continue
    if (name.kind === 'checkpointV2') hasV2Checkpoint = true
    else if (name.kind === 'checkpoint') listed(parts, `${name.version}/${name.parts}`).push(entry.path)
    else if (entry.size > 0n) commits.push(name.version)
    else empty.push(name.version)
  }
  const checkpoints = [...parts].flatMap(([key, paths]) => {
    const [version, count] = key.split('/')
    return paths.length === Number(count) ? [{ version: BigInt(version ?? '0'), paths }] : []
  })
  return { commits, checkpoints: checkpoints.sort((a, b) => Number(b.version - a.version)), hasV2Checkpoint, empty }
}

function segmentFrom(checkpoint: Checkpoint | null, listing: LogListing): LogSegment {
  const base = checkpoint?.version ?? -1n
  const commits = listing.commits.filter((version) => version > base)
  return { checkpoint, commits, version: commits.at(-1) ?? base }
}

function isUnbroken({ checkpoint, commits, version }: LogSegment): boolean {
  return version - (checkpoint?.version ?? -1n) === BigInt(commits.length)
}

function checkUnbroken(first: bigint, commits: readonly bigint[], blobs: Blobs): void {
  commits.forEach((commit, index) => {
    const expected = first + BigInt(index)
    if (commit !== expected) throw damaged(blobs, `version ${expected} is missing, version ${commit} is there`)
  })
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
