import { ConflictError, UnavailableError } from '../errors/errors.ts'
import { failpoint } from '../lib/failpoint.ts'
import { type CommitContent, commitBytes } from './commit-content.ts'
import { type Intent, type Judgement, judge, type Winner, winnersOf } from './conflict.ts'
import { isRecord, parsedRecord } from './decode.ts'
import { allCommits } from './listing.ts'
import { commitPath } from './log-names.ts'
import { parseSchema } from './schema.ts'
import type { LogState } from './snapshot.ts'
import type { TableLog } from './table-log.ts'

/** One commit as it is wanted, whatever version it gets. */
export interface PlannedCommit {
  readonly intent: Intent
  readonly batch: bigint
  /** Checks the table and makes the content on top of a state; called again for each attempt. */
  readonly contentOn: (state: LogState | undefined, txnId: string) => Promise<CommitContent>
  /** Puts the data files in their place; called before each attempt, and does it once. */
  readonly publish: () => Promise<void>
  /** Whether our batch is among those that were committed up to a later one; asked where the log does not reach back. */
  readonly wasLoadedBefore: (batch: bigint) => Promise<boolean>
}

export type CommitResult = { readonly kind: 'committed'; readonly version: bigint; readonly content: CommitContent } | Judgement

/** What makes attempts differ, so that a test can set it. */
export interface Chance {
  readonly newId: () => string
  /** 0 to below 1. */
  readonly random: () => number
  readonly sleep: (ms: number) => Promise<void>
}

/** The put failed, and so did looking whether our entry is in the log: it may be. */
export class UncertainCommitError extends UnavailableError {}

/** Attempts against other writers before we give up; each loses to a commit that is in the log by then. */
const ATTEMPTS = 40
const MAX_PAUSE_MS = 1000

/**
 * Writes one entry to the log: THE COMMIT POINT. What others wrote since the plan was made is looked at first, and ours
 * goes on top of it where the two are compatible.
 */
export async function commitBatch(log: TableLog, planned: PlannedCommit, chance: Chance): Promise<CommitResult> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const judgement = (await judgeNewer(log, planned)) ?? (await settledBefore(log, planned))
    if (judgement) return judgement
    const base = log.state
    const version = (base?.version ?? -1n) + 1n
    const txnId = chance.newId()
    const content = await planned.contentOn(base, txnId)
    await planned.publish()
    if (await put(log, version, commitBytes(content), txnId)) {
      await log.committed(stateAfter(base, version, content))
      return { kind: 'committed', version, content }
    }
    await chance.sleep(chance.random() * Math.min(MAX_PAUSE_MS, 5 * 2 ** attempt))
  }
  throw new ConflictError('ING-TABLE-CONFLICT', `${log.name}: other writers were faster ${ATTEMPTS} times in a row`, {
    hint: 'it is tried again',
  })
}

/** Reads what others wrote since, and whether ours can go on top of it. */
async function judgeNewer(log: TableLog, planned: PlannedCommit): Promise<Judgement | undefined> {
  const wasThere = log.state !== undefined
  const versions = await log.advance()
  if (wasThere) return judge(await winnersOf(versions, planned.intent, log.blobs, log.session), planned.intent)
  if (log.state === undefined) return undefined
  const { version } = log.state
  return (await settledBefore(log, planned, 0n)) ?? { kind: 'conflict', version, reason: 'another writer created the table' }
}

/** How it stands with our batch where the log holds one of our application id from `from` on. */
async function settledBefore(
  log: TableLog,
  { intent, batch, wasLoadedBefore }: PlannedCommit,
  from = batch,
): Promise<Judgement | undefined> {
  const last = log.state?.txns.get(intent.appId)
  if (log.state === undefined || last === undefined || last.version < from) return undefined
  const found = await batchesFrom(from, log, intent)
  const ours = found.find((winner) => winner.batchId === intent.batchId)
  if (ours) return { kind: 'alreadyCommitted', version: ours.version }
  // The log may have been cleaned behind a checkpoint; the manifests go back to the first batch.
  if (await wasLoadedBefore(last.version)) return { kind: 'alreadyCommitted', version: log.state.version }
  const newest = found.at(-1)
  return { kind: 'overtaken', batch: newest?.batch ?? last.version, version: newest?.version ?? log.state.version }
}

async function batchesFrom(from: bigint, log: TableLog, intent: Intent): Promise<readonly Winner[]> {
  const commits = await winnersOf(await allCommits(log.blobs), intent, log.blobs, log.session)
  return commits.filter(({ batch }) => batch !== null && batch >= from)
}

/** True when our entry is in the log under the version, false when that of another is. */
async function put(log: TableLog, version: bigint, content: Uint8Array, txnId: string): Promise<boolean> {
  failpoint('commit-before-link')
  const created = await putOnce(log, version, content, txnId)
  if (created) failpoint('commit-after-link')
  return created
}

async function putOnce(log: TableLog, version: bigint, content: Uint8Array, txnId: string): Promise<boolean> {
  try {
    const answer = await log.blobs.putIfAbsent(commitPath(version), content)
    // A storage that retries by itself may tell `exists` of what its own first try made.
    return answer === 'created' || (await isOurs(log, version, txnId))
  } catch (error) {
    // After a lost answer the commit may be there although we never heard.
    if (await isOurs(log, version, txnId, error)) return true
    throw error
  }
}

async function isOurs(log: TableLog, version: bigint, txnId: string, failure?: unknown): Promise<boolean> {
  try {
    const content = await log.blobs.read(commitPath(version))
    if (content === undefined) return false
    const end = content.indexOf(0x0a)
    const info = parsedRecord(new TextDecoder().decode(end < 0 ? content : content.subarray(0, end)))?.['commitInfo']
    return isRecord(info) && info['txnId'] === txnId
  } catch (error) {
    throw new UncertainCommitError('ING-STORAGE', `${log.name}: it is not known whether version ${version} was written`, {
      cause: failure ?? error,
    })
  }
}

function stateAfter(base: LogState | undefined, version: bigint, { info, txn, protocol, metadata }: CommitContent): LogState | undefined {
  const newProtocol = protocol ?? base?.protocol
  const newMetadata = metadata ?? base?.metadata
  if (newProtocol === undefined || newMetadata === undefined) return undefined
  return {
    version,
    protocol: newProtocol,
    metadata: newMetadata,
    fields: metadata === undefined && base !== undefined ? base.fields : parseSchema(newMetadata.schemaString),
    txns: new Map(base?.txns).set(txn.appId, txn),
    domains: base?.domains ?? new Map(),
    committedAtMs: info.timestampMs,
  }
}
