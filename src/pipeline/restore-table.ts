import { ConflictError, TableError } from '../errors/errors.ts'
import type { Clock } from '../lib/clock.ts'
import { failpoint } from '../lib/failpoint.ts'
import { type Batch, NO_STRATEGY_ROWS } from '../model/batch.ts'
import type { UndoneFiles } from '../model/manifest.ts'
import type { RestoreMoves, RestorePlan } from '../model/restore.ts'
import type { TableVersionAt } from '../stores/store.ts'
import { changedFilePolicy } from './policy.ts'
import type { Inspection, PlannedRestore, RestoreResult } from './protocol.ts'
import { adopt, FULL_DROP, type RecoverPass, recover } from './recover.ts'

export interface RestorePass extends Omit<RecoverPass, 'replaceAll'> {
  readonly clock: Clock
}

export interface WantedRestore {
  readonly at: TableVersionAt
  /** What becomes of files that were loaded after the version. */
  readonly files: UndoneFiles
  /** The current version by which this was decided; another one is refused. */
  readonly from?: bigint | undefined
}

/** What a restore did, or would do; `committed` is null where nothing was to be done, and of a preview. */
export interface Restored {
  readonly plan: RestorePlan
  readonly moves: RestoreMoves
  readonly committed: { readonly version: bigint; readonly batch: Batch } | null
}

/** Commits among which one that was made just now is looked for. */
const RECENT = 100

const NO_MOVES: RestoreMoves = { undone: 0, completed: 0 }

/** Makes the table what it was at an older version, as a batch of its own. The caller holds the table's lock. */
export async function restoreTable(pass: RestorePass, wanted: WantedRestore): Promise<Restored> {
  const { table, tracker, owner } = pass
  const inspection = await recover({ ...pass, replaceAll: false })
  const plan = await planOf(pass, wanted)
  if (plan.to === plan.from) return { plan, moves: NO_MOVES, committed: null }
  const batch = await tracker.claimEmpty(table.name, owner.id, highest(inspection))
  failpoint('after-claim')
  const result = await committedOf(pass, { batch, plan, inspection, files: wanted.files })
  failpoint('before-settle')
  const moves = await tracker.adoptRestore(result.adopted, changedFilePolicy(table))
  failpoint('after-settle')
  // Another process that took the table over may have settled it already, by the same log.
  return { plan: result.plan, moves: moves ?? NO_MOVES, committed: { version: result.version, batch } }
}

/** The same up to the commit, on a private copy of the tracker: what a restore would do. */
export async function previewRestore(pass: RestorePass, wanted: WantedRestore): Promise<Restored> {
  const { table, tracker, clock } = pass
  const inspection = await recover({ ...pass, replaceAll: false })
  const plan = await planOf(pass, wanted)
  if (plan.to === plan.from) return { plan, moves: NO_MOVES, committed: null }
  const number = (highest(inspection) ?? 0n) + 1n
  const moves = await tracker.adoptRestore(
    {
      manifest: {
        format: 2,
        appId: '',
        batch: number,
        batchId: `preview ${number}`,
        previous: inspection.lastBatch,
        table: table.name,
        createdAt: new Date(clock.now()).toISOString(),
        files: [],
        reader: null,
        sideFiles: [],
        restore: { version: plan.to, batch: plan.batch, files: wanted.files },
      },
      version: null,
      files: plan.changed,
    },
    changedFilePolicy(table),
  )
  return { plan, moves: moves ?? NO_MOVES, committed: null }
}

async function planOf({ table, tracker, worker }: RestorePass, wanted: WantedRestore): Promise<PlannedRestore> {
  if ((await tracker.recall(table.name, FULL_DROP)) === 'begun') {
    throw new TableError('ING-TABLE-RESTORE', `${table.name}: a full drop has begun, and its files are not loaded yet`, {
      hint: `finish it first: ingest run --tables ${table.name}`,
    })
  }
  const plan = await worker.planRestore({ table, trackerId: tracker.id, at: wanted.at })
  if (wanted.from !== undefined && plan.from !== wanted.from) throw changed(table.name, `version ${plan.from} was committed meanwhile`)
  return plan
}

interface Claimed {
  readonly batch: Batch
  readonly plan: PlannedRestore
  readonly inspection: Inspection
  readonly files: UndoneFiles
}

type Committed = Extract<RestoreResult, { kind: 'committed' }>

async function committedOf(pass: RestorePass, claimed: Claimed): Promise<Committed> {
  const { table, tracker, worker, clock } = pass
  const { batch, plan, inspection, files } = claimed
  const at = new Date(clock.now()).toISOString()
  const { lastBatch } = inspection
  let result: RestoreResult
  try {
    result = await worker.restore({ table, batch, trackerId: tracker.id, lastBatch, version: plan.to, from: plan.from, files, at })
  } catch (error) {
    const committed = await foundInLog(claimed, pass)
    if (committed === undefined) throw error
    return committed
  }
  if (result.kind === 'committed') return result
  const committed = await foundInLog(claimed, pass)
  if (committed === undefined) throw changed(table.name, result.reason)
  return committed
}

/** The load process failed or died, or gave up: whether it had committed is asked of the log. What is not there ends without a trace. */
async function foundInLog({ batch, plan }: Claimed, pass: RestorePass): Promise<Committed | undefined> {
  const { table, tracker, worker, owner } = pass
  // A log that cannot be read now is asked by the next pass; until then the batch is left as it is.
  const inspection = await worker.inspect(table, tracker.id, await tracker.lastCommittedBatch(table.name)).catch(() => undefined)
  if (inspection === undefined) return undefined
  const found = inspection.batches.find(({ manifest }) => manifest.batchId === batch.id)
  if (found?.kind === 'restore') {
    const commits = await worker.history(table, RECENT).catch(() => [])
    const version = commits.find(({ batchId }) => batchId === batch.id)?.version ?? plan.from + 1n
    return { kind: 'committed', version, plan, adopted: { ...found, version } }
  }
  await adopt(pass, inspection)
  const nothing = { version: null, files: [], rows: NO_STRATEGY_ROWS, bytes: 0n, warnings: [] }
  await tracker.settle(table.name, owner.id, { batchId: batch.id, number: batch.number, ...nothing })
  return undefined
}

function changed(table: string, reason: string): ConflictError {
  return new ConflictError('ING-TABLE-CONFLICT', `${table} was not restored: ${reason}`, {
    hint: `look at it (ingest history ${table}), and restore it again`,
  })
}

function highest({ lastBatch, highestManifest }: Inspection): bigint | null {
  if (lastBatch === null || highestManifest === null) return lastBatch ?? highestManifest
  return lastBatch > highestManifest ? lastBatch : highestManifest
}
