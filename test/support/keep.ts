import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'

/** Removes a test's folder; its Delta tables are kept in INGEST_TEST_KEEP_TABLES, where that is set, for other readers to read. */
export function removeFolder(folder: string): void {
  const kept = process.env['INGEST_TEST_KEEP_TABLES']
  if (kept !== undefined) keepTables(folder, kept)
  rmSync(folder, { recursive: true, force: true })
}

/** Moved, not copied: both folders are in the same temporary one. */
function keepTables(folder: string, kept: string): void {
  mkdirSync(kept, { recursive: true })
  for (const table of tablesIn(folder, 4)) renameSync(table, join(mkdtempSync(join(kept, `${basename(folder)}-`)), 'table'))
}

function tablesIn(folder: string, depth: number): readonly string[] {
  if (existsSync(join(folder, '_delta_log'))) return [folder]
  if (depth === 0) return []
  const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return folders.flatMap((entry) => tablesIn(join(folder, entry.name), depth - 1))
}
