import { TableError } from '../errors/errors.ts'
import type { AdoptReport } from '../model/tracker-report.ts'
import { adoptChain } from '../pipeline/adopt-chain.ts'
import { runnableTable } from './select-tables.ts'
import { leasedAlone, type TableWork } from './table-work.ts'

const ALL_COMMITS = 2 ** 31

/** Takes a table over that another tracker loaded: it may load it no more, and this one knows all of its files. */
export async function adoptTracked(name: string, work: TableWork): Promise<AdoptReport> {
  const { config, tracker, worker } = work
  const table = runnableTable(config.tables, name)
  return leasedAlone(table, 'adopt', work, async () => {
    const { from, version } = await worker.adopt({ table, trackerId: tracker.id })
    if (from === null) {
      throw new TableError('ING-TRACKER-NOTHING', `no tracker loads ${table.name}: there is nothing to take over`, {
        hint: `load it: ingest run --tables ${table.name}`,
      })
    }
    const inspection = await worker.recover(table, tracker.id, null)
    const commits = await worker.history(table, ALL_COMMITS)
    const versions = new Map(commits.flatMap((one) => (one.batchId === null ? [] : [[one.batchId, one.version] as const])))
    const batches = await adoptChain(table, tracker, inspection, { versions })
    const [counts] = await tracker.counts([table.name])
    return {
      table: table.name,
      from_tracker: version === null ? null : from,
      tracker: tracker.id,
      version: version === null ? null : Number(version),
      batches,
      files: counts?.completed ?? 0,
    }
  })
}
