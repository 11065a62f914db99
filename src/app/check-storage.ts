import type { ObjectEntry, ObjectStore } from '../blobs/objects.ts'
import { openObjects } from '../blobs/open-objects.ts'
import { baseOf } from '../config/paths.ts'
import { IngestError, reportOf, TableError } from '../errors/errors.ts'
import type { StorageConnection } from '../model/connection.ts'
import type { CheckReport } from '../model/report.ts'
import type { TableConfig } from '../model/table.ts'

type Check = CheckReport['checks'][number]

/** Whether an end of a table can be used; a local one always can, as far as this goes. */
interface EndCheck {
  readonly ok: boolean
  readonly checks: readonly Check[]
}

const LOCAL: EndCheck = { ok: true, checks: [] }

/** Credentials, region, bucket, clock and permissions of a remote source: it is listed, and a byte of an object is read. */
export async function checkRemoteSource({ name, sourcePattern, storage }: TableConfig): Promise<EndCheck> {
  if (storage.source === null) return LOCAL
  return checked(name, 'source', { url: baseOf(sourcePattern), connection: storage.source }, async (store, prefix) => {
    // As the listing of a pattern asks, so that a permission for this folder alone does.
    const found = await firstOf(store, prefix === '' ? '' : `${prefix}/`)
    if (found === undefined) return `${store.root} can be listed; there is nothing to read yet`
    await store.read(found.key, { bytes: 1 })
    return `${store.root} can be listed and read`
  })
}

/** The same of a remote table, where small objects are written, so that it shows whether the store keeps conditions, and removed. */
export async function checkRemoteTarget({ name, targetPath, storage }: TableConfig): Promise<EndCheck> {
  if (storage.target === null) return LOCAL
  return checked(name, 'target', { url: targetPath, connection: storage.target }, async (store, prefix) => {
    await firstOf(store, `${prefix}/`)
    if (await store.keepsConditions(`${prefix}/_ingestd/`)) return `${store.root} can be listed, written and cleaned, and keeps conditions`
    throw new TableError('ING-STORAGE-CONDITION', `${store.root} overwrites objects that must not be there yet`, {
      hint: 'use another store for tables, or a newer version of it; it can still be a source (docs/object-stores.md)',
    })
  })
}

async function checked(
  name: string,
  end: 'source' | 'target',
  { url, connection }: { readonly url: string; readonly connection: StorageConnection },
  look: (store: ObjectStore, prefix: string) => Promise<string>,
): Promise<EndCheck> {
  try {
    const { store, prefix } = await openObjects(url, connection)
    const detail = await look(store, prefix)
    return { ok: true, checks: [{ check: 'storage', subject: name, ok: true, detail: `${end}: ${detail}`, hint: null }] }
  } catch (error) {
    const { code, message, hint } = reportOf(error)
    const detail = `${end}: ${message}${error instanceof IngestError ? ` [${code}]` : ''}`
    return { ok: false, checks: [{ check: 'storage', subject: name, ok: false, detail, hint }] }
  }
}

async function firstOf(store: ObjectStore, prefix: string): Promise<ObjectEntry | undefined> {
  for await (const { objects } of store.list(prefix, { pageSize: 10 })) return objects.find(({ size }) => size > 0n)
  return undefined
}
