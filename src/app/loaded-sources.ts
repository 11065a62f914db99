import { basename, join, relative } from 'node:path'
import {
  type ArchivedSource,
  archiveSources,
  type CleanedSource,
  deleteSources,
  freeTarget,
  type LoadedSource,
} from '../blobs/local-source.ts'
import { archiveObjects, deleteObjects, freeObjectTarget } from '../blobs/object-source.ts'
import type { TableConfig } from '../model/table.ts'
import { rootOf } from '../watcher/pattern.ts'
import { objectStoreOf } from './object-stores.ts'

type Archive = Exclude<TableConfig['afterLoad'], string>

/** Where loaded files lie, as far as they are moved or deleted there. */
export interface LoadedSources {
  delete(files: readonly LoadedSource[]): Promise<readonly CleanedSource[]>
  archive(files: readonly ArchivedSource[]): Promise<readonly CleanedSource[]>
  /** Where a file goes: its path below the root stays, with a number behind it where something lies there. */
  targetOf(path: string, archive: Archive, base: string, taken: ReadonlySet<string>): Promise<string>
}

/** Of a table's source: on local disks or in a bucket, whose archive is in the same one. */
export async function loadedSources({ sourcePattern, storage }: TableConfig): Promise<LoadedSources> {
  const root = rootOf(sourcePattern)
  if (root === undefined) return LOCAL
  const bucket = { root, store: await objectStoreOf(root, storage.source) }
  return {
    delete: (files) => deleteObjects(files, bucket),
    archive: (files) => archiveObjects(files, bucket),
    targetOf: (path, { archive, below }, base, taken) => {
      const start = [below, base].find((folder) => path.startsWith(`${folder}/`))
      const place = start === undefined ? basename(path) : path.slice(start.length + 1)
      return freeObjectTarget(`${archive.replace(/\/$/, '')}/${place}`, taken, bucket)
    },
  }
}

const LOCAL: LoadedSources = {
  delete: deleteSources,
  archive: archiveSources,
  targetOf: (path, { archive, below }, base, taken) => {
    const root = belowRoot(below, base) === undefined ? base : below
    return freeTarget(join(archive, belowRoot(root, path) ?? basename(path)), taken)
  },
}

/** Undefined for a path that lies elsewhere. */
function belowRoot(root: string, path: string): string | undefined {
  const below = relative(root, path)
  return below === '..' || below.startsWith('../') ? undefined : below
}
