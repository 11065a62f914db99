import BetterSqlite from 'better-sqlite3'
import { BugError, IngestError, UnavailableError } from '../../errors/errors.ts'

/** The one place where an error of SQLite, or of the file system below it, becomes one of ours. */
export function trackerError(error: unknown, file: string): unknown {
  if (error instanceof IngestError) return error
  if (error instanceof BetterSqlite.SqliteError) return fromSqlite(error, file)
  if (error instanceof TypeError && error.message.includes('directory does not exist')) return cannotOpen(file, error)
  return isErrno(error) ? cannotOpen(file, error) : error
}

function fromSqlite(error: Error & { readonly code: string }, file: string): IngestError {
  const code = error.code
  const context = { file, sqlite: code }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new UnavailableError('ING-TRACKER-LOCKED', `the tracker ${file} is locked by another process`, {
      hint: 'wait until the other process is done, or stop it, and try again',
      context,
      cause: error,
    })
  }
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') {
    return new UnavailableError('ING-TRACKER-CORRUPT', `the tracker ${file} is damaged: ${error.message}`, {
      hint: `restore a backup of ${file}, or make it anew from the tables: ingest tracker rebuild`,
      context,
      cause: error,
    })
  }
  if (code === 'SQLITE_FULL') {
    return new UnavailableError('ING-STORAGE-FULL', `there is no room for the tracker ${file}`, {
      hint: 'free room on the disk and try again',
      context,
      cause: error,
    })
  }
  if (code.startsWith('SQLITE_READONLY')) {
    return new UnavailableError('ING-STORAGE-READ-ONLY', `the tracker ${file} cannot be written`, {
      hint: 'grant write permission on the file and its folder (checkpoint_path)',
      context,
      cause: error,
    })
  }
  if (code === 'SQLITE_ERROR' || code.startsWith('SQLITE_CONSTRAINT') || code === 'SQLITE_MISMATCH') {
    return new BugError(`a statement of the tracker ${file} failed: ${error.message}`, { context, cause: error })
  }
  return cannotOpen(file, error)
}

function cannotOpen(file: string, error: Error): UnavailableError {
  return new UnavailableError('ING-TRACKER-UNAVAILABLE', `the tracker ${file} cannot be used: ${error.message}`, {
    hint: 'check checkpoint_path and the permissions of that folder',
    context: { file },
    cause: error,
  })
}

function isErrno(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'errno' in error && 'code' in error
}
