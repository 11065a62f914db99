import type { FileSeen } from '../model/file.ts'
import { isSnapshots, type TableConfig } from '../model/table.ts'
import type { Tracker } from '../tracker/tracker.ts'

interface NextPass {
  readonly table: TableConfig
  readonly tracker: Tracker
  readonly replaceAll: boolean
  readonly only?: readonly string[] | undefined
}

/** Files of a bucket that will be the next batch where nothing else comes. Where a claim chooses among all files, that is not known. */
export async function nextFiles({ table, tracker, replaceAll, only }: NextPass): Promise<readonly FileSeen[]> {
  const { prefetchBytes } = table.storage
  if (prefetchBytes === 0n || replaceAll || only !== undefined || isSnapshots(table) || table.unchanged.skip) return []
  const limits = { maxFiles: table.maxFilesPerBatch, maxBytes: table.maxBytesPerBatch }
  return tracker.pendingFiles(table.name, prefetchBytes < limits.maxBytes ? { ...limits, maxBytes: prefetchBytes } : limits)
}
