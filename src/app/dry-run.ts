import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ResolvedConfig } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { RunReport } from '../model/report.ts'
import type { TableConfig } from '../model/table.ts'
import type { LoadResult } from '../pipeline/protocol.ts'
import { openTrackerSnapshot } from '../tracker/open.ts'
import type { RunOptions } from './ingest.ts'
import type { LoadProcess } from './load-process.ts'
import { type Pass, runOnce } from './run-once.ts'
import { trackerAt } from './tracker-options.ts'

/**
 * What the next run does if nothing changes: the same pass over a private copy of the tracker, with load processes
 * that stop after the plan. Nothing is changed outside a temporary folder, which is removed.
 */
export async function dryRun(tables: readonly TableConfig[], options: RunOptions, pass: Omit<Pass, 'tracker'>): Promise<RunReport> {
  const scratch = await mkdtemp(join(tmpdir(), 'ingestd-dry-'))
  try {
    const { config, clock } = pass
    await using tracker = await openCopy(config, clock)
    const scratched: ResolvedConfig = {
      ...config,
      checkpointPath: scratch,
      engine: { ...config.engine, temporaryFolder: join(scratch, 'spill') },
    }
    return await runOnce(tables.map(asOneBatch), options, {
      ...pass,
      config: scratched,
      tracker: async () => tracker,
      wrap: (worker) => previewing(worker, options.verbose ?? false),
    })
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/**
 * What batches of versions of keys do together is what one batch of all their files does: so their difference to the table
 * is told exactly, without a table between them.
 */
function asOneBatch(table: TableConfig): TableConfig {
  const isKeyed = table.strategy === 'merge' || table.strategy === 'scd2'
  return isKeyed ? { ...table, maxFilesPerBatch: Number.MAX_SAFE_INTEGER, maxBytesPerBatch: 2n ** 62n } : table
}

function openCopy(config: ResolvedConfig, clock: Clock) {
  return openTrackerSnapshot(trackerAt(config, clock))
}

/** The same load process, but a load ends with its plan. */
function previewing(worker: LoadProcess, count: boolean): LoadProcess {
  return {
    ...worker,
    recover: worker.inspect,
    load: async (job): Promise<LoadResult> => {
      const { outcome, newColumns, difference } = await worker.preview(job, count)
      return { outcome, overtaken: false, preview: { newColumns, counted: count, difference } }
    },
    [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
  }
}
