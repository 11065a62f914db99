import { existsSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import type { ResolvedConfig } from '../config/config.ts'
import { ConfigError } from '../errors/errors.ts'
import { isRemote, objectUrlText, parseObjectUrl } from '../model/object-url.ts'
import type { FileFilter, TrackedFile, Tracker } from '../tracker/tracker.ts'
import { selectTables } from './select-tables.ts'

/** Tracker rows by the names and paths that a user writes; nothing without a tracker. */
export async function* trackedFiles(
  config: ResolvedConfig,
  open: () => Promise<Tracker | undefined>,
  filter: FileFilter,
): AsyncIterable<TrackedFile> {
  const resolved = resolveFilter(config, filter)
  const tracker = await open()
  if (tracker !== undefined) yield* tracker.files(resolved)
}

/** The filter with qualified tables and absolute paths. ConfigError for a path that the tracker does not know. */
export async function knownFiles(config: ResolvedConfig, tracker: Tracker, filter: FileFilter): Promise<FileFilter> {
  const resolved = resolveFilter(config, filter)
  const tables = resolved.tables ?? config.tables.map((table) => table.name)
  for (const path of resolved.paths ?? []) {
    const rows = await Promise.all(tables.map((table) => tracker.file(table, path)))
    if (rows.every((row) => row === undefined)) {
      throw new ConfigError('ING-FILE-UNKNOWN', `the tracker knows no file ${path}`, [], {
        hint: `ingest explain ${JSON.stringify(path)} says why; ingest files lists those that it knows`,
      })
    }
  }
  return resolved
}

/** A FILE of the command line: absolute, a URL, or relative to the working directory, or to `raw_data_path`. */
export function absolutePath(config: ResolvedConfig, path: string): string {
  const url = parseObjectUrl(path)
  if (url !== undefined && !('problem' in url)) return objectUrlText(url)
  if (isAbsolute(path)) return path
  if (isRemote(config.rawDataPath)) return `${config.rawDataPath.replace(/\/+$/, '')}/${path}`
  const fromHere = resolve(path)
  const fromRaw = resolve(config.rawDataPath, path)
  return !existsSync(fromHere) && existsSync(fromRaw) ? fromRaw : fromHere
}

function resolveFilter(config: ResolvedConfig, filter: FileFilter): FileFilter {
  const tables = filter.tables && selectTables(config.tables, filter.tables).map((table) => table.name)
  return { ...filter, tables, paths: filter.paths?.map((path) => absolutePath(config, path)) }
}
