import { IngestError } from '../errors/errors.ts'
import type { DamageFound } from '../model/verification.ts'
import { damageIn } from './damage.ts'
import { integerOf, isRecord, parsedRecord, textOf } from './decode.ts'
import { type LogListing, listWhole } from './listing.ts'
import { commitPath, LAST_CHECKPOINT } from './log-names.ts'
import type { TableLog } from './table-log.ts'
import { checkpointDifferences } from './verify-checkpoint.ts'

type LogIo = Pick<TableLog, 'blobs' | 'session'>

/** What a commit says of the batch that it is. */
export interface CommitMark {
  readonly version: bigint
  readonly batch: bigint
  readonly batchId: string
  readonly appId: string
}

export interface VerifiedLog {
  readonly found: readonly DamageFound[]
  readonly commits: number
  readonly checkpoints: number
  /** Batches of ours, oldest first. */
  readonly marks: readonly CommitMark[]
  /** Whether every commit since the first is there and can be read. */
  readonly isWhole: boolean
}

/** Looks at the log itself: versions without a gap, commits that can be read, checkpoints that say what the commits say. */
export async function verifyLog(io: LogIo): Promise<VerifiedLog> {
  const listing = await listWhole(io.blobs)
  const gaps = gapsOf(listing)
  const { found: damagedCommits, marks } = await readCommits(listing, io)
  const broken = new Set([...damagedCommits, ...gaps].flatMap(({ version }) => version ?? []))
  const checkpoints = await verifyCheckpoints(listing, broken, io)
  return {
    found: [...gaps, ...damagedCommits, ...checkpoints, ...(await verifyPointer(listing, io))],
    commits: listing.commits.length,
    checkpoints: listing.checkpoints.length,
    marks,
    isWhole: broken.size === 0 && listing.commits[0]?.version === 0n,
  }
}

/** Clean-up takes the oldest commits away, and those alone. */
function gapsOf({ commits, empty, checkpoints }: LogListing): readonly DamageFound[] {
  const versions = [...commits.map(({ version }) => version), ...empty].sort((a, b) => (a < b ? -1 : 1))
  const found: DamageFound[] = []
  const first = versions[0]
  if (first !== undefined && first > 0n && !checkpoints.some(({ version }) => version >= first - 1n)) found.push(gap(0n, first - 1n))
  for (const [index, version] of versions.entries()) {
    const before = versions[index - 1]
    if (before !== undefined && version > before + 1n) found.push(gap(before + 1n, version - 1n))
  }
  return found
}

function gap(from: bigint, to: bigint): DamageFound {
  const which = from === to ? `version ${from} is missing` : `versions ${from} to ${to} are missing`
  return { damage: 'log_gap', file: commitPath(from), version: from, detail: `${which}, and later ones are there` }
}

async function readCommits({ commits, empty }: LogListing, { blobs }: LogIo) {
  const found: DamageFound[] = empty.map((version) => commitDamage(version, 'the commit is an empty file'))
  const marks: CommitMark[] = []
  for (const { version } of commits) {
    const content = await blobs.read(commitPath(version))
    const lines = content === undefined ? [] : new TextDecoder().decode(content).split('\n')
    const bad = lines.findIndex((line) => line.trim() !== '' && parsedRecord(line) === undefined)
    if (bad >= 0) found.push(commitDamage(version, `line ${bad + 1} of the commit is no JSON object`))
    marks.push(...marksIn(lines, version))
  }
  return { found, marks }
}

function commitDamage(version: bigint, detail: string): DamageFound {
  return { damage: 'log_commit', file: commitPath(version), version, detail }
}

function marksIn(lines: readonly string[], version: bigint): readonly CommitMark[] {
  const line = lines.find((one) => one.startsWith('{"commitInfo"'))
  const info = line === undefined ? undefined : parsedRecord(line)?.['commitInfo']
  const own = isRecord(info) ? info['ingestd'] : undefined
  if (!isRecord(own)) return []
  const [batch, batchId, appId] = [integerOf(own['batch']), textOf(own['batchId']), textOf(own['appId'])]
  return batch === null || batchId === null || appId === null ? [] : [{ version, batch, batchId, appId }]
}

/** Each checkpoint against the one before it and the commits between them; where some of those are lost nothing can be compared. */
async function verifyCheckpoints(listing: LogListing, broken: ReadonlySet<bigint>, io: LogIo): Promise<readonly DamageFound[]> {
  const found: DamageFound[] = []
  let base = null
  for (const checkpoint of listing.checkpoints.toReversed()) {
    const from: bigint = base?.version ?? -1n
    const commits = listing.commits.filter(({ version }) => version > from && version <= checkpoint.version)
    const isUnbroken = BigInt(commits.length) === checkpoint.version - from && !commits.some(({ version }) => broken.has(version))
    const [path] = checkpoint.paths
    const about = { file: path ?? null, version: checkpoint.version }
    try {
      const details = await checkpointDifferences(base, checkpoint, isUnbroken ? commits : null, io)
      found.push(...details.map((detail) => ({ ...about, damage: 'checkpoint_differs' as const, detail })))
      base = checkpoint
    } catch (error) {
      const problem = error instanceof IngestError ? error.message : damageIn(error)
      if (problem === undefined) throw error
      found.push({ ...about, damage: 'checkpoint_unreadable', detail: `the checkpoint cannot be read: ${problem}` })
    }
  }
  return found
}

async function verifyPointer({ checkpoints, commits }: LogListing, { blobs }: LogIo): Promise<readonly DamageFound[]> {
  if (commits.length + checkpoints.length === 0) return []
  const content = await blobs.read(LAST_CHECKPOINT)
  if (content === undefined) return []
  const version = integerOf(parsedRecord(new TextDecoder().decode(content))?.['version'])
  const about = { damage: 'checkpoint_pointer', file: LAST_CHECKPOINT, version } as const
  if (version === null) return [{ ...about, detail: 'it does not name a version' }]
  if (checkpoints.some((one) => one.version === version)) return []
  return [{ ...about, detail: `it names the checkpoint of version ${version}, which is not there whole` }]
}
