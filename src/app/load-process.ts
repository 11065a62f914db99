import { Child } from '../engine/child.ts'
import type { OptimizeResult, VacuumResult } from '../model/maintenance.ts'
import type { TakenOutFile } from '../model/manifest.ts'
import type { RemovedTwice, ValidateResult } from '../model/validation.ts'
import type { TableVerification } from '../model/verification.ts'
import type {
  AheadRequest,
  DiscardedRows,
  Inspection,
  LoadJob,
  LoadResult,
  LoadWorker,
  PlannedRestore,
  Preview,
  RestoreResult,
  ResubmitResult,
  UnloadResult,
} from '../pipeline/protocol.ts'
import type { HistoryEntry, SchemaVersion } from '../stores/store.ts'
import type { AdoptedTable, AdoptJob } from './adopt-table.ts'
import { workerEntry } from './places.ts'
import type { PublishJob, PublishResult } from './published-table.ts'
import type { WorkerArguments } from './worker.ts'

export interface LoadProcess extends LoadWorker, AsyncDisposable {
  /** Starts the process, so that the first call finds it ready. */
  start(): void
  /** Hands a table over to a tracker. Under the table's lease. */
  adopt(job: AdoptJob): Promise<AdoptedTable>
  /** Makes a table of rows of the tracker. Under the table's lease. */
  publish(job: PublishJob): Promise<PublishResult>
  /** Ends the process, which must have no work; the next call starts another. */
  retire(): Promise<void>
  /** How long the process has been running, and its resident size when it last answered; 0 without one. */
  readonly ageMs: number
  readonly residentBytes: number
}

interface LoadProcessOptions extends WorkerArguments {
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** How long one that was interrupted may go on before it is killed. */
  readonly graceMs?: number | undefined
}

/** A load process as the pipeline sees it. Started by its first call, and again after a crash. */
export function loadProcess({ limits, spool, timeoutMs, signal, graceMs }: LoadProcessOptions): LoadProcess {
  const child = new Child(workerEntry(), { limits, spool } satisfies WorkerArguments, graceMs)
  // Both ends are of one build, so answers have the shape that the method declares.
  return {
    start: () => child.start(),
    retire: () => child.retire(),
    get ageMs() {
      return child.ageMs
    },
    get residentBytes() {
      return child.residentBytes
    },
    // Whoever was interrupted asks the log all the same.
    inspect: async (table, trackerId, known) => (await child.call('inspect', { table, trackerId, known }, { timeoutMs })) as Inspection,
    recover: async (table, trackerId, known) =>
      (await child.call('recover', { table, trackerId, known }, { timeoutMs, signal })) as Inspection,
    lookAhead: (request: AheadRequest) => child.tell('lookAhead', request),
    load: async (job: LoadJob, onProgress) => (await child.call('load', job, { onProgress, timeoutMs, signal })) as LoadResult,
    preview: async (job, count) => (await child.call('preview', { job, count }, { timeoutMs, signal })) as Preview,
    planRestore: async (question) => (await child.call('planRestore', question, { timeoutMs, signal })) as PlannedRestore,
    restore: async (job) => (await child.call('restore', job, { timeoutMs, signal })) as RestoreResult,
    planUnload: async (question) => (await child.call('planUnload', question, { timeoutMs, signal })) as readonly TakenOutFile[],
    laterFiles: async (question) => (await child.call('laterFiles', question, { timeoutMs, signal })) as readonly string[] | null,
    unload: async (job) => (await child.call('unload', job, { timeoutMs, signal })) as UnloadResult,
    mendedTables: async (file) => (await child.call('mendedTables', file, { signal })) as readonly string[],
    checkMended: async (question) => void (await child.call('checkMended', question, { signal })),
    resubmit: async (job) => (await child.call('resubmit', job, { timeoutMs, signal })) as ResubmitResult,
    discard: async (job) => (await child.call('discard', job, { timeoutMs, signal })) as readonly DiscardedRows[],
    // No time limit: the work is bounded by the table, and each commit of it stays.
    optimize: async (table, request) => (await child.call('optimize', { table, request }, { signal })) as OptimizeResult,
    vacuum: async (table, request) => (await child.call('vacuum', { table, request }, { signal })) as VacuumResult,
    validate: async (table, request) => (await child.call('validate', { table, request }, { signal })) as ValidateResult,
    trackerOf: async (table) => (await child.call('trackerOf', table)) as string | null,
    adopt: async (job) => (await child.call('adopt', job, { signal })) as AdoptedTable,
    publish: async (job) => (await child.call('publish', job, { timeoutMs, signal })) as PublishResult,
    verify: async (table, trackerId) => (await child.call('verify', { table, trackerId }, { signal })) as TableVerification,
    removedTwice: async (table) => (await child.call('removedTwice', table)) as readonly RemovedTwice[],
    checkExpectations: async (table) => void (await child.call('checkExpectations', table)),
    history: async (table, limit) => (await child.call('history', { table, limit })) as readonly HistoryEntry[],
    schemaHistory: async (table, limit) => (await child.call('schemaHistory', { table, limit })) as readonly SchemaVersion[],
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
}
