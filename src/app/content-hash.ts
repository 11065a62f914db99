import { contentHash } from '../blobs/local-content.ts'
import type { ObjectStore } from '../blobs/objects.ts'
import type { FileSeen } from '../model/file.ts'
import type { TableConfig } from '../model/table.ts'
import type { UnchangedPass } from '../pipeline/unchanged.ts'
import { rootOf } from '../watcher/pattern.ts'
import { objectStoreOf } from './object-stores.ts'

/** Bytes of an object that are read at a time. */
const PIECE = 4 * 1024 * 1024

/** Hashes the content of landing files, wherever they lie. */
export function contentHashOf({ sourcePattern, storage }: TableConfig): UnchangedPass['contentHash'] {
  const root = rootOf(sourcePattern)
  if (root === undefined) return (files, algorithm) => contentHash(files, algorithm)
  return async (files, algorithm) => {
    const store = await objectStoreOf(root, storage.source)
    return contentHash(files, algorithm, (file) => bytesOf(file, store, root))
  }
}

async function* bytesOf({ path, size, version }: FileSeen, store: ObjectStore, root: string): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < Number(size); from += PIECE) {
    const read = await store.read(path.slice(root.length + 1), { from, bytes: PIECE, etag: version })
    if (read.kind !== 'read') throw new Error('the object is another one by now')
    yield read.content
  }
}
