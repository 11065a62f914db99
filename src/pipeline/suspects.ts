import { IngestError, reportOf } from '../errors/errors.ts'
import { type Batch, type BatchOutcome, type FileOutcome, NO_STRATEGY_ROWS } from '../model/batch.ts'
import { isSnapshots, type TableConfig } from '../model/table.ts'

/** How often in a row load processes of a table may die before its pass ends: halving a million files takes twenty. */
export const DEATHS_IN_A_ROW = 24

/**
 * What becomes of the files of a batch whose load process died, or had to be killed. One of them may be to blame, so halves of the
 * batch are tried next, each without other files: to find one file of ten thousand costs some fourteen deaths, and all others load. A
 * file that was alone fails, and is tried again after the backoff. Undefined for an error that is no death, and for a batch that loads as
 * a whole or not at all.
 */
export function outcomeOfDeath(batch: Batch, error: unknown, isWhole: boolean): BatchOutcome | undefined {
  if (!(error instanceof IngestError) || (error.code !== 'ING-ENGINE-CRASH' && error.code !== 'ING-FILE-TIMEOUT')) return undefined
  const [only] = batch.files
  if (only !== undefined && batch.files.length === 1) {
    const code = error.code === 'ING-FILE-TIMEOUT' ? error.code : 'ING-FILE-CRASHES'
    const message = `${only.path} was loaded alone, and ${error.message}`
    return outcomeOf(batch, [{ kind: 'failed', path: only.path, group: batch.id, error: { ...reportOf(error), code, message } }])
  }
  if (isWhole) return undefined
  return outcomeOf(batch, halves(batch, error.message))
}

/**
 * The same of a batch whose process ended before it: by its own fault or for another reason. So all files are tried once more together, and
 * only then by halves; one that was alone is tried again at once, since it is the process that has been started again, until its
 * attempts are used up.
 */
export function outcomeOfAbandoned(batch: Batch, isWhole: boolean): BatchOutcome {
  const why = 'its process ended before it was loaded'
  const [only] = batch.files
  if (isWhole) return outcomeOf(batch, [])
  if (only !== undefined && batch.files.length === 1) {
    const message = `${only.path} was loaded alone, and the process that loaded it was ended again and again`
    const error = { code: 'ING-FILE-CRASHES', message, hint: null, errorClass: 'UnavailableError', retry: 'later' } as const
    return outcomeOf(batch, [{ kind: 'suspect', path: only.path, group: batch.id, reason: why, alone: error }])
  }
  if (batch.suspects !== undefined) return outcomeOf(batch, halves(batch, why))
  return outcomeOf(
    batch,
    batch.files.map(({ path }) => ({ kind: 'suspect', path, group: batch.id, reason: why, alone: null })),
  )
}

/** Whether the files of a batch can only be loaded together: a snapshot of several files, or all files of a full drop. */
export function isWhole({ table, replaceAll }: { readonly table: TableConfig; readonly replaceAll: boolean }): boolean {
  return replaceAll || isSnapshots(table)
}

function halves(batch: Batch, why: string): readonly FileOutcome[] {
  const middle = Math.ceil(batch.files.length / 2)
  return batch.files.map(({ path }, index) => ({
    kind: 'suspect',
    path,
    group: `${batch.id}/${index < middle ? 1 : 2}`,
    reason: `${why}; it was one of ${batch.files.length} files`,
    alone: null,
  }))
}

function outcomeOf(batch: Batch, files: readonly FileOutcome[]): BatchOutcome {
  return { batchId: batch.id, number: batch.number, version: null, files, rows: NO_STRATEGY_ROWS, bytes: 0n, warnings: [] }
}
