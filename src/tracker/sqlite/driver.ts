import { setTimeout as sleep } from 'node:timers/promises'
import type BetterSqlite from 'better-sqlite3'
import { CompiledQuery, type DatabaseConnection, type Driver, type QueryResult, SqliteDialect, SqliteDriver } from 'kysely'
import { UnavailableError } from '../../errors/errors.ts'
import { trackerError } from './errors.ts'

export interface SqliteHandle {
  readonly database: BetterSqlite.Database
  /** Named in errors. */
  readonly file: string
  readonly lockWaitMs: number
}

export class TrackerSqliteDialect extends SqliteDialect {
  readonly #handle: SqliteHandle

  constructor(handle: SqliteHandle) {
    super({ database: handle.database })
    this.#handle = handle
  }

  override createDriver(): Driver {
    return new TrackerSqliteDriver(this.#handle)
  }
}

/**
 * Every transaction takes the write lock at its start: one that read first and then wanted to write would fail
 * instead of waiting.
 */
class TrackerSqliteDriver extends SqliteDriver {
  readonly #handle: SqliteHandle

  constructor(handle: SqliteHandle) {
    super({ database: handle.database })
    this.#handle = handle
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    return patient(await super.acquireConnection(), this.#handle)
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
  }

  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // SQLite has rolled back by itself after a full disk or a failed write; a second one would hide the cause.
    if (this.#handle.database.inTransaction) await super.rollbackTransaction(connection)
  }
}

/**
 * Tries until the lock is free, or throws what the last attempt threw. The wait leaves the event loop free, so that
 * heartbeats go on, and so that the holder of the lock may be in this process.
 */
export async function whenFree<T>(attempt: () => Promise<T>, waitMs: number): Promise<T> {
  const end = performance.now() + waitMs
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    try {
      return await attempt()
    } catch (error) {
      const locked = error instanceof UnavailableError && error.code === 'ING-TRACKER-LOCKED'
      if (!locked || performance.now() >= end) throw error
      await sleep(pause)
    }
  }
}

/** Waits for locks, except in a transaction, which has its lock already; and makes errors ours. */
function patient(connection: DatabaseConnection, { database, file, lockWaitMs }: SqliteHandle): DatabaseConnection {
  const execute = async <R>(query: CompiledQuery): Promise<QueryResult<R>> => {
    try {
      return await connection.executeQuery<R>(query)
    } catch (error) {
      throw trackerError(error, file)
    }
  }
  return {
    executeQuery: (query) => (database.inTransaction ? execute(query) : whenFree(() => execute(query), lockWaitMs)),
    streamQuery: (query, chunkSize) => connection.streamQuery(query, chunkSize),
  }
}
