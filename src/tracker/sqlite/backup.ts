import { link, open, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import { ConfigError, UnavailableError } from '../../errors/errors.ts'
import { failpoint } from '../../lib/failpoint.ts'
import { trackerError } from './errors.ts'

/**
 * Copies a tracker while others write it, as of one moment, and reads the copy back. It is there under its name only when it is
 * whole and durable; its size in bytes. ConfigError for a name that is taken.
 */
export async function backUpSqlite(from: string, to: string): Promise<number> {
  const part = `${to}.part`
  try {
    await remove(part)
    await copyTo(part, from)
    check(part)
    await sync(part)
    failpoint('backup-before-name')
    await link(part, to)
    await sync(dirname(to))
    return (await stat(to)).size
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      throw new ConfigError('ING-TRACKER-BACKUP', `${to} is there already`, [], { hint: 'name another file; nothing is overwritten' })
    }
    throw trackerError(error, from)
  } finally {
    await remove(part)
  }
}

async function copyTo(to: string, from: string): Promise<void> {
  const database = new BetterSqlite(from, { readonly: true, fileMustExist: true })
  try {
    await database.backup(to)
  } finally {
    database.close()
  }
}

/** Opened again and read through; as one file, without a log beside it. */
function check(file: string): void {
  const database = new BetterSqlite(file, { fileMustExist: true })
  try {
    database.pragma('journal_mode = delete')
    const answer = database.pragma('integrity_check', { simple: true })
    if (answer === 'ok') return
    throw new UnavailableError('ING-TRACKER-CORRUPT', `the backup is not whole: ${String(answer)}`, {
      hint: 'check the disk; the tracker itself may be damaged: ingest tracker rebuild makes it anew',
    })
  } finally {
    database.close()
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function remove(file: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm', '-journal']) await rm(`${file}${suffix}`, { force: true })
}
