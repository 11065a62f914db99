import type { Session } from '../engine/engine.ts'
import type { Service } from '../engine/serve.ts'
import { TableError } from '../errors/errors.ts'
import type { TableConfig } from '../model/table.ts'
import { laterFiles } from '../pipeline/later-files.ts'
import { applicationId, type LaterQuestion, type UnloadJob, type UnloadQuestion } from '../pipeline/protocol.ts'
import { planUnload, unloadBatch } from '../pipeline/unload.ts'
import type { OpenTable } from '../stores/store.ts'
import { openTableAt } from './open-table.ts'

/** What a load process does to unload files; the parent is of the same build, so the shape of what it sends is known. */
export function unloadMethods(open: (table: TableConfig) => Promise<OpenTable>, session: Session): Service['methods'] {
  return {
    planUnload: async (given) => {
      const question = given as UnloadQuestion
      return planUnload(question, await open(question.table), session)
    },
    laterFiles: async (given) => {
      const question = given as LaterQuestion
      const { table, version } = question
      if (version === null) return null
      try {
        await using then = await openTableAt(table, session, { version: BigInt(version) })
        await using now = await openTableAt(table, session)
        return await laterFiles(question, then, now, session)
      } catch (error) {
        // Versions that are gone tell nothing any more.
        if (error instanceof TableError && error.code === 'ING-TABLE-VERSION') return null
        throw error
      }
    },
    unload: async (given) => {
      const job = given as UnloadJob
      return unloadBatch(job, await open(job.table), { session, appId: applicationId(job.trackerId, job.table) })
    },
  }
}
