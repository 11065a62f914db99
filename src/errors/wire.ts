import type { ErrorCode } from './codes.ts'
import {
  BugError,
  ConfigError,
  ConflictError,
  type ErrorDetails,
  FileError,
  IngestError,
  type Retry,
  TableError,
  UnavailableError,
  UpstreamError,
} from './errors.ts'

/** An error as it crosses a process border: data only, and its class by name. */
export interface WireError {
  readonly errorClass: string
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string | undefined
  readonly retry: Retry
  readonly file: string | undefined
  readonly stack: string | undefined
}

export function toWire(error: unknown): WireError {
  const stack = error instanceof Error ? error.stack : undefined
  if (error instanceof IngestError) {
    const file = error instanceof FileError ? error.file : undefined
    return { errorClass: error.name, code: error.code, message: error.message, hint: error.hint, retry: error.retry, file, stack }
  }
  const message = error instanceof Error ? error.message : String(error)
  return { errorClass: 'BugError', code: 'ING-BUG', message, hint: undefined, retry: 'never', file: undefined, stack }
}

export function fromWire(wire: WireError): IngestError {
  const details: ErrorDetails = { hint: wire.hint, cause: wire.stack }
  switch (wire.errorClass) {
    case 'ConfigError':
      return new ConfigError(wire.code, wire.message, [], details)
    case 'FileError':
      return new FileError(wire.code, wire.file ?? '', wire.message, { ...details, retry: wire.retry })
    case 'TableError':
      return new TableError(wire.code, wire.message, details)
    case 'ConflictError':
      return new ConflictError(wire.code, wire.message, details)
    case 'UnavailableError':
      return new UnavailableError(wire.code, wire.message, details)
    case 'UpstreamError':
      return new UpstreamError(wire.code, wire.message, details)
    default:
      return new BugError(wire.message, details)
  }
}
