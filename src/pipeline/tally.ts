import { type IngestError, reportOf } from '../errors/errors.ts'
import { type Batch, type BatchOutcome, type FileOutcome, NO_STRATEGY_ROWS } from '../model/batch.ts'
import { addCounts, type ExpectationCount, reportOfCount } from '../model/expectation.ts'
import type { DryRunTable, ReportError, ReportRows, TableReport, TableStatus } from '../model/report.ts'
import type { TableConfig } from '../model/table.ts'
import type { AdmitResult } from '../tracker/tracker.ts'
import type { WaitingFile } from '../watcher/watcher.ts'
import type { LoadResult } from './protocol.ts'

/** Errors listed in a report; all of them are in the tracker. */
const LISTED = 100

type ReportWarning = TableReport['warnings'][number]

/** Adds up what a pass over one table did. */
export class TableTally {
  readonly #table: TableConfig
  readonly #startedMs: number
  readonly #errors: ReportError[] = []
  readonly #warnings: ReportWarning[] = []
  readonly #rows: { -readonly [K in keyof ReportRows]: number } = {
    read: 0,
    loaded: 0,
    rejected: 0,
    filtered: 0,
    deduplicated: 0,
    inserted: 0,
    updated: 0,
    deleted: 0,
    unchanged: 0,
  }
  #version: number | null = null
  #files = { loaded: 0, failed: 0, skipped: 0, pending: 0 }
  #bytes = 0
  #skipReason: string | null = null
  #failed = false
  #maintenance: TableReport['maintenance']
  #expectations: readonly ExpectationCount[]
  plan: DryRunTable | null = null

  constructor(table: TableConfig, startedMs: number) {
    this.#table = table
    this.#expectations = table.expectations.map(({ name, onViolation }) => ({ name, onViolation, checked: 0n, violated: 0n, files: [] }))
    this.#startedMs = startedMs
  }

  admitted(result: AdmitResult, policy: TableConfig['onChangedFile']): void {
    for (const path of result.ignored) {
      const message = `${path} has new content, but was loaded before`
      if (policy === 'fail')
        this.#fail({
          file: path,
          code: 'ING-FILE-CHANGED-AFTER-LOAD',
          message,
          hint: 'on_changed_file: append loads it as new data; ignore leaves it',
        })
      else this.#warnings.push({ code: 'ING-FILE-CHANGED-AFTER-LOAD', message: `${message}; it is ignored (on_changed_file)`, file: path })
    }
  }

  /** A folder that cannot be listed fails the table's pass; what only informs is a warning. */
  problem(problem: IngestError): void {
    const { code, message, hint } = reportOf(problem)
    if (code === 'ING-SOURCE-UNREADABLE') this.#fail({ file: null, code, message, hint })
    else this.#warnings.push({ code, message, file: null })
  }

  waiting({ file, reason }: WaitingFile): void {
    this.#files.pending += 1
    const why = reason === 'marker' ? 'its marker is not there yet' : 'it is still changing'
    this.#warnings.push({ code: 'ING-FILE-WAITING', message: `${file.path} is not loaded yet: ${why}`, file: file.path })
  }

  skipped(files: number): void {
    this.#files.skipped += files
  }

  batch(outcome: BatchOutcome, givenUp: boolean): void {
    if (outcome.version !== null) this.#version = Number(outcome.version)
    if (givenUp) return
    for (const file of outcome.files) this.#file(file)
    for (const name of ['inserted', 'updated', 'deleted', 'unchanged'] as const) this.#rows[name] += Number(outcome.rows[name])
    this.#bytes += Number(outcome.bytes)
    this.#expectations = addCounts(this.#expectations, outcome.expectations ?? [])
    for (const { code, message, file } of outcome.warnings) this.#warnings.push({ code, message, file: file ?? null })
  }

  /** A dry run: what would load, and how the table would change. */
  preview(preview: NonNullable<LoadResult['preview']>): void {
    const { sourcePattern, targetPath, transform, transformModule } = this.#table
    const place = (transform ?? transformModule)?.place
    const before = this.plan ?? {
      source: sourcePattern,
      target: targetPath,
      ...(place === undefined ? {} : { transform: place }),
      files: 0,
      bytes: 0,
      schema_change: [],
      rows: null,
      difference: null,
    }
    const known = new Set(before.schema_change.map(({ column }) => column))
    this.plan = {
      ...before,
      files: this.#files.loaded,
      bytes: this.#bytes,
      schema_change: [
        ...before.schema_change,
        ...preview.newColumns.filter(({ name }) => !known.has(name)).map(({ name, type }) => ({ column: name, type })),
      ],
      rows: preview.counted ? { ...this.#rows } : null,
      difference: preview.difference ?? before.difference,
    }
  }

  contended(reason: string): void {
    this.#fail({
      file: null,
      code: 'ING-TABLE-CONFLICT',
      message: `${this.#table.name}: gave up for now after repeated conflicts: ${reason}`,
      hint: 'the files stay pending and are tried again by the next run',
    })
  }

  /** A load process died, and `then` is what comes of its batch. */
  died(error: unknown, then: string): void {
    const { code, message } = reportOf(error)
    this.#warnings.push({ code, message: `${message}; ${then}`, file: null })
  }

  /** The table as a whole failed. */
  error(error: unknown): void {
    const { code, message, hint } = reportOf(error)
    this.#fail({ file: null, code, message, hint })
  }

  unsupported(message: string, hint: string): void {
    this.#fail({ file: null, code: 'ING-CONFIG-UNSUPPORTED', message, hint })
  }

  /** The last version that the pass committed. */
  get version(): number | null {
    return this.#version
  }

  get failed(): boolean {
    return this.#failed
  }

  maintained(done: NonNullable<TableReport['maintenance']>): void {
    this.#maintenance = { ...this.#maintenance, ...done }
    this.#version = done.optimize?.version ?? done.vacuum?.version ?? this.#version
  }

  /** Work that nobody asked for and that failed: the loads stand. */
  notMaintained(error: unknown): void {
    const { code, message } = reportOf(error)
    this.#warnings.push({ code, message: `small files were not put together: ${message}`, file: null })
  }

  /** Loaded files that could not be archived or deleted: the loads stand. */
  notCleanedUp(files: number, reason: string): void {
    const message = `${files} loaded ${files === 1 ? 'file' : 'files'} could not be cleaned up (after_load), and will be tried again: ${reason}`
    this.#warnings.push({ code: 'ING-SOURCE-CLEAN-UP', message, file: null })
  }

  skipTable(reason: string): void {
    this.#skipReason = reason
  }

  /**
   * A batch whose load process failed. What concerns the table goes back to pending; what may pass is counted as an
   * attempt of each file and tried again after the backoff.
   */
  outcomeOfFailure(batch: Batch, error: unknown): BatchOutcome {
    const report = reportOf(error)
    const files = batch.files.map((file) =>
      report.retry === 'later' && report.code !== 'ING-TABLE-CONFLICT'
        ? { kind: 'failed' as const, path: file.path, error: report }
        : { kind: 'released' as const, path: file.path, reason: report.message },
    )
    for (const file of files) this.#files[file.kind === 'failed' ? 'failed' : 'pending'] += 1
    return { batchId: batch.id, number: batch.number, version: null, files, rows: NO_STRATEGY_ROWS, bytes: 0n, warnings: [] }
  }

  report(nowMs: number): TableReport {
    return {
      table: this.#table.name,
      strategy: this.#table.strategy,
      status: this.#status(),
      version: this.#version,
      files: { ...this.#files },
      rows: { ...this.#rows },
      bytes: this.#bytes,
      seconds: Math.round(nowMs - this.#startedMs) / 1000,
      errors: this.#errors,
      warnings: [...this.#warnings, ...this.#quarantined()],
      reason: this.#skipReason,
      plan: this.plan,
      ...(this.#expectations.length === 0 ? {} : { expectations: this.#expectations.map(reportOfCount) }),
      ...(this.#maintenance === undefined ? {} : { maintenance: this.#maintenance }),
    }
  }

  #file(file: FileOutcome): void {
    switch (file.kind) {
      case 'completed':
        this.#files.loaded += 1
        for (const name of ['read', 'loaded', 'rejected', 'filtered', 'deduplicated'] as const) this.#rows[name] += Number(file.rows[name])
        break
      case 'failed':
        this.#files.failed += 1
        this.#fail({ file: file.path, code: file.error.code, message: file.error.message, hint: file.error.hint })
        break
      case 'skipped':
        this.#files.skipped += 1
        break
      case 'held':
        this.#files.pending += 1
        this.#warnings.push({
          code: 'ING-FILE-HELD',
          message: `${file.path} is held: ${file.reason}; let it load with: ingest approve FILE`,
          file: file.path,
        })
        break
      case 'released':
      case 'suspect':
        this.#files.pending += 1
    }
  }

  /** Rows that were rejected are in quarantine, however many batches they came with: one warning for all. */
  #quarantined(): readonly ReportWarning[] {
    const { rejected } = this.#rows
    if (rejected === 0) return []
    const { name } = this.#table
    const rows = `${rejected} ${rejected === 1 ? 'row' : 'rows'}`
    const message =
      this.plan === null ? `${rows} went to quarantine: ingest quarantine list --tables ${name}` : `${rows} would go to quarantine`
    return [{ code: 'ING-ROWS-QUARANTINED', message, file: null }]
  }

  #fail(error: ReportError): void {
    this.#failed = true
    if (this.#errors.length < LISTED) this.#errors.push(error)
  }

  #status(): TableStatus {
    if (this.#failed) return 'error'
    if (this.#skipReason !== null) return 'skip'
    return this.#warnings.length > 0 || this.#rows.rejected > 0 ? 'warn' : 'pass'
  }
}
