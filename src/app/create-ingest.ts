import type { ResolvedConfig } from '../config/config.ts'
import { loadConfig } from '../config/read.ts'
import { UnavailableError } from '../errors/errors.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import type { CheckReport, RunEvent } from '../model/report.ts'
import type { TableConfig } from '../model/table.ts'
import { isTrackerThere, openTracker, openTrackerSnapshot, type TrackerAt } from '../tracker/open.ts'
import { IN_MEMORY } from '../tracker/sqlite/open.ts'
import type { Tracker } from '../tracker/tracker.ts'
import { checkAll } from './check.ts'
import { checkData } from './check-data.ts'
import { daemonCalls } from './daemon-calls.ts'
import { dryRun } from './dry-run.ts'
import { explainFile } from './explain.ts'
import type { CreateOptions, Ingest, RunOptions } from './ingest.ts'
import { childLimits } from './limits.ts'
import { type LoadProcess, loadProcess } from './load-process.ts'
import { createLogger, logEvent } from './log.ts'
import { optimizeTables, vacuumTables } from './maintain.ts'
import { thisOwner } from './owner.ts'
import { spoolOf } from './places.ts'
import { replay } from './replay.ts'
import { historyReports, schemaReport } from './reports.ts'
import { dryRestore, restore } from './restore.ts'
import { runOnce } from './run-once.ts'
import { oneTable, selectTables } from './select-tables.ts'
import { type StatusParts, statusFile, statusOf, tableDetail } from './status.ts'
import type { TableWork } from './table-work.ts'
import { absolutePath, knownFiles, trackedFiles } from './tracked-files.ts'
import { trackerCalls } from './tracker-calls.ts'
import { caredFor } from './tracker-care.ts'
import { trackerAt } from './tracker-options.ts'
import { publishedAfter, publishTracker } from './tracker-publish.ts'
import { unload } from './unload.ts'
import { validate } from './validate.ts'
import { verifyTables } from './verify.ts'

/** Reads and checks the config; the tracker is opened by the first call that needs it. ConfigError with all issues. */
export async function createIngest(options: CreateOptions = {}): Promise<Ingest> {
  const read = () => loadConfig(sourceOf(options), { overrides: options.overrides ?? [], env: process.env, cwd: process.cwd() })
  const config = await read()
  const log = await createLogger(config, options)
  const clock = systemClock
  const owner = thisOwner()
  const at = trackerAt(config, clock)
  const { opened, isThere, closed } = trackerOnce(at)
  const care = { config, clock, tracker: opened, warn: (problem: string, err: unknown) => log.warn({ err }, problem) }
  /** For what only looks: a tracker that is not there is empty, and is not made. */
  const looking = async <T>(look: (tracker: Tracker) => Promise<T>): Promise<T> => {
    if (await isThere()) return look(await opened())
    await using empty = await openTrackerSnapshot(at)
    return await look(empty)
  }
  const withWorker = async <T>(work: (worker: LoadProcess) => Promise<T>, signal = new AbortController().signal): Promise<T> => {
    await using worker = loadProcess({ limits: childLimits(config, 1), spool: spoolOf(config), timeoutMs: config.timeoutMs, signal })
    return await work(worker)
  }
  const maintaining: Maintaining = (asked, act) =>
    withWorker(async (worker) => {
      const work = { config, owner, clock, worker }
      return asked.dryRun ? looking((known) => act({ ...work, tracker: known })) : act({ ...work, tracker: await opened() })
    }, asked.signal)
  return {
    config,
    run: async (run: RunOptions = {}) => {
      const tables = selectTables(config.tables, run.tables).filter(
        (table) => run.strategy === undefined || table.strategy === run.strategy,
      )
      const pass = { config, owner, clock }
      if (run.dryRun) return dryRun(tables, run, pass)
      const onEvent = (event: RunEvent) => {
        logEvent(log, event)
        run.onEvent?.(event)
      }
      return caredFor(care, async () => {
        const report = await runOnce(tables, { ...run, onEvent }, { ...pass, tracker: opened })
        const publishing = config.trackerCare.publishAfterRun && run.signal?.aborted !== true
        return publishing ? publishedAfter(report, () => maintaining({}, publishTracker), care.warn) : report
      })
    },
    ...daemonCalls({ config, read, owner, clock, log, tracker: opened }),
    ...statusCalls({ config, isAlive: owner.isAlive }, looking),
    files: (filter = {}) => trackedFiles(config, async () => ((await isThere()) ? opened() : undefined), filter),
    explain: (path) => looking((known) => explainFile(absolutePath(config, path), config.tables, known, clock)),
    check: checkCall({ config, owner, clock }, () => checked(config, clock, looking, withWorker)),
    ...byHandCalls(config, opened),
    ...historyCalls(config, withWorker, looking),
    // The engine is loaded into this process by a query alone.
    query: async (text, use, asked = {}) => (await import('./query.ts')).queryTables(text, config, { use, at: asked.at ?? {} }),
    ...quarantineCalls(config, (act) => maintaining({}, act)),
    ...undoCalls(maintaining),
    restore: (name, asked) =>
      withWorker(async (worker) => {
        const work = { config, owner, clock, worker }
        if (!asked.dryRun) return restore(name, asked, { ...work, tracker: await opened() })
        await using copy = await openTrackerSnapshot(at)
        return await dryRestore(name, asked, { ...work, tracker: copy })
      }),
    ...maintenanceCalls(maintaining),
    tracker: trackerCalls({
      config,
      owner,
      clock,
      opened,
      closed,
      files: (tables) => trackedFiles(config, async () => ((await isThere()) ? opened() : undefined), { tables }),
      rebuilding: (act) => withWorker((worker) => act({ config, owner, clock, worker })),
      working: (act, signal) => maintaining({ signal }, act),
    }),
    [Symbol.asyncDispose]: closed,
  }
}

/** Opens the tracker for the first call that needs it. */
function trackerOnce(at: TrackerAt) {
  let tracker: Promise<Tracker> | undefined
  return {
    opened: () => {
      // A server that is away now may be there for the next call.
      tracker ??= openTracker(at).catch((error: unknown) => {
        tracker = undefined
        throw error
      })
      return tracker
    },
    isThere: async () => tracker !== undefined || isTrackerThere(at),
    closed: async () => {
      // One that could not be opened was told of by the call that opened it.
      await (await tracker?.catch(() => undefined))?.[Symbol.asyncDispose]()
      tracker = undefined
    },
  }
}

/** A tracker that cannot be used is one of the findings: all else is looked at with an empty one. */
async function checked(config: ResolvedConfig, clock: Clock, looking: Looking, withWorker: WithWorker) {
  const check = (tracker: Tracker, problem: unknown) => withWorker((worker) => checkAll(config, worker, { id: tracker.id, problem }, clock))
  try {
    return await looking((known) => check(known, undefined))
  } catch (error) {
    if (!(error instanceof UnavailableError && error.code.startsWith('ING-TRACKER'))) throw error
    await using empty = await openTracker({ ...trackerAt(config, clock), place: { kind: 'sqlite', file: IN_MEMORY } })
    return await check(empty, error)
  }
}

function checkCall(work: Pick<TableWork, 'config' | 'owner' | 'clock'>, checked: () => Promise<CheckReport>): Ingest['check'] {
  const dry = (tables: readonly TableConfig[]) => dryRun(tables, { dryRun: true, verbose: true }, work)
  return async ({ againstData = false } = {}) => {
    const report = await checked()
    if (!againstData) return report
    const checks = [...report.checks, ...(await checkData(work.config.tables, dry, work.clock))]
    return { ok: checks.every(({ ok }) => ok), checks }
  }
}

type Looking = <T>(look: (tracker: Tracker) => Promise<T>) => Promise<T>

/** What is shown of tables and files, by the tracker alone. */
function statusCalls(seeing: Omit<StatusParts, 'tracker'>, looking: Looking): Pick<Ingest, 'status' | 'tableDetail' | 'findFiles'> {
  const namesOf = (tables: readonly string[]) => selectTables(seeing.config.tables, tables).map(({ name }) => name)
  return {
    status: (wanted = {}) => looking((tracker) => statusOf({ ...seeing, tracker }, wanted.tables)),
    tableDetail: (name) => looking((tracker) => tableDetail({ ...seeing, tracker }, name)),
    findFiles: (text, { tables, limit = 200 } = {}) =>
      looking(async (tracker) => (await tracker.search(text, limit, tables && namesOf(tables))).map(statusFile)),
  }
}

type Maintaining = <T>(
  asked: { readonly dryRun?: boolean | undefined; readonly signal?: AbortSignal | undefined },
  act: (work: TableWork) => Promise<T>,
) => Promise<T>

type MaintenanceCalls = Pick<Ingest, 'resources' | 'optimize' | 'vacuum' | 'validate' | 'verify'>

/** What looks after tables, or looks at them; what changes nothing makes no tracker either. */
function maintenanceCalls(maintaining: Maintaining): MaintenanceCalls {
  return {
    resources: async ({ signal } = {}) => {
      const { resourcesOf } = await import('./resources.ts')
      const look = { dryRun: true, signal }
      return maintaining(look, (work) => resourcesOf({ ...work, optimize: () => optimizeTables(look, work) }))
    },
    optimize: (asked = {}) => maintaining(asked, (work) => optimizeTables(asked, work)),
    vacuum: (asked = {}) => maintaining(asked, (work) => vacuumTables(asked, work)),
    validate: (name, asked = {}) => maintaining({ ...asked, dryRun: !asked.repair || asked.dryRun }, (work) => validate(name, asked, work)),
    verify: (asked = {}) => maintaining({ ...asked, dryRun: true }, (work) => verifyTables(asked, work)),
  }
}

type ByHandCalls = Pick<Ingest, 'retry' | 'approve' | 'skip' | 'pause' | 'resume'>

/** What is decided by hand about files and tables: one change of the tracker each. */
function byHandCalls(config: ResolvedConfig, opened: () => Promise<Tracker>): ByHandCalls {
  const namesOf = (tables: readonly string[] | undefined) => selectTables(config.tables, tables).map(({ name }) => name)
  return {
    retry: async (filter) => (await opened()).retry(await knownFiles(config, await opened(), filter)),
    approve: async (filter) => (await opened()).approve(await knownFiles(config, await opened(), filter)),
    skip: async (filter) => (await opened()).skip(await knownFiles(config, await opened(), filter), 'skipped by hand'),
    pause: async ({ tables } = {}) => (await opened()).pause(namesOf(tables)),
    resume: async ({ tables } = {}) => (await opened()).resume(namesOf(tables)),
  }
}

type WithWorker = <T>(work: (worker: LoadProcess) => Promise<T>, signal?: AbortSignal) => Promise<T>

function historyCalls(config: ResolvedConfig, withWorker: WithWorker, looking: Looking): Pick<Ingest, 'history' | 'schemaHistory'> {
  return {
    history: async (name, { limit = 20 } = {}) => {
      const table = oneTable(config.tables, name)
      const entries = await withWorker((worker) => worker.history(table, limit))
      return looking((known) => historyReports(entries, table.name, known))
    },
    schemaHistory: (name, { limit = 20 } = {}) =>
      withWorker(async (worker) => (await worker.schemaHistory(oneTable(config.tables, name), limit)).map(schemaReport)),
  }
}

function undoCalls(maintaining: Maintaining): Pick<Ingest, 'unload' | 'replay'> {
  return {
    unload: (files, asked = {}) => maintaining(asked, (work) => unload(files, asked, work)),
    replay: (files, asked = {}) => maintaining({ signal: asked.signal }, (work) => replay(files, asked, work)),
  }
}

type QuarantineCalls = Pick<Ingest, 'quarantined' | 'exportQuarantine' | 'resubmit' | 'discard'>

/** The engine is loaded into this process by those alone that look at rows. */
function quarantineCalls(config: ResolvedConfig, changing: <T>(act: (work: TableWork) => Promise<T>) => Promise<T>): QuarantineCalls {
  const calls = () => import('./quarantine.ts')
  return {
    quarantined: async function* (asked = {}) {
      yield* (await calls()).listQuarantine(config, asked)
    },
    exportQuarantine: async (file, asked = {}) => (await calls()).exportQuarantine(config, file, asked),
    resubmit: (file, asked = {}) => changing(async (work) => (await calls()).resubmitQuarantined(file, asked.tables, work)),
    discard: (asked = {}) => changing(async (work) => (await calls()).discardQuarantined(asked, work)),
  }
}

function sourceOf({ configFile, config }: CreateOptions) {
  if (typeof config === 'string') return { text: config }
  if (config !== undefined) return { object: { ...config } }
  return configFile === undefined ? {} : { file: configFile }
}
