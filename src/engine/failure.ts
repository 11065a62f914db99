import type { ErrorCode } from '../errors/codes.ts'
import { IngestError, UnavailableError } from '../errors/errors.ts'

/** What the engine's messages mean that no file is to blame for. Matched in order. */
const FAILURES: readonly { readonly pattern: RegExp; readonly code: ErrorCode; readonly message: string; readonly hint: string }[] = [
  {
    pattern: /^INTERRUPT|Interrupted!/,
    code: 'ING-FILE-TIMEOUT',
    message: 'the statement was interrupted',
    hint: 'raise timeout_minutes, or lower max_bytes_per_batch',
  },
  {
    pattern: /^(Error )?Out of Memory|failed to (allocate|pin)|could not allocate/i,
    code: 'ING-ENGINE-MEMORY',
    message: 'the engine is out of memory',
    hint: 'raise engine.memory_limit, lower max_parallel_jobs, or give engine.temporary_directory more room',
  },
  {
    pattern: /No space left on device|disk quota|max_temp_directory_size/i,
    code: 'ING-STORAGE-FULL',
    message: 'there is no room left on the disk',
    hint: 'free room; the batch is tried again',
  },
  {
    pattern: /Read-only file system|Permission denied.*(_ingestd|_delta_log)/i,
    code: 'ING-STORAGE-READ-ONLY',
    message: 'the target cannot be written',
    hint: 'grant write permission',
  },
  { pattern: /Too many open files/i, code: 'ING-ENGINE', message: 'too many open files', hint: 'raise the limit: ulimit -n' },
  // A statement of ours that the engine refuses as such would be refused for every file.
  {
    pattern: /^(Binder|Parser|Catalog|Not implemented|Dependency|INTERNAL) Error/,
    code: 'ING-ENGINE',
    message: 'the engine refused the statement',
    hint: 'check format_options, columns and the strategy',
  },
]

/** Said of what a file holds, though it sounds like a word on the statement. */
const OF_CONTENT = /Duplicate name .* in struct auto-detected in JSON/

/**
 * An engine error that has nothing to do with the content of a file (memory, disk, interrupt), as our own; undefined
 * when the content may be to blame.
 */
export function engineFailure(error: unknown): IngestError | undefined {
  if (error instanceof IngestError) return error
  const text = error instanceof Error ? error.message : String(error)
  const found = OF_CONTENT.test(text) ? undefined : FAILURES.find(({ pattern }) => pattern.test(text))
  return found && new UnavailableError(found.code, `${found.message}: ${firstLine(text)}`, { cause: error, hint: found.hint })
}

/** The first line of an engine message; the rest repeats the statement. */
export function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text
}
