import { existsSync } from 'node:fs'
import { mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ResolvedConfig } from '../config/config.ts'
import { ConfigError, IngestError, UnavailableError } from '../errors/errors.ts'
import type { Clock } from '../lib/clock.ts'
import { failpoint } from '../lib/failpoint.ts'
import type { TableConfig } from '../model/table.ts'
import type { RebuildReport } from '../model/tracker-report.ts'
import { adoptChain } from '../pipeline/adopt-chain.ts'
import { EXISTED, FIRST_LISTING } from '../pipeline/first-listing.ts'
import { changedFilePolicy } from '../pipeline/policy.ts'
import type { Inspection } from '../pipeline/protocol.ts'
import type { Owner } from '../pipeline/recover.ts'
import { copyTracker, isTrackerThere, openTracker, type TrackerAt } from '../tracker/open.ts'
import { openSqliteTracker } from '../tracker/sqlite.ts'
import type { TrackedFile, Tracker } from '../tracker/tracker.ts'
import { rootOf } from '../watcher/pattern.ts'
import type { Lister } from '../watcher/watcher.ts'
import { SILENT_MS } from './daemon/shares.ts'
import { lockDaemon } from './daemon-lock.ts'
import { listerOf } from './listers.ts'
import type { LoadProcess } from './load-process.ts'
import { backUpTracker, removeDatabase } from './tracker-backup.ts'
import { shownTracker, trackerAt, trackerOptions } from './tracker-options.ts'

export interface RebuildWork {
  readonly config: ResolvedConfig
  readonly owner: Owner
  readonly clock: Clock
  readonly worker: LoadProcess
}

/** A table with the tracker that loads it. */
interface Loaded {
  readonly table: TableConfig
  readonly trackerId: string
}

/** Commits that are looked at for the versions of batches. */
const ALL_COMMITS = 2 ** 31

/**
 * Makes the tracker anew from the tables alone. It is made beside its place, and put there whole at the end: killed at any time
 * there is the old tracker, or none, and the next try begins anew. It bears the uuid that most tables name, so that these need no
 * change; others are taken over.
 */
export async function rebuildTracker({ force }: { readonly force: boolean }, work: RebuildWork): Promise<RebuildReport> {
  const { config } = work
  await mkdir(dirname(config.trackerFile), { recursive: true })
  // No daemon works with the tracker, and none starts meanwhile.
  using _lock = await lockDaemon({
    trackerFile: config.trackerUrl === null ? config.trackerFile : null,
    owner: work.owner.id,
    signal: new AbortController().signal,
  })
  await checkReplaceable(force, work)
  const loaded = await loadedTables(work)
  const id = mostCommon(loaded)
  if (id === undefined) return { tracker: null, backup: null, tables: [] }
  const made = `${config.trackerFile}.rebuild`
  await removeDatabase(made)
  const tables: RebuildReport['tables'][number][] = []
  {
    const time = { ms: work.clock.now() }
    const at = { file: made, table: config.trackerTable, trackerOptions: trackerOptions(config), clock: { now: () => time.ms }, id }
    await using tracker = await openSqliteTracker(at)
    for (const { table, trackerId } of loaded) {
      if (trackerId !== id) await work.worker.adopt({ table, trackerId: id })
      tables.push(await rebuildTable(table, { from: trackerId, tracker, time }, work))
      failpoint('rebuild-after-table')
    }
  }
  const backup = config.trackerUrl === null ? await putInPlace(made, config.trackerFile, work.clock) : await putIntoServer(made, work)
  return { tracker: id, backup, tables }
}

/** Refuses to replace a tracker that knows of loads, or that somebody is at work with. One that cannot be read is lost. */
async function checkReplaceable(force: boolean, { config, owner, clock }: RebuildWork): Promise<void> {
  const at = trackerAt(config, clock)
  if (!(await isTrackerThere(at))) return
  try {
    await using tracker = await openTracker(at)
    const daemons = config.trackerUrl === null ? [] : await tracker.peers(SILENT_MS)
    if (daemons.length > 0) throw busy(`a daemon works with the tracker: ${daemons[0]}`)
    const counts = await tracker.counts()
    const files = counts.reduce((sum, { completed }) => sum + completed, 0)
    if (files > 0 && !force) {
      throw new ConfigError(
        'ING-TRACKER-NOT-EMPTY',
        `the tracker ${shownTracker(at.place)} knows of ${files === 1 ? '1 loaded file' : `${files} loaded files`}`,
        [],
        {
          hint: 'it is not lost; --force makes it anew all the same, and keeps the old one beside it',
        },
      )
    }
    for (const { name } of config.tables) {
      if (!(await tracker.lockTable(name, owner.id, owner.isAlive))) throw busy(`another process is working on ${name}`)
      await tracker.unlockTable(name, owner.id)
    }
  } catch (error) {
    if (!(error instanceof IngestError && error.code === 'ING-TRACKER-CORRUPT')) throw error
  }
}

function busy(problem: string): UnavailableError {
  return new UnavailableError('ING-TABLE-BUSY', problem, { hint: 'stop it, and rebuild the tracker again' })
}

async function loadedTables({ config, worker }: RebuildWork): Promise<readonly Loaded[]> {
  const loaded: Loaded[] = []
  for (const table of config.tables) {
    const trackerId = await worker.trackerOf(table)
    if (trackerId !== null) loaded.push({ table, trackerId })
  }
  return loaded
}

/** Of several that are as common the first by the config, so that a repeated try comes to the same one. */
function mostCommon(loaded: readonly Loaded[]): string | undefined {
  const counts = new Map<string, number>()
  for (const { trackerId } of loaded) counts.set(trackerId, (counts.get(trackerId) ?? 0) + 1)
  return [...counts].reduce<readonly [string, number] | undefined>(
    (best, one) => (best === undefined || one[1] > best[1] ? one : best),
    undefined,
  )?.[0]
}

interface Made {
  readonly from: string
  readonly tracker: Tracker
  /** What the tracker takes for now: when a batch was loaded. */
  readonly time: { ms: number }
}

async function rebuildTable(
  table: TableConfig,
  { from, tracker, time }: Made,
  { worker, clock }: RebuildWork,
): Promise<RebuildReport['tables'][number]> {
  const inspection = await worker.inspect(table, tracker.id, null)
  const commits = await worker.history(table, ALL_COMMITS)
  const versions = new Map(commits.flatMap(({ batchId, version }) => (batchId === null ? [] : [[batchId, version] as const])))
  const at = (createdAt: string) => {
    const ms = Date.parse(createdAt)
    if (!Number.isNaN(ms)) time.ms = ms
  }
  const batches = await adoptChain(table, tracker, inspection, { versions, at })
  time.ms = clock.now()
  await skipGone(table, tracker, clock)
  await skipEarlier(table, tracker, inspection, clock)
  const [counts] = await tracker.counts([table.name])
  return {
    table: table.name,
    from_tracker: from === tracker.id ? null : from,
    batches,
    files: { completed: counts?.completed ?? 0, pending: counts?.pending ?? 0, skipped: counts?.skipped ?? 0 },
    rows: counts?.rows_loaded ?? 0,
  }
}

const GONE = 'full drop: the file is no longer in the source'

/** What a full drop reopened and did not load was not there any more, unless it is there now. */
async function skipGone(table: TableConfig, tracker: Tracker, clock: Clock): Promise<void> {
  const gone: string[] = []
  const lister = listerOf(table, clock)
  for await (const file of tracker.files({ tables: [table.name], status: 'pending' }))
    if (await isGone(file, lister)) gone.push(file.file_path)
  await tracker.skipPending(table.name, gone, GONE)
}

async function isGone({ status_reason: reason, file_path: path }: TrackedFile, lister: Lister): Promise<boolean> {
  if (reason !== 'full drop') return false
  return rootOf(path) === undefined ? !existsSync(path) : (await lister.look(path)).file === undefined
}

/** With `include_existing: false` files that are older than the first load were passed over, and nothing in the table tells. */
async function skipEarlier(table: TableConfig, tracker: Tracker, { batches }: Inspection, clock: Clock): Promise<void> {
  const first = batches.at(-1)?.manifest.createdAt
  if (table.watch.includeExisting || first === undefined) return
  const beforeNs = BigInt(Date.parse(first)) * 1_000_000n
  for await (const { files } of listerOf(table, clock).pages(new AbortController().signal)) {
    const earlier = files.filter(({ modifiedNs }) => modifiedNs < beforeNs)
    await tracker.admit(table.name, earlier, changedFilePolicy(table))
    const paths = earlier.map(({ path }) => path)
    await tracker.skipPending(table.name, paths, EXISTED)
  }
  await tracker.remember(table.name, FIRST_LISTING, first)
}

/** The old one is kept as a file; its name, or null where it knew no file. What the server has is replaced as a whole. */
async function putIntoServer(made: string, { config, clock }: RebuildWork): Promise<string | null> {
  const at = trackerAt(config, clock)
  const backup = (await knowsFiles(at)) ? (await backUpTracker(config, undefined, clock)).file : null
  failpoint('rebuild-before-place')
  await copyTracker(trackerAt(config, clock, { kind: 'sqlite', file: made }), at, { history: true, replace: true })
  await removeDatabase(made)
  return backup
}

async function knowsFiles(at: TrackerAt): Promise<boolean> {
  if (!(await isTrackerThere(at))) return false
  await using tracker = await openTracker(at)
  return (await tracker.counts()).length > 0
}

/** The old one stays beside it; its name, or null where there was none. */
async function putInPlace(made: string, file: string, clock: Clock): Promise<string | null> {
  await synced(made)
  const stamp = new Date(clock.now()).toISOString().replaceAll(/[:.]/g, '-')
  const backup = existsSync(file) ? `${file}.before-rebuild-${stamp}` : null
  failpoint('rebuild-before-place')
  for (const suffix of backup === null ? [] : ['', '-wal', '-shm'])
    if (existsSync(`${file}${suffix}`)) await rename(`${file}${suffix}`, `${backup}${suffix}`)
  failpoint('rebuild-half-way')
  await rename(made, file)
  await synced(dirname(file))
  failpoint('rebuild-after-place')
  return backup
}

async function synced(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
