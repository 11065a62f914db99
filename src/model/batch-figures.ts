import type { ReportExpectation } from './expectation.ts'

/** What one batch did, for metrics. */
export interface BatchFigures {
  readonly files: {
    readonly completed: number
    readonly failed: number
    readonly skipped: number
    readonly held: number
    readonly released: number
  }
  /** As the files have them, summed. */
  readonly rows: {
    readonly read: number
    readonly loaded: number
    readonly rejected: number
    readonly filtered: number
    readonly deduplicated: number
  }
  /** Of the landing files that were loaded. */
  readonly bytes: number
  /** True when another writer was first, so that the batch is planned again. */
  readonly givenUp: boolean
  /** Milliseconds by stage. */
  readonly stages: Readonly<Partial<Record<LoadStage, number>>>
  /** Milliseconds from the modified time of each loaded file to the commit. */
  readonly lagsMs: readonly number[]
  readonly expectations: readonly ReportExpectation[]
}

/** Stages of a batch: files are inspected, rows planned and written, the log entry committed, the tracker settled. */
export type LoadStage = 'inspect' | 'write' | 'commit' | 'settle'
