import type { ObjectStore } from '../blobs/objects.ts'
import { openObjects } from '../blobs/open-objects.ts'
import type { StorageConnection } from '../model/connection.ts'

/** One for each bucket and connection, so that their sockets and credentials are shared. */
const stores = new Map<string, Promise<ObjectStore>>()

/** The store of a bucket or container, as `s3://bucket`. */
export function objectStoreOf(root: string, connection: StorageConnection | null): Promise<ObjectStore> {
  const key = JSON.stringify([root, connection])
  const known = stores.get(key)
  if (known !== undefined) return known
  const opened = openObjects(root, connection).then(({ store }) => store)
  opened.catch(() => stores.delete(key))
  stores.set(key, opened)
  return opened
}
