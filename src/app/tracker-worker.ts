import type { Session } from '../engine/engine.ts'
import type { Service } from '../engine/serve.ts'
import type { TableConfig } from '../model/table.ts'
import type { OpenTable } from '../stores/store.ts'
import { type AdoptJob, adoptTable } from './adopt-table.ts'
import { openTableAt } from './open-table.ts'
import { type PublishJob, publishRows } from './published-table.ts'

/** What a load process does for the tracker's own commands; the parent is of the same build, so the shape of what it sends is known. */
export function trackerMethods(open: (table: TableConfig) => Promise<OpenTable>, session: Session): Service['methods'] {
  return {
    trackerOf: async (given) => {
      await using version = await openTableAt(given as TableConfig, session)
      return version.state?.trackerId ?? null
    },
    adopt: (given) => adoptTable(given as AdoptJob, open),
    publish: async (given) => {
      const job = given as PublishJob
      return publishRows(job, await open(job.table), session)
    },
  }
}
