import type { ErrorCode } from './codes.ts'
import { redactUrl } from './redact.ts'

/** Whether a later attempt may succeed: transient errors are retried with backoff, content errors wait for a hand. */
export type Retry = 'never' | 'later'

export interface ErrorDetails {
  /** What to type or to write next. */
  readonly hint?: string | undefined
  /** Names and places for logs and `--json`; never a secret. */
  readonly context?: Readonly<Record<string, string | number | bigint | undefined>> | undefined
  readonly cause?: unknown
}

/** Every error that ingestd raises on purpose. */
export abstract class IngestError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly context: Readonly<Record<string, string | number | bigint | undefined>>
  abstract readonly retry: Retry

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = new.target.name
    this.code = code
    this.hint = details.hint
    this.context = details.context ?? {}
  }
}

/** One problem of a config; all of them are reported together. */
export interface ConfigIssue {
  readonly file: string
  /** 1-based; 0 where the source has no lines: an option, an environment variable, an object. */
  readonly line: number
  /** 1-based; 0 like `line`. */
  readonly column: number
  /** Dotted path, as `tables[0].loading_strategy`. */
  readonly key: string
  readonly problem: string
  /** What to write instead. */
  readonly fix: string
  readonly code: ErrorCode
}

/** The command line or the config is wrong: exit code 2. */
export class ConfigError extends IngestError {
  readonly retry = 'never'
  readonly issues: readonly ConfigIssue[]
  constructor(code: ErrorCode, message: string, issues: readonly ConfigIssue[] = [], details: ErrorDetails = {}) {
    super(code, message, details)
    this.issues = issues
  }
}

/** One landing file is not what the config says: it fails alone, its neighbours commit. */
export class FileError extends IngestError {
  readonly retry: Retry
  /** `file_path` as the tracker shows it. */
  readonly file: string
  constructor(code: ErrorCode, file: string, message: string, details: ErrorDetails & { retry?: Retry } = {}) {
    super(code, message, details)
    this.file = file
    this.retry = details.retry ?? 'never'
  }
}

/** The table forbids it: a feature, a constraint, a schema, another tracker. */
export class TableError extends IngestError {
  readonly retry = 'never'
}

/** Conflicts with other writers outlasted the retry budget. */
export class ConflictError extends IngestError {
  readonly retry = 'later'
}

/** Storage, tracker or engine cannot be reached or has no room: exit code 4 where it stops the command. */
export class UnavailableError extends IngestError {
  readonly retry = 'later'
}

/** A dependency is not met: exit code 3. */
export class UpstreamError extends IngestError {
  readonly retry = 'never'
}

/** An invariant of ours is broken. */
export class BugError extends IngestError {
  readonly retry = 'never'
  constructor(message: string, details: ErrorDetails = {}) {
    super('ING-BUG', `${message} (this is a bug in ingestd, please report it)`, details)
  }
}

/** The plain form that crosses a process boundary, is logged and stands in the tracker and in `--json`: without what grants access. */
export interface ErrorReport {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string | null
  readonly errorClass: string
  readonly retry: Retry
}

export function reportOf(error: unknown): ErrorReport {
  if (error instanceof IngestError) {
    const hint = error.hint === undefined ? null : redactUrl(error.hint)
    return { code: error.code, message: redactUrl(error.message), hint, errorClass: error.name, retry: error.retry }
  }
  const message = redactUrl(error instanceof Error ? error.message : String(error))
  return { code: 'ING-BUG', message, hint: null, errorClass: 'BugError', retry: 'never' }
}
