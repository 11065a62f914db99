import { UnavailableError } from '../errors/errors.ts'
import type { TablePass } from '../pipeline/run-table.ts'
import { optimizeCounts, vacuumCounts } from './maintenance-counts.ts'

/** What a run does to the files of a table beside its loads. */
export interface AfterLoads {
  /** Left out: by itself, where the table's config lets it. */
  readonly optimize?: boolean | undefined
  readonly vacuum?: boolean | undefined
}

/** What the tracker remembers of a table: the version at which its files were last looked at. */
const LOOKED_AT = 'optimize_looked_at'
/** Commits between two looks: reading the list of all files costs as much as a checkpoint. */
const LOOK_EVERY = 10

/**
 * Maintenance comes after the loads of a table, under the lease of its pass: so it never fights them. What was asked for
 * and fails is an error of the table; what was done by itself is only told, since the rows are loaded.
 */
export async function maintainAfterLoads(pass: TablePass, { optimize, vacuum }: AfterLoads): Promise<void> {
  const { table, tracker, worker, tally, signal } = pass
  if (signal.aborted || tally.failed) return
  const telling = (work: 'optimize' | 'vacuum') => pass.onEvent({ kind: 'maintaining', table: table.name, work })
  if (optimize === true) {
    telling('optimize')
    tally.maintained({ optimize: optimizeCounts(await worker.optimize(table, { ...plain(pass), auto: false })) })
  } else if (table.delta.optimize === 'auto') await optimizeWhereDue(pass)
  if (vacuum !== true) return
  telling('vacuum')
  const request = { trackerId: tracker.id, retentionMs: null, dryRun: false, force: false }
  tally.maintained({ vacuum: vacuumCounts(await worker.vacuum(table, request)) })
}

async function optimizeWhereDue(pass: TablePass): Promise<void> {
  const { table, tracker, worker, tally, signal } = pass
  const { version } = tally
  if (version === null) return
  const last = await tracker.recall(table.name, LOOKED_AT)
  // A table that was made anew counts from the start again.
  const since = last === undefined || Number(last) > version ? -1 : Number(last)
  if (version - since < LOOK_EVERY) return
  try {
    pass.onEvent({ kind: 'maintaining', table: table.name, work: 'optimize' })
    const result = await worker.optimize(table, { ...plain(pass), auto: true })
    await tracker.remember(table.name, LOOKED_AT, String(result.version ?? version))
    if (result.version !== null) tally.maintained({ optimize: optimizeCounts(result) })
  } catch (error) {
    if (error instanceof UnavailableError && error.code.startsWith('ING-TRACKER')) throw error
    if (!signal.aborted) tally.notMaintained(error)
  }
}

function plain({ tracker }: TablePass) {
  return { trackerId: tracker.id, targetFileSize: null, zOrder: [], dryRun: false }
}
