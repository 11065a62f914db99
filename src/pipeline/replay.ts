import { TableError } from '../errors/errors.ts'
import type { FileSeen } from '../model/file.ts'
import type { TableConfig } from '../model/table.ts'
import type { Tracker } from '../tracker/tracker.ts'
import { FULL_DROP } from './recover.ts'

interface Reopening {
  readonly table: TableConfig
  readonly tracker: Tracker
}

/**
 * completed → pending for files that are loaded again, as they are now. The tracker remembers that the table may have rows of them, so that
 * whichever process loads them swaps those of an append table for the new ones.
 */
export async function reopenFiles({ table, tracker }: Reopening, files: readonly FileSeen[]): Promise<void> {
  await tracker.admit(table.name, files, 'replace')
  await tracker.replay(
    table.name,
    files.map(({ path }) => path),
    'replayed by hand',
  )
}

/** TableError while a full drop has begun: its files are pending, and their rows still there. */
export async function checkNoFullDrop({ table, tracker }: Reopening): Promise<void> {
  if ((await tracker.recall(table.name, FULL_DROP)) !== 'begun') return
  throw new TableError('ING-TABLE-UNDO', `${table.name}: a full drop has begun, and its files are not loaded yet`, {
    hint: `finish it first: ingest run --tables ${table.name}`,
  })
}
