import { UnavailableError } from '../errors/errors.ts'
import type { Clock } from '../lib/clock.ts'
import type { FileSeen } from '../model/file.ts'
import type { TableReport } from '../model/report.ts'
import type { TableConfig } from '../model/table.ts'
import type { Owner } from '../pipeline/recover.ts'
import { replayTable, runTable, type TablePass } from '../pipeline/run-table.ts'
import { TableTally } from '../pipeline/tally.ts'
import type { Tracker } from '../tracker/tracker.ts'
import { waitForSettled } from '../watcher/settle.ts'
import type { Lister } from '../watcher/watcher.ts'
import { maintainAfterLoads } from './after-loads.ts'
import { beginCleanUp, cleanUpSources } from './clean-up.ts'
import { contentHashOf } from './content-hash.ts'
import type { RunOptions } from './ingest.ts'
import { listerOf } from './listers.ts'
import type { LoadProcess } from './load-process.ts'
import { leased } from './table-work.ts'

/** What every pass of this process shares. */
export interface PassParts {
  readonly tracker: Tracker
  readonly owner: Owner
  readonly clock: Clock
}

/** A pass that is one turn among many: what it looks at, and when it makes room for another. */
export interface PassTurn {
  readonly lister: Lister
  /** Takes files that are too young; nobody waits for them within the turn. */
  readonly settle: TablePass['settle']
  /** Asked before each batch with the number of those that were loaded. */
  readonly isOver: (batches: number) => boolean
  /** Aborted when the turn shall end soon; what it ends by itself is no error. */
  readonly stopping: AbortSignal
}

interface PassOptions extends Pick<RunOptions, 'dryRun' | 'onEvent' | 'optimize' | 'runType' | 'signal' | 'tables' | 'vacuum'> {
  /** Files that are loaded again, as they are now; nothing else is. */
  readonly replay?: readonly FileSeen[] | undefined
}

export interface PassResult {
  readonly report: TableReport
  /** The turn was over before all that is pending was loaded. */
  readonly more: boolean
}

/** One pass over a table under its lease: whatever stops it is in its report; a tracker that cannot be reached is thrown. */
export async function passOver(
  table: TableConfig,
  worker: LoadProcess,
  { turn, ...options }: PassOptions & { readonly turn?: PassTurn | undefined },
  parts: PassParts,
): Promise<PassResult> {
  const tally = new TableTally(table, parts.clock.now())
  let more = false
  if (table.unsupported.length > 0) {
    // A key that is known but not built fails its table alone.
    for (const { message, hint } of table.unsupported) tally.unsupported(message, hint)
  } else if (options.signal?.aborted) tally.skipTable('interrupted')
  else if (await isPaused(table, options, parts.tracker)) tally.skipTable(`paused (ingest resume --tables ${table.name})`)
  else {
    await leased(
      table,
      parts,
      async () => {
        more = await passUnderLease(tablePass(table, worker, tally, { options, turn, parts }), options, turn?.stopping)
      },
      () => tally.skipTable('another process is loading this table'),
    )
  }
  return { report: tally.report(parts.clock.now()), more }
}

/** A table that is named is loaded, paused or not: whoever names it knows of it. */
async function isPaused(table: TableConfig, { tables }: PassOptions, tracker: Tracker): Promise<boolean> {
  return (tables === undefined || tables.length === 0) && (await tracker.paused()).has(table.name)
}

/** What stops one table is its own result; a tracker that cannot be reached stops them all. */
async function passUnderLease(pass: TablePass, options: PassOptions, stopping?: AbortSignal): Promise<boolean> {
  const { tally, signal } = pass
  try {
    if (options.dryRun !== true) await beginCleanUp(pass)
    const more = options.replay === undefined ? await runTable(pass) : await replayTable(pass, options.replay)
    if (options.dryRun !== true) {
      await cleanUpSources(pass)
      await maintainAfterLoads(pass, options)
    }
    return more
  } catch (error) {
    if (error instanceof UnavailableError && error.code.startsWith('ING-TRACKER')) throw error
    if (signal.aborted || (stopping?.aborted === true && error === stopping.reason)) tally.skipTable('interrupted')
    else tally.error(error)
    return false
  }
}

interface Given {
  readonly options: PassOptions
  readonly turn: PassTurn | undefined
  readonly parts: PassParts
}

function tablePass(table: TableConfig, worker: LoadProcess, tally: TableTally, { options, turn, parts }: Given): TablePass {
  const { tracker, owner, clock } = parts
  const lister = turn?.lister ?? listerOf(table, clock)
  const runType = options.runType ?? table.runType
  const signal = options.signal ?? new AbortController().signal
  return {
    table,
    tracker,
    lister,
    worker,
    owner,
    clock,
    contentHash: contentHashOf(table),
    tally,
    replaceAll: runType === 'full_drop',
    signal,
    isTurnOver: turn?.isOver ?? (() => false),
    onEvent: options.onEvent ?? (() => {}),
    settle:
      turn?.settle ??
      (async (waiting) => {
        const ms = Math.max(0, ...waiting.map((one) => one.readyInMs ?? 0))
        options.onEvent?.({ kind: 'waiting', table: table.name, files: waiting.length, ms })
        return waitForSettled(lister, waiting, ms, signal)
      }),
  }
}
