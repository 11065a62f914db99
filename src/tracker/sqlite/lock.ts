import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import { trackerError } from './errors.ts'
import { sameFile } from './same-file.ts'

export type Lock = { readonly kind: 'held'; readonly lock: HeldLock } | { readonly kind: 'busy'; readonly holder: string | null }

/** A lock that is held until it is closed, or its process is gone. */
export interface HeldLock extends Disposable {
  /** False when the file was deleted or replaced meanwhile, so that another process may hold the lock as well. */
  isIntact(): boolean
}

/**
 * A lock file is a database of its own, of which the holder has the write lock: the system takes it from a process that ends, however it
 * ends, and no pid has to be looked at. Who holds it stands in a row, which others may read meanwhile.
 */
export function takeSqliteLock(file: string, holder: string): Lock {
  try {
    mkdirSync(dirname(file), { recursive: true })
    const database = new BetterSqlite(file, { timeout: 0 })
    try {
      const lock = lockOf(database, holder)
      if (lock.kind === 'busy') database.close()
      else return { kind: 'held', lock: heldLock(file, database) }
      return lock
    } catch (error) {
      database.close()
      throw error
    }
  } catch (error) {
    throw trackerError(error, file)
  }
}

/** The row is committed before the lock is taken for good; between the two another may come first. */
function lockOf(
  database: BetterSqlite.Database,
  holder: string,
): { readonly kind: 'held' } | { readonly kind: 'busy'; readonly holder: string | null } {
  for (;;) {
    if (!begun(database)) return { kind: 'busy', holder: holderOf(database) }
    database.exec('create table if not exists lock (id integer primary key check (id = 1), holder text not null)')
    if (holderOf(database) === holder) return { kind: 'held' }
    database.prepare('insert into lock values (1, ?) on conflict do update set holder = excluded.holder').run(holder)
    database.exec('commit')
  }
}

function begun(database: BetterSqlite.Database): boolean {
  try {
    database.exec('begin immediate')
    return true
  } catch (error) {
    if (isBusy(error)) return false
    throw error
  }
}

function holderOf(database: BetterSqlite.Database): string | null {
  try {
    return database.prepare<[], string>('select holder from lock').pluck().get() ?? null
  } catch (error) {
    // A holder that is just writing its name, or the file of one that never came to it.
    if (isBusy(error) || (error instanceof BetterSqlite.SqliteError && error.code === 'SQLITE_ERROR')) return null
    throw error
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof BetterSqlite.SqliteError && /^SQLITE_(BUSY|LOCKED)/.test(error.code)
}

function heldLock(file: string, database: BetterSqlite.Database): HeldLock {
  return {
    isIntact: sameFile(file),
    [Symbol.dispose]: () => {
      database.close()
    },
  }
}
