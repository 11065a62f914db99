import { reportOf } from '../errors/errors.ts'
import type { Clock } from '../lib/clock.ts'
import { failpoint } from '../lib/failpoint.ts'
import type { Batch, BatchOutcome } from '../model/batch.ts'
import { compareFiles, type FileSeen } from '../model/file.ts'
import type { RunEvent } from '../model/report.ts'
import { isSnapshots } from '../model/table.ts'
import type { Announce, LoadedUnit } from '../tracker/tracker.ts'
import type { Lister, ListingPage, WaitingFile } from '../watcher/watcher.ts'
import { batchFigures } from './batch-figures.ts'
import { KnownFiles } from './known-listing.ts'
import { nextFiles } from './next-files.ts'
import { givenUp } from './outcome.ts'
import { changedFilePolicy } from './policy.ts'
import type { Inspection, LoadJob, LoadResult } from './protocol.ts'
import { adopt, FULL_DROP, highestBatch, type RecoverPass, recover } from './recover.ts'
import { checkNoFullDrop, reopenFiles } from './replay.ts'
import { selectSnapshots } from './select.ts'
import { DEATHS_IN_A_ROW, isWhole, outcomeOfDeath } from './suspects.ts'
import type { TableTally } from './tally.ts'
import { Unchanged, type UnchangedPass } from './unchanged.ts'

/** What a pass over one table works with. */
export interface TablePass extends RecoverPass, UnchangedPass {
  readonly lister: Lister
  readonly clock: Clock
  readonly tally: TableTally
  readonly signal: AbortSignal
  /** The files that are loaded, where not all that are pending are. */
  readonly only?: readonly string[] | undefined
  /** Whether the pass shall end before another batch, asked with the number of batches so far. */
  readonly isTurnOver: (batches: number) => boolean
  readonly onEvent: (event: RunEvent) => void
  /** Waits once for files that are still too young, and gives those that have become complete. */
  readonly settle: (
    waiting: readonly WaitingFile[],
  ) => Promise<{ readonly complete: readonly FileSeen[]; readonly changing: readonly WaitingFile[] }>
}

/** What the tracker remembers of a table with `include_existing: false` once it was listed. */
export const FIRST_LISTING = 'first_listing'

/** How often a batch is claimed again because another writer was first, before the table gives up for this pass. */
const CONTENTION = 10

/**
 * One pass: settle the past, find what is new, load it batch by batch. The caller holds the table's lock. True when its turn was over
 * before all was loaded.
 */
export async function runTable(given: TablePass): Promise<boolean> {
  const { table, tracker } = given
  // The listing begins while the log is read; nothing of it reaches the tracker before the past is settled.
  const begun = (await tracker.recall(table.name, FULL_DROP)) === 'begun'
  // A full drop has to see each file.
  const known = given.replaceAll || begun ? undefined : await KnownFiles.of(tracker, table.name)
  const pages = given.lister.pages(given.signal, known)[Symbol.asyncIterator]()
  const first = pages.next()
  first.catch(() => undefined)
  const inspection = await recover({ ...given, replaceAll: given.replaceAll || begun })
  // A full drop that did not reach its commit is finished by whatever run comes next: its files are pending, while
  // their rows are still in the table, and would be there twice if they were appended. The log may say that it did.
  const pass = { ...given, replaceAll: given.replaceAll || (await tracker.recall(table.name, FULL_DROP)) === 'begun' }
  const retried = await tracker.requeueDue(table.name)
  if (retried > 0) pass.onEvent({ kind: 'retried', table: table.name, files: retried })
  const seen = await discover(pass, first, pages, known)
  await reopenAll(pass, seen)
  pass.onEvent({ kind: 'pending', table: table.name, files: await tracker.pendingCount(table.name) })
  return loadBatches(pass, inspection, seen)
}

/** Loads files again, as they are now, and nothing else. The caller holds the table's lock. True when its turn was over before. */
export async function replayTable(given: TablePass, files: readonly FileSeen[]): Promise<boolean> {
  const { table } = given
  const only = files.map(({ path }) => path)
  // The content is that of the last load: that is what was asked for.
  const pass: TablePass = { ...given, table: { ...table, unchanged: { ...table.unchanged, skip: false } }, replaceAll: false, only }
  const inspection = await recover(pass)
  await checkNoFullDrop(pass)
  await reopenFiles(pass, files)
  failpoint('after-reopen')
  pass.onEvent({ kind: 'pending', table: table.name, files: files.length })
  return loadBatches(pass, inspection, undefined)
}

/** Claims, loads and settles until nothing is pending; what another writer was first with is recovered and claimed again. */
async function loadBatches(pass: TablePass, recovered: Inspection, seen: ReadonlySet<string> | undefined): Promise<boolean> {
  const { table, tracker } = pass
  const unchanged = new Unchanged(pass)
  const next = () => claim({ ...pass, unchanged }, inspection)
  let inspection = recovered
  const setbacks = { contention: 0, deaths: 0 }
  for (let batches = 0; !pass.isTurnOver(batches); batches += 1) {
    const batch = await next()
    if (batch === undefined) return false
    const result = await loadAndSettle(batch, inspection.lastBatch, pass)
    if (result.outcome.version !== null) {
      await unchanged.loaded(batch, result.outcome)
      inspection = { ...inspection, lastBatch: batch.number }
      if (pass.replaceAll) await tracker.remember(table.name, FULL_DROP, 'done')
    }
    count(setbacks, result)
    if (setbacks.contention >= CONTENTION) return contended(pass, result)
    inspection = await inspectAgain(result, inspection, pass, seen)
    if (isLast(result, pass)) return false
  }
  return true
}

/** What another writer did, or a process that died, is asked of the log. */
async function inspectAgain(
  { overtaken, died }: LoadEnd,
  known: Inspection,
  pass: TablePass,
  seen: ReadonlySet<string> | undefined,
): Promise<Inspection> {
  if (!overtaken && died === undefined) return known
  const inspection = await recover(pass)
  // What the other one loaded goes with the old rows, so it is loaded again.
  if (overtaken) await reopenAll(pass, seen)
  return inspection
}

/** Throws when load processes die again and again: that is no fault of some files. */
function count(setbacks: { contention: number; deaths: number }, { overtaken, died }: LoadEnd): void {
  setbacks.contention += overtaken ? 1 : 0
  setbacks.deaths = died === undefined ? 0 : setbacks.deaths + 1
  if (setbacks.deaths > DEATHS_IN_A_ROW) throw died
}

function contended({ tally }: TablePass, { outcome }: LoadResult): false {
  const released = outcome.files.find((file) => file.kind === 'released')
  tally.contended(released?.kind === 'released' ? released.reason : 'another writer was first')
  return false
}

/** Whether a pass ends with this batch. Files that changed meanwhile are pending with their old version: the next pass lists them anew. */
function isLast({ overtaken, died, outcome }: LoadEnd, { replaceAll, signal }: TablePass): boolean {
  if (signal.aborted) return true
  return !overtaken && died === undefined && (replaceAll || outcome.files.every((file) => file.kind === 'released'))
}

/** Of a full drop, which looked what is there: every such file is loaded again; what the tracker knows beyond them leaves with the old rows. */
async function reopenAll({ table, tracker }: TablePass, seen: ReadonlySet<string> | undefined): Promise<void> {
  if (seen === undefined) return
  await tracker.remember(table.name, FULL_DROP, 'begun')
  await tracker.replay(table.name, null, 'full drop')
  failpoint('after-reopen')
  const absent = (await tracker.pendingFiles(table.name)).map((file) => file.path).filter((path) => !seen.has(path))
  await tracker.skipPending(table.name, absent, 'full drop: the file is no longer in the source')
}

/** Lists the source page by page; each page is one comparison with the tracker. For a full drop it tells which files are there. */
async function discover(
  pass: TablePass,
  first: Promise<IteratorResult<ListingPage>>,
  pages: AsyncIterator<ListingPage>,
  known: KnownFiles | undefined,
): Promise<ReadonlySet<string> | undefined> {
  const { table, tracker, tally } = pass
  const policy = changedFilePolicy(table)
  const waiting: WaitingFile[] = []
  const seen = pass.replaceAll ? new Set<string>() : undefined
  let listed = 0
  let differing = 0
  const admit = async (files: readonly FileSeen[], announce?: Announce) => {
    if (files.length === 0) return true
    if (seen) for (const file of files) seen.add(file.path)
    const result = await tracker.admit(table.name, files, policy, announce)
    tally.admitted(result, table.onChangedFile)
    failpoint('after-admit')
    return result.allKnown
  }
  for (let next = await first, following = next; !next.done; next = following) {
    const page = next.value
    following = await pages.next()
    const isWhole = differing === 0 && following.done === true && page.waiting.length === 0
    const allKnown = await admit(page.files, isWhole ? await lookAhead(pass) : undefined)
    known?.compared(page, allKnown)
    waiting.push(...page.waiting)
    for (const problem of page.problems) tally.problem(problem)
    differing += page.files.length
    listed += page.files.length + (page.known ?? 0)
    pass.onEvent({ kind: 'listed', table: table.name, files: listed })
  }
  await known?.remember()
  if (!table.watch.includeExisting && (await tracker.recall(table.name, FIRST_LISTING)) === undefined) {
    await admit(waiting.map(({ file }) => file))
    const paths = (await tracker.pendingFiles(table.name)).map((file) => file.path)
    await tracker.skipPending(table.name, paths, 'it was there before the first run (include_existing: false)')
    await tracker.remember(table.name, FIRST_LISTING, new Date(pass.clock.now()).toISOString())
    return seen
  }
  if (waiting.length === 0) return seen
  const { complete, changing } = await pass.settle(waiting)
  await admit(complete)
  for (const file of changing) tally.waiting(file)
  return seen
}

/**
 * The load process looks at new files while the tracker takes them in and claims them, where they will be the next batch: of snapshots only the
 * newest are loaded, content that is unchanged not at all, and files that were pending before come first.
 */
async function lookAhead({ table, tracker, worker }: TablePass): Promise<Announce | undefined> {
  if (isSnapshots(table) || table.unchanged.skip || (await tracker.pendingCount(table.name)) > 0) return undefined
  return async (files) => {
    const bytes = files.reduce((sum, { size }) => sum + size, 0n)
    if (files.length > table.maxFilesPerBatch || bytes > table.maxBytesPerBatch) return
    const batch = files.toSorted(compareFiles).map((file, ordinal) => ({ ...file, ordinal, unit: file.path }))
    await worker.lookAhead({ table, trackerId: tracker.id, files: batch })
  }
}

interface ClaimPass extends TablePass {
  readonly unchanged: Unchanged
}

/** The next batch of the table, or undefined when nothing is pending. */
async function claim(pass: ClaimPass, inspection: Inspection): Promise<Batch | undefined> {
  const { table, tracker, owner, signal } = pass
  if (signal.aborted) return undefined
  const above = highestBatch(inspection)
  const whole = { maxFiles: Number.MAX_SAFE_INTEGER, maxBytes: 2n ** 62n, above, whole: true }
  // All snapshots of a history count, in their order.
  if (!isSnapshots(table) || (pass.replaceAll && table.strategy === 'scd2')) {
    const limits = pass.replaceAll ? whole : { maxFiles: table.maxFilesPerBatch, maxBytes: table.maxBytesPerBatch, above }
    if (table.unchanged.skip && (await skipUnchanged(pass, await tracker.pendingFiles(table.name), { inspection, units: new Map() })))
      return undefined
    return claimed(await tracker.claim(table.name, owner.id, limits, pass.only))
  }
  const selection = await selectUnits(pass, inspection)
  for (const { paths, reason } of selection.skip) pass.tally.skipped(await tracker.skipPending(table.name, paths, reason))
  if (selection.paths === undefined || selection.paths.length === 0) return undefined
  if (table.unchanged.skip) {
    const wanted = new Set(selection.paths)
    const files = (await tracker.pendingFiles(table.name)).filter(({ path }) => wanted.has(path))
    if (await skipUnchanged(pass, files, { inspection, units: selection.units })) return claim(pass, inspection)
  }
  return claimed(await tracker.claim(table.name, owner.id, { ...whole, units: selection.units }, selection.paths))
}

/** Passes over files that would change nothing; whether it did. */
async function skipUnchanged(
  { table, tracker, unchanged, replaceAll, tally }: ClaimPass,
  files: readonly FileSeen[],
  { inspection, units }: { readonly inspection: Inspection; readonly units: ReadonlyMap<string, string> },
): Promise<boolean> {
  const reason = replaceAll ? undefined : await unchanged.reason(files, units, inspection.lastBatch)
  if (reason === undefined) return false
  const paths = files.map(({ path }) => path)
  tally.skipped(await tracker.skipPending(table.name, paths, reason))
  return true
}

async function selectUnits({ table, tracker, unchanged }: ClaimPass, { lastBatch }: Inspection) {
  const loaded = newer(await tracker.newestLoaded(table.name), await unchanged.newest(lastBatch))
  const select = async () => selectSnapshots(await tracker.pendingFiles(table.name), loaded, table)
  const selection = await select()
  if (selection.folders.length === 0) return selection
  // A later file in a loaded folder reloads the folder: its other files are part of the same snapshot.
  const moved = await tracker.reopenFolders(table.name, selection.folders, 'another file came to its snapshot folder')
  return moved === 0 ? selection : select()
}

function newer(a: LoadedUnit | undefined, b: LoadedUnit | undefined): LoadedUnit | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return a.modifiedNs > b.modifiedNs || (a.modifiedNs === b.modifiedNs && a.path > b.path) ? a : b
}

function claimed(batch: Batch | undefined): Batch | undefined {
  if (batch) failpoint('after-claim')
  return batch
}

/** How a batch ended: also by the death of its load process, after which its files are tried apart from others. */
interface LoadEnd extends LoadResult {
  readonly died?: unknown
}

async function loadAndSettle(batch: Batch, lastBatch: bigint | null, pass: TablePass): Promise<LoadEnd> {
  const { table, tracker, worker, owner, tally, onEvent } = pass
  const bytes = Number(batch.files.reduce((sum, file) => sum + file.size, 0n))
  onEvent({ kind: 'batchStarted', table: table.name, batchId: batch.id, files: batch.files.length, bytes })
  const job: LoadJob = { table, batch, trackerId: tracker.id, lastBatch, replaceAll: pass.replaceAll, next: await nextFiles(pass) }
  let result: LoadResult
  try {
    result = await worker.load(job, (stage, fraction) => onEvent({ kind: 'progress', table: table.name, stage, fraction }))
  } catch (error) {
    if (pass.signal.aborted) await release(batch, pass)
    else {
      onEvent({ kind: 'batchFailed', table: table.name, batch: Number(batch.number), batchId: batch.id, code: reportOf(error).code })
      const died = outcomeOfDeath(batch, error, isWhole(pass))
      const isSettled = await settleByLog(died ?? tally.outcomeOfFailure(batch, error), pass)
      if (died !== undefined) return endOfDeath(batch, { died, error, isSettled }, pass)
    }
    throw error
  }
  const committedMs = pass.clock.now()
  failpoint('before-settle')
  const settling = performance.now()
  const settled = await tracker.settle(table.name, owner.id, result.outcome)
  failpoint('after-settle')
  if (settled) tally.batch(result.outcome, result.overtaken)
  if (result.preview) tally.preview(result.preview)
  const { version, rows } = result.outcome
  onEvent({
    kind: 'batchEnded',
    table: table.name,
    batch: Number(batch.number),
    batchId: batch.id,
    version: version === null ? null : Number(version),
    files: batch.files.length,
    rows: Number(rows.inserted),
    figures: batchFigures(batch, result, { committedMs, settleMs: performance.now() - settling }),
  })
  return result
}

/** A pass that was interrupted gives its batch back, unless the log has it by now. */
async function release(batch: Batch, pass: TablePass): Promise<void> {
  await settleByLog(givenUp(batch, 'the run was interrupted').outcome, pass)
}

interface Death {
  readonly died: BatchOutcome
  readonly error: unknown
  /** False when the batch had been committed, or when that cannot be known now. */
  readonly isSettled: boolean
}

/** A file that was alone is told as failed; of several it is told that they are tried by halves. */
function endOfDeath(batch: Batch, { died: outcome, error, isSettled }: Death, { tally }: TablePass): LoadEnd {
  if (!isSettled) tally.died(error, 'what it had committed stays')
  else if (batch.files.length === 1) tally.batch(outcome, false)
  else tally.died(error, `its ${batch.files.length} files are tried again by halves`)
  return { outcome, overtaken: false, died: error }
}

/** A load that failed or died: whether it had committed is asked of the log. What is not there goes back, by its outcome. */
async function settleByLog(outcome: BatchOutcome, pass: TablePass): Promise<boolean> {
  const { table, tracker, worker, owner } = pass
  // A log that cannot be read now is asked by the next pass; until then the files stay with this batch.
  const inspection = await worker.inspect(table, tracker.id, await tracker.lastCommittedBatch(table.name)).catch(() => undefined)
  if (inspection === undefined) return false
  await adopt(pass, inspection)
  return tracker.settle(table.name, owner.id, outcome)
}
