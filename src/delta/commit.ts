import { ConflictError } from '../errors/errors.ts'
import type { Clock } from '../lib/clock.ts'
import { writeChecksum } from './checksum.ts'
import { type Attempt, type CommitContent, commitBytes, type Stamp } from './commit-content.ts'
import {
  type Conflict,
  type Intent,
  isolationOf,
  judge,
  type OwnBatch,
  ownBatch,
  type Settled,
  type Winner,
  winnersOf,
} from './conflict.ts'
import { hasInCommitTimestamps } from './in-commit-timestamp.ts'
import { allCommits } from './listing.ts'
import { putEntry } from './log-entry.ts'
import { parseSchema } from './schema.ts'
import type { LogState } from './snapshot.ts'
import type { TableLog } from './table-log.ts'

/** One commit as it is wanted, whatever version it gets. */
export interface PlannedCommit {
  readonly intent: Intent
  /** Checks the table and makes the content on top of a state; called again for each attempt. */
  readonly contentOn: (state: LogState | undefined, attempt: Attempt) => Promise<CommitContent>
  /** Puts the data files in their place; called before each attempt, and does it once. */
  readonly publish?: () => Promise<void>
}

/** The commit of a batch, which is made once whatever happens. */
export interface PlannedBatch extends PlannedCommit {
  readonly batch: OwnBatch
  /** Whether our batch is among those that were committed up to a later one; asked where the log does not reach back. */
  readonly wasLoadedBefore: (batch: bigint) => Promise<boolean>
}

export interface Committed {
  readonly kind: 'committed'
  readonly version: bigint
  readonly content: CommitContent
}

/** What makes attempts differ, so that a test can set it. */
export interface Chance {
  readonly newId: () => string
  /** 0 to below 1. */
  readonly random: () => number
  readonly sleep: (ms: number) => Promise<void>
}

export interface CommitIo extends Chance {
  readonly clock: Clock
  /** `ingestd/<version>`, as the log names its writer. */
  readonly engineInfo: string
  /** Told of what went wrong after a commit, which nothing may fail any more. */
  readonly warn: (message: string, cause: unknown) => void
}

/** Attempts against other writers before we give up; each loses to a commit that is in the log by then. */
const ATTEMPTS = 40
const MAX_PAUSE_MS = 1000

/**
 * Writes one entry to the log: THE COMMIT POINT. What others wrote since the plan was made is looked at first, and ours
 * goes on top of it where the two are compatible.
 */
export async function commitBatch(log: TableLog, planned: PlannedBatch, io: CommitIo): Promise<Committed | Settled | Conflict> {
  return commitOn(log, planned, io, async () => {
    const wasThere = log.state !== undefined
    const versions = await log.advance()
    if (!wasThere && log.state !== undefined) return (await settledBefore(log, planned, 0n)) ?? createdBy(log.state)
    const winners = await winnersOf(versions, planned.intent, log, planned.batch.appId)
    return ownBatch(winners, planned.batch) ?? judge(winners, planned.intent, log.state) ?? (await settledBefore(log, planned))
  })
}

/**
 * The same for a commit that loads nothing: optimize, vacuum, restore. The table exists. A conflict means that what it
 * rests on has changed: its files are discarded by the caller, and it may be planned again on `log.state`.
 */
export async function commitEntry(log: TableLog, planned: PlannedCommit, io: CommitIo): Promise<Committed | Conflict> {
  return commitOn(log, planned, io, async () =>
    judge(await winnersOf(await log.advance(), planned.intent, log, undefined), planned.intent, log.state),
  )
}

async function commitOn<J>(
  log: TableLog,
  planned: PlannedCommit,
  io: CommitIo,
  judged: () => Promise<J | undefined>,
): Promise<Committed | J> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const judgement = await judged()
    if (judgement !== undefined) return judgement
    const base = log.state
    const made = attemptOn(base, io)
    const content = await planned.contentOn(base, made)
    const stamp = stampOf(made, content, { base, planned, io })
    await planned.publish?.()
    if (await putEntry(log, made.version, commitBytes(content, stamp), made.txnId)) {
      const state = stateAfter(base, made, content)
      await log.committed(state)
      if (state) await told(io, log.name, () => writeChecksum(log.blobs, state, content, made.txnId))
      return { kind: 'committed', version: made.version, content }
    }
    await io.sleep(io.random() * Math.min(MAX_PAUSE_MS, 5 * 2 ** attempt))
  }
  throw new ConflictError('ING-TABLE-CONFLICT', `${log.name}: other writers were faster ${ATTEMPTS} times in a row`, {
    hint: 'it is tried again',
  })
}

async function told({ warn }: CommitIo, name: string, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    warn(`${name}: the checksum of the version could not be written`, error)
  }
}

/** A clock that goes backwards must not make a later version the older one, nor a file that is removed now look long gone. */
function attemptOn(base: LogState | undefined, { clock, newId }: CommitIo): Attempt {
  const timestampMs = base === undefined ? clock.now() : Math.max(clock.now(), base.committedAtMs + 1)
  return { version: (base?.version ?? -1n) + 1n, timestampMs, txnId: newId() }
}

function stampOf(
  made: Attempt,
  content: CommitContent,
  { base, planned, io }: { readonly base: LogState | undefined; readonly planned: PlannedCommit; readonly io: CommitIo },
): Stamp {
  const metadata = content.metadata ?? base?.metadata
  return {
    ...made,
    engine: io.engineInfo,
    isolationLevel: isolationOf(planned.intent, base),
    hasInCommitTimestamp: metadata !== undefined && hasInCommitTimestamps(metadata),
  }
}

/** How it stands with our batch where the log holds one of our application id from `from` on. */
async function settledBefore(
  log: TableLog,
  { intent, batch, wasLoadedBefore }: PlannedBatch,
  from = batch.batch,
): Promise<Settled | undefined> {
  const last = log.state?.txns.get(batch.appId)
  if (log.state === undefined || last === undefined || last.version < from) return undefined
  const found = await batchesFrom(from, log, { intent, batch })
  const ours = found.find((winner) => winner.batchId === batch.batchId)
  if (ours) return { kind: 'alreadyCommitted', version: ours.version }
  // The log may have been cleaned behind a checkpoint; the manifests go back to the first batch.
  if (await wasLoadedBefore(last.version)) return { kind: 'alreadyCommitted', version: log.state.version }
  const newest = found.at(-1)
  return { kind: 'overtaken', batch: newest?.batch ?? last.version, version: newest?.version ?? log.state.version }
}

async function batchesFrom(from: bigint, log: TableLog, planned: Pick<PlannedBatch, 'intent' | 'batch'>): Promise<readonly Winner[]> {
  const commits = await winnersOf(await allCommits(log.blobs), planned.intent, log, planned.batch.appId)
  return commits.filter(({ batch }) => batch !== null && batch >= from)
}

function createdBy({ version }: LogState): Conflict {
  return { kind: 'conflict', version, reason: 'another writer created the table' }
}

function stateAfter(base: LogState | undefined, made: Attempt, { txn, protocol, metadata, domains }: CommitContent): LogState | undefined {
  const newProtocol = protocol ?? base?.protocol
  const newMetadata = metadata ?? base?.metadata
  if (newProtocol === undefined || newMetadata === undefined) return undefined
  const settings = new Map(base?.domains)
  for (const domain of domains ?? []) {
    if (domain.removed) settings.delete(domain.domain)
    else settings.set(domain.domain, domain)
  }
  return {
    version: made.version,
    protocol: newProtocol,
    metadata: newMetadata,
    fields: metadata === undefined && base !== undefined ? base.fields : parseSchema(newMetadata.schemaString),
    txns: txn === undefined ? new Map(base?.txns) : new Map(base?.txns).set(txn.appId, txn),
    domains: settings,
    committedAtMs: made.timestampMs,
  }
}
