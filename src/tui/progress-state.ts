import { assertNever } from '../lib/assert-never.ts'
import type { RunEvent, TableStatus } from '../model/report.ts'

export interface TableProgress {
  readonly table: string
  /** What it does at the moment, in a word or two. */
  readonly stage: string
  /** Null while it runs. */
  readonly ended: TableStatus | null
  readonly startedMs: number
  /** Files seen by the listing. */
  readonly listed: number
  /** Files to load, once known. */
  readonly pending: number | null
  /** Files of batches that ended. */
  readonly filesDone: number
  readonly rowsDone: number
  readonly batchFiles: number
  /** Of the source files, as far as batches were begun. */
  readonly bytes: number
  readonly batchBytes: number
  /** 0 to 1 within the running batch; null unknown. */
  readonly fraction: number | null
  /** When the first batch began: what the time left is reckoned from. */
  readonly loadingSinceMs: number | null
}

export interface RunProgress {
  readonly startedMs: number
  readonly total: number
  /** In the order in which they began. */
  readonly tables: readonly TableProgress[]
}

export function newProgress(nowMs: number): RunProgress {
  return { startedMs: nowMs, total: 0, tables: [] }
}

/** The progress after one event. */
export function progressAfter(progress: RunProgress, event: RunEvent, nowMs: number): RunProgress {
  if (event.kind === 'tableStarted') {
    return { ...progress, total: event.total, tables: [...progress.tables, newTable(event.table, nowMs)] }
  }
  return { ...progress, tables: progress.tables.map((table) => (table.table === event.table ? tableAfter(table, event, nowMs) : table)) }
}

function newTable(table: string, nowMs: number): TableProgress {
  return {
    table,
    stage: 'listing',
    ended: null,
    startedMs: nowMs,
    listed: 0,
    pending: null,
    filesDone: 0,
    rowsDone: 0,
    batchFiles: 0,
    bytes: 0,
    batchBytes: 0,
    fraction: null,
    loadingSinceMs: null,
  }
}

function tableAfter(table: TableProgress, event: Exclude<RunEvent, { kind: 'tableStarted' }>, nowMs: number): TableProgress {
  switch (event.kind) {
    case 'listed':
      return { ...table, listed: event.files }
    case 'pending':
      return { ...table, pending: event.files }
    case 'batchStarted':
      return {
        ...{ ...table, stage: 'loading', batchFiles: event.files, fraction: 0, loadingSinceMs: table.loadingSinceMs ?? nowMs },
        ...{ bytes: table.bytes + event.bytes, batchBytes: event.bytes },
      }
    case 'progress':
      // A stage that cannot tell keeps the bar where it is: one that jumps back looks broken.
      return { ...table, stage: event.stage, fraction: event.fraction < 0 ? table.fraction : Math.max(table.fraction ?? 0, event.fraction) }
    case 'batchEnded':
      return {
        ...table,
        filesDone: table.filesDone + event.files,
        rowsDone: table.rowsDone + event.rows,
        batchFiles: 0,
        batchBytes: 0,
        fraction: null,
      }
    case 'batchFailed':
    case 'retried':
      return table
    case 'maintaining':
      return { ...table, stage: event.work }
    case 'waiting':
      return { ...table, stage: `waiting for ${event.files} ${event.files === 1 ? 'file' : 'files'} to settle` }
    case 'tableEnded':
      return { ...table, ended: event.report.status }
    default:
      return assertNever(event)
  }
}

/** Files to load in all; at least those that are done or at work. */
export function filesToLoad(table: TableProgress): number {
  return Math.max(table.pending ?? 0, table.filesDone + table.batchFiles)
}

/** 0 to 1 of the files to load; null before the first batch. */
export function fractionOf(table: TableProgress): number | null {
  const files = filesToLoad(table)
  if (files === 0) return null
  return Math.min(1, (table.filesDone + (table.fraction ?? 0) * table.batchFiles) / files)
}

/** Of the source files, loaded by now: by estimate within a batch. */
export function bytesDone(table: TableProgress): number {
  return table.bytes - (1 - (table.fraction ?? 0)) * table.batchBytes
}

/** Bytes a second since the first batch began; null while there is too little to go by. */
export function bytesPerSecond(table: TableProgress, nowMs: number): number | null {
  const { loadingSinceMs: since } = table
  return since === null || nowMs - since < 500 || bytesDone(table) <= 0 ? null : (bytesDone(table) * 1000) / (nowMs - since)
}

/** Milliseconds to the end, reckoned from the speed so far; null while there is too little to go by. */
export function remainingMs(table: TableProgress, nowMs: number): number | null {
  const fraction = fractionOf(table)
  if (fraction === null || fraction < 0.02 || table.loadingSinceMs === null) return null
  return ((nowMs - table.loadingSinceMs) * (1 - fraction)) / fraction
}
