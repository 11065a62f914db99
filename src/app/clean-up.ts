import { basename } from 'node:path'
import type { ArchivedSource, CleanedSource, LoadedSource } from '../blobs/local-source.ts'
import { TableError } from '../errors/errors.ts'
import { failpoint } from '../lib/failpoint.ts'
import type { TableConfig } from '../model/table.ts'
import type { TablePass } from '../pipeline/run-table.ts'
import type { CleanUpOutcome, DueCleanUp } from '../tracker/tracker.ts'
import { type LoadedSources, loadedSources } from './loaded-sources.ts'

/** What the tracker remembers of a table with `after_load`: up to which batch files were looked at, and when. */
const AFTER_LOAD = 'after_load'

/** Files that are moved or deleted before the tracker hears of it. */
const PAGE = 500

/** Commits among which the last batch is looked for. */
const RECENT = 1000

type Archive = Exclude<TableConfig['afterLoad'], string>

interface Looked {
  readonly batch: string
  readonly atMs: number
}

/**
 * Before the loads of a pass: from when on files are cleaned up after them. What was loaded before `after_load` was asked for stays where it
 * is. TableError for a full drop that would lose the rows of files that are not at their source any more.
 */
export async function beginCleanUp({ table, tracker, clock, replaceAll }: TablePass): Promise<void> {
  const known = await tracker.recall(table.name, AFTER_LOAD)
  if (replaceAll && known !== undefined && (await tracker.cleanUpCounts(table.name)).hasCleaned)
    throw new TableError(
      'ING-SOURCE-CLEANED',
      `${table.name}: a full drop loads what is at the source, and after_load has taken loaded files from there`,
      {
        hint: 'move the archived files back; ingest files --json tells where they are (clean_up_path)',
      },
    )
  const isOn = known !== undefined && known !== ''
  if (table.afterLoad === 'keep') {
    if (isOn) await tracker.remember(table.name, AFTER_LOAD, '')
  } else if (!isOn) {
    const batch = String((await tracker.lastCommittedBatch(table.name)) ?? 0n)
    await tracker.remember(table.name, AFTER_LOAD, JSON.stringify({ batch, atMs: clock.now() } satisfies Looked))
  }
}

/**
 * After the loads of a table, under the lease of its pass: archives or deletes the files whose commit is read back. It never changes what is
 * loaded: what fails is told, and tried again by later passes.
 */
export async function cleanUpSources(pass: TablePass): Promise<void> {
  const { table, tracker, tally, signal } = pass
  if (table.afterLoad === 'keep') return
  await markLoaded(pass)
  let failures = 0
  let reason = ''
  for (let due = await tracker.dueCleanUps(table.name, PAGE); due.length > 0; due = await tracker.dueCleanUps(table.name, PAGE)) {
    const outcomes = await cleaned(pass, due)
    failpoint('before-clean-up-settle')
    await tracker.settleCleanUp(table.name, outcomes)
    failpoint('after-clean-up-settle')
    const failed = outcomes.filter(({ status }) => status === 'failed')
    failures += failed.length
    reason ||= failed[0] === undefined ? '' : `${failed[0].path}: ${failed[0].reason}`
    // With a backoff of nothing the same files would be due at once.
    if (signal.aborted || failed.length === due.length) break
  }
  if (failures > 0) tally.notCleanedUp(failures, reason)
}

/** Files of the batches since the last look are due, as soon as a reader of the table's log sees the last of them. */
async function markLoaded({ table, tracker, worker, clock }: TablePass): Promise<void> {
  const text = await tracker.recall(table.name, AFTER_LOAD)
  const last = (await tracker.batches(table.name, RECENT)).find(({ status }) => status === 'committed')
  if (text === undefined || text === '' || last === undefined) return
  // Written by this file alone.
  const looked = JSON.parse(text) as Looked
  if (BigInt(last.batch_number) <= BigInt(looked.batch)) return
  const commits = await worker.history(table, RECENT)
  if (!commits.some(({ batchId }) => batchId === last.batch_id)) return
  failpoint('before-clean-up-mark')
  await tracker.markCleanUp(table.name, BigInt(looked.batch), looked.atMs)
  await tracker.remember(table.name, AFTER_LOAD, JSON.stringify({ batch: String(last.batch_number), atMs: clock.now() } satisfies Looked))
}

async function cleaned({ table, tracker, lister }: TablePass, due: readonly DueCleanUp[]): Promise<readonly CleanUpOutcome[]> {
  const versions = new Map(due.map(({ path, version }) => [path, version]))
  const targets = new Map<string, string>()
  const outcome = (result: CleanedSource): CleanUpOutcome => ({
    path: result.path,
    version: versions.get(result.path) ?? '',
    status: result.kind,
    // The next attempt goes on with the same target, unless it is another's by now.
    target: result.kind === 'archived' || (result.kind === 'failed' && result.isTaken !== true) ? (targets.get(result.path) ?? null) : null,
    reason: result.kind === 'kept' || result.kind === 'failed' ? result.reason : null,
  })
  const sources = due.map((file) => sourceOf(file, table))
  const place = await loadedSources(table)
  if (typeof table.afterLoad === 'object') {
    const planned = await targetsOf(due, table.afterLoad, lister.base, place)
    await tracker.planCleanUp(table.name, planned)
    failpoint('after-clean-up-plan')
    for (const { path, target } of planned) targets.set(path, target)
    const archived = sources.map((file): ArchivedSource => ({ ...file, target: targets.get(file.path) ?? '' }))
    return (await place.archive(archived)).map(outcome)
  }
  // What was rejected may be all that is left to mend it by.
  const rejects = new Map(due.flatMap(({ path, rejected }) => (rejected > 0n ? [[path, rejected] as const] : [])))
  const kept = sources.flatMap(({ path }): CleanedSource[] => {
    const rows = rejects.get(path)
    return rows === undefined ? [] : [{ kind: 'kept', path, reason: `${rows} of its rows were rejected` }]
  })
  const deleted = await place.delete(sources.filter(({ path }) => !rejects.has(path)))
  return [...kept, ...deleted].map(outcome)
}

function sourceOf({ path, rawPath, version }: DueCleanUp, { watch }: TableConfig): LoadedSource {
  // A marker of a whole folder vouches for other files, too.
  const isOwn = watch.marker?.includes('{name}') === true
  return { path, rawPath, version, marker: isOwn ? (watch.marker ?? '').replaceAll('{name}', () => basename(path)) : null }
}

/** Where files go. A target that was noted by a process that died is gone on with, if the file may lie there. */
async function targetsOf(due: readonly DueCleanUp[], archive: Archive, base: string, place: LoadedSources) {
  const taken = new Set<string>()
  const planned: { readonly path: string; readonly target: string }[] = []
  for (const { path, target: noted } of due) {
    const target = noted ?? (await place.targetOf(path, archive, base, taken))
    taken.add(target)
    planned.push({ path, target })
  }
  return planned
}
