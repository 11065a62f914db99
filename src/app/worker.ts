import { join } from 'node:path'
import { type Landing, localLanding } from '../blobs/landing.ts'
import { processFolder, removeAbandoned } from '../blobs/landing-folders.ts'
import { FetchedObjects, objectLanding } from '../blobs/landing-objects.ts'
import { BLOB_STORES } from '../blobs/registry.ts'
import { openSession, prepareSession } from '../engine/duckdb.ts'
import type { EngineLimits, Session } from '../engine/engine.ts'
import { type Service, serve } from '../engine/serve.ts'
import { LookAhead } from '../formats/ahead.ts'
import { withModule } from '../formats/polars/module.ts'
import type { Warning } from '../model/batch.ts'
import type { FileSeen } from '../model/file.ts'
import type { OptimizeRequest, VacuumRequest } from '../model/maintenance.ts'
import { quarantineOf } from '../model/quarantine.ts'
import type { TableConfig } from '../model/table.ts'
import type { ValidateRequest } from '../model/validation.ts'
import type { LoadContext } from '../pipeline/context.ts'
import { checkExpectations } from '../pipeline/expectations-bind.ts'
import { inspectLog, recoverLog } from '../pipeline/inspect-log.ts'
import { withKnownColumns } from '../pipeline/known-columns.ts'
import { loadBatch, previewBatch } from '../pipeline/load-batch.ts'
import { withMask } from '../pipeline/mask.ts'
import { mendedRows, tablesOfMended } from '../pipeline/mended.ts'
import { withFileColumns } from '../pipeline/metadata-columns.ts'
import {
  type AheadRequest,
  applicationId,
  type DiscardJob,
  type Inspection,
  type LoadJob,
  type MendedQuestion,
  type RestoreJob,
  type RestoreQuestion,
  type ResubmitJob,
  type ResubmitResult,
} from '../pipeline/protocol.ts'
import { discardRows, type Quarantined, recoverQuarantine } from '../pipeline/quarantine-rows.ts'
import { planRestore, restoreBatch } from '../pipeline/restore-batch.ts'
import { mendedSource, resubmitBatch, resubmittedTable } from '../pipeline/resubmit.ts'
import { withTransform } from '../pipeline/transform.ts'
import { SourceTables } from '../stores/source-tables.ts'
import type { OpenTable } from '../stores/store.ts'
import { rootOf } from '../watcher/pattern.ts'
import { formatOf, prepared, strategyOf } from './implementations.ts'
import { type MendedReading, mendedLanding, mendedNumbers, withMendedFiles } from './mended-files.ts'
import { objectStoreOf } from './object-stores.ts'
import { openTable, openTableAt } from './open-table.ts'
import { OpenTables } from './open-tables.ts'
import { optimizeWithQuarantine, vacuumWithQuarantine } from './quarantine-upkeep.ts'
import { trackerMethods } from './tracker-worker.ts'
import { unloadMethods } from './unload-worker.ts'
import { validateTable } from './validate-table.ts'
import { verifyTable } from './verify-table.ts'

/** The load process: it has the engine and the tables' commits, and knows nothing of the tracker. */
export interface WorkerArguments {
  readonly limits: EngineLimits
  /** Folder for links to landing files. */
  readonly spool: string
}

interface LogQuestion {
  readonly table: TableConfig
  readonly trackerId: string
  readonly known: bigint | null
}

/** How often progress is reported while a statement runs. */
const PROGRESS_MS = 250

prepareSession()

serve(async (argument): Promise<Service> => {
  // The parent is of the same build, so the shape of what it sends is known.
  const { limits, spool } = argument as WorkerArguments
  const session = await openSession(limits, endInvalid)
  const worker = new Worker(session, spool)
  return {
    methods: {
      inspect: async (given) => {
        const { table, trackerId, known } = given as LogQuestion
        return inspectLog(await worker.open(table), applicationId(trackerId, table), known)
      },
      recover: async (given) => {
        const { table, trackerId, known } = given as LogQuestion
        return worker.recover(table, trackerId, known)
      },
      lookAhead: async (given) => worker.lookAhead(given as AheadRequest),
      load: (given, onProgress) => worker.withProgress(onProgress, async () => worker.load(given as LoadJob)),
      preview: (given) => worker.preview(given as { job: LoadJob; count: boolean }),
      planRestore: async (given) => {
        const question = given as RestoreQuestion
        const { table, trackerId } = question
        return planRestore(question, await worker.open(table), { trackerId, appId: applicationId(trackerId, table) })
      },
      restore: async (given) => {
        const job = given as RestoreJob
        const { table, trackerId } = job
        return restoreBatch(job, await worker.open(table), { trackerId, appId: applicationId(trackerId, table) })
      },
      ...unloadMethods((table) => worker.open(table), session),
      mendedTables: (given) => tablesOfMended(given as string, session),
      checkMended: async (given) => {
        const { table, trackerId, file } = given as MendedQuestion
        const mended = await mendedRows(file, await worker.quarantined(table, trackerId))
        await mended[Symbol.asyncDispose]()
      },
      resubmit: (given) => worker.resubmit(given as ResubmitJob),
      discard: async (given) => {
        const job = given as DiscardJob
        return discardRows(job, await worker.quarantined(job.table, job.trackerId))
      },
      optimize: async (given) => {
        const { table, request } = given as { table: TableConfig; request: OptimizeRequest }
        return optimizeWithQuarantine(await worker.open(table), await worker.open(quarantineOf(table)), request)
      },
      vacuum: async (given) => {
        const { table, request } = given as { table: TableConfig; request: VacuumRequest }
        return vacuumWithQuarantine(await worker.open(table), await worker.open(quarantineOf(table)), request)
      },
      validate: async (given) => {
        const { table, request } = given as { table: TableConfig; request: ValidateRequest }
        return validateTable(table, request, await worker.open(table), session)
      },
      ...trackerMethods((table) => worker.open(table), session),
      verify: async (given) => {
        const { table, trackerId } = given as { table: TableConfig; trackerId: string }
        return verifyTable(table, trackerId, session)
      },
      history: async (given) => {
        const { table, limit } = given as { table: TableConfig; limit: number }
        await using version = await openTableAt(table, session)
        return await version.history(limit)
      },
      schemaHistory: async (given) => {
        const { table, limit } = given as { table: TableConfig; limit: number }
        await using version = await openTableAt(table, session)
        return await version.schemaHistory(limit)
      },
      checkExpectations: async (given) => {
        const table = given as TableConfig
        await checkExpectations(table, (await worker.open(table)).state, session)
      },
      removedTwice: async (given) => {
        await using version = await openTableAt(given as TableConfig, session)
        return await version.removedTwice()
      },
    },
    interrupt: () => {
      session.interrupt()
      worker.interrupt()
    },
    close: async () => {
      await worker.close()
      await session[Symbol.asyncDispose]()
    },
  }
})

/** A process whose engine refuses every statement would fail the batches of all other tables; its death costs one attempt of one. */
function endInvalid(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? error.message.split('\n').at(-1) : String(error)}\n`)
  process.exit(1)
}

/** What a context is made of beside its job. */
interface ContextIo {
  readonly landing: Landing
  readonly tables: SourceTables
  readonly mended: MendedReading | undefined
}

class Worker {
  readonly #session: Session
  readonly #spool: string
  readonly #fetched: FetchedObjects
  readonly #readers = new Map<string, unknown>()
  readonly #tables = new OpenTables((table) =>
    openTable(table, this.#session, (message) => this.#warnings.push({ code: 'ING-STORAGE', message })),
  )
  readonly #aheads: string
  readonly #ahead: LookAhead
  /** What went wrong after a commit, and fails nothing. */
  readonly #warnings: Warning[] = []

  constructor(session: Session, spool: string) {
    this.#session = session
    this.#spool = join(spool, String(process.pid))
    this.#fetched = new FetchedObjects(join(spool, 'objects'))
    this.#aheads = join(spool, 'ahead')
    this.#ahead = new LookAhead(localLanding(processFolder(this.#aheads)))
  }

  /** Ends what the engine does not know of. */
  interrupt(): void {
    this.#fetched.interrupt()
  }

  async close(): Promise<void> {
    await this.#fetched.clear()
    await this.#ahead.done
    await this.#ahead.forget()
  }

  /** The table at its current version; a table that was open is brought up to date. */
  async open(table: TableConfig): Promise<OpenTable> {
    await this.#ahead.done
    return this.#tables.at(table)
  }

  async recover(table: TableConfig, trackerId: string, known: bigint | null): Promise<Inspection> {
    const inspection = await recoverLog(await this.open(table), applicationId(trackerId, table), known)
    await recoverQuarantine(await this.quarantined(table, trackerId), trackerId, Date.now())
    return inspection
  }

  /** A table and its quarantine, each at its current version. */
  async quarantined(table: TableConfig, trackerId: string): Promise<Quarantined> {
    const target = await this.open(table)
    const quarantine = await this.open(quarantineOf(table))
    return { table, appId: applicationId(trackerId, table), session: this.#session, target, quarantine }
  }

  async lookAhead({ table, trackerId, files }: AheadRequest): Promise<void> {
    this.#ahead.begin(files, async () => {
      await removeAbandoned(this.#aheads)
      const target = await this.#tables.at(table)
      const reader = await this.#readerOf(target, applicationId(trackerId, table))
      const io = this.#landingOf(table)
      const context = { session: this.#session, io, table, reader, signal: new AbortController().signal }
      await this.#fetched.keepOnly(files)
      const opened = await io.opened(files)
      const infers = (target.state?.columns ?? []).length === 0
      return { format: await formatOf(table), context, infers, files: opened.files, besides: () => prepared(table, target) }
    })
  }

  #landingOf(table: TableConfig, next: readonly FileSeen[] = []): Landing {
    const root = rootOf(table.sourcePattern)
    if (root === undefined) return localLanding(this.#spool)
    const ahead = { files: next, bytes: table.storage.prefetchBytes }
    const open = () => objectStoreOf(root, table.storage.source)
    return objectLanding(this.#spool, { fetched: this.#fetched, next: ahead }, { root, open })
  }

  async load(job: LoadJob) {
    const target = await this.open(job.table)
    await this.#fetched.keepOnly(job.batch.files)
    const result = await this.#withContext(job, (context) => loadBatch(job, target, context))
    await this.#ahead.forget()
    this.#readers.delete(job.table.name)
    const warnings = [...result.outcome.warnings, ...this.#warnings.splice(0)]
    return { ...result, outcome: { ...result.outcome, warnings } }
  }

  /** Mended rows by the line of every load; they are read from files of their own, in the place of the landing files. */
  async resubmit(job: ResubmitJob): Promise<ResubmitResult> {
    const quarantined = await this.quarantined(job.table, job.trackerId)
    await using mended = await mendedRows(job.file, quarantined)
    const table = resubmittedTable(job.table)
    const load: LoadJob = { ...job, table, batch: { ...job.batch, files: mended.files.map(({ file }) => file) }, replaceAll: false }
    const source = mendedSource(table, mended.isText)
    const reading = { mended, source, session: this.#session }
    const result = await this.#withContext(load, (context) => resubmitBatch(load, mended, quarantined.target, context), reading)
    this.#readers.delete(table.name)
    return result
  }

  async preview({ job, count }: { readonly job: LoadJob; readonly count: boolean }) {
    const target = await this.open(job.table)
    return this.#withContext(job, (context) => previewBatch(job, target, context, count))
  }

  /** Links that were made for landing files go with the work. */
  async #withContext<T>(job: LoadJob, work: (context: LoadContext) => Promise<T>, mended?: MendedReading): Promise<T> {
    const landing = this.#landingOf(job.table, job.next)
    const tables = new SourceTables(this.#session, BLOB_STORES.file)
    try {
      return await work(await this.#context(job, { landing, tables, mended }))
    } finally {
      await tables.close()
      await landing.close()
    }
  }

  async #context(job: LoadJob, { landing, tables, mended }: ContextIo): Promise<LoadContext> {
    const { table } = job
    const appId = applicationId(job.trackerId, table)
    const formatContext = {
      session: this.#session,
      io: landing,
      tables,
      table,
      // What a full drop loads is told by the files alone.
      reader: job.replaceAll && table.fileFormat === 'delta' ? undefined : await this.#reader(table, appId),
      signal: new AbortController().signal,
    }
    const columns = new Map<string, readonly string[]>()
    const own = await formatOf(mended?.source ?? table)
    const read = withKnownColumns(mended === undefined ? this.#ahead.of(own) : own, columns)
    const format = mended === undefined ? read : await withMendedFiles(read, formatContext, mended)
    const asked = { ...job, rowNumbers: mended === undefined ? undefined : await mendedNumbers(mended) }
    return {
      session: this.#session,
      landing: mended === undefined ? landing : mendedLanding(landing),
      format: withMask(withModule(withTransform(withFileColumns(format, asked), table), table), table),
      formatContext,
      strategy: await strategyOf(table),
      appId,
      loadedAt: new Date().toISOString(),
      quarantine: { open: () => this.open(quarantineOf(table)), columnsOf: (path) => columns.get(path) ?? [] },
      resubmitted: mended?.mended,
    }
  }

  async withProgress<T>(onProgress: (stage: string, fraction: number) => void, work: () => Promise<T>): Promise<T> {
    const timer = setInterval(() => onProgress('loading', this.#session.progress()), PROGRESS_MS)
    try {
      return await work()
    } finally {
      clearInterval(timer)
    }
  }

  /** What the format learned of the source, from the manifest of the last committed batch. */
  async #reader(table: TableConfig, appId: string): Promise<unknown> {
    if (!this.#readers.has(table.name)) {
      this.#readers.set(table.name, await this.#readerOf(await this.open(table), appId))
    }
    return this.#readers.get(table.name)
  }
  async #readerOf(target: OpenTable, appId: string): Promise<unknown> {
    const last = await target.lastBatch(appId)
    const manifest = last === null ? undefined : await target.readManifest(last)
    return manifest?.reader ?? undefined
  }
}
