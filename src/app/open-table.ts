import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { BLOB_STORES } from '../blobs/registry.ts'
import type { Session } from '../engine/engine.ts'
import { systemClock } from '../lib/clock.ts'
import { packageVersion } from '../lib/version.ts'
import type { TableConfig } from '../model/table.ts'
import { STORES } from '../stores/registry.ts'
import type { OpenTable } from '../stores/store.ts'

/** The table at its current version, through the store of its `output_format`. `warn` hears what went wrong after a commit. */
export async function openTable(table: TableConfig, session: Session, warn: (message: string, cause: unknown) => void): Promise<OpenTable> {
  const store = await STORES[table.outputFormat]({
    blobs: BLOB_STORES.file,
    clock: systemClock,
    engineInfo: `ingestd/${packageVersion()}`,
    warn,
    random: Math.random,
    newId: randomUUID,
    sleep,
  })
  return store.open(table, session)
}
