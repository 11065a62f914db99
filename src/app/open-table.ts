import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { BLOB_STORES } from '../blobs/registry.ts'
import type { Session } from '../engine/engine.ts'
import type { Sql } from '../engine/sql.ts'
import { systemClock } from '../lib/clock.ts'
import { packageVersion } from '../lib/version.ts'
import { isRemote } from '../model/object-url.ts'
import type { TableConfig } from '../model/table.ts'
import { STORES } from '../stores/registry.ts'
import type { ChangeRange, OpenTable, Store, StoreVerification, TableVersion, TableVersionAt } from '../stores/store.ts'

/** The table at its current version, through the store of its `output_format`. `warn` hears what went wrong after a commit. */
export async function openTable(table: TableConfig, session: Session, warn: (message: string, cause: unknown) => void): Promise<OpenTable> {
  return (await storeOf(table, warn)).open(table, session)
}

/** The table at a version, for reading alone; at its current one when none is named. */
export async function openTableAt(table: TableConfig, session: Session, at?: TableVersionAt): Promise<TableVersion> {
  return (await storeOf(table, () => {})).openAt(table, session, at)
}

/** What log, manifests and files of a table say, whatever is wrong with them. */
export async function verifyStored(table: TableConfig, appId: string | null, session: Session): Promise<StoreVerification> {
  return (await storeOf(table, () => {})).verify(table, appId, session)
}

/** A query of what versions of a table changed; it lives as long as the session. */
export async function changesOf(table: TableConfig, session: Session, range: ChangeRange): Promise<Sql> {
  return (await storeOf(table, () => {})).changes(table, session, range)
}

async function storeOf(table: TableConfig, warn: (message: string, cause: unknown) => void): Promise<Store> {
  return STORES[table.outputFormat]({
    blobs: (root) => (isRemote(root) ? BLOB_STORES.remote(root, table.storage) : BLOB_STORES.file(root)),
    clock: systemClock,
    engineInfo: `ingestd/${packageVersion()}`,
    warn,
    random: Math.random,
    newId: randomUUID,
    sleep,
  })
}
