import type { Kysely, RawBuilder } from 'kysely'
import type { Clock } from '../lib/clock.ts'
import type { Database } from './schema.ts'
import type { TrackerOptions } from './tracker.ts'

export type ColumnKind = 'text' | 'integer'
export type Given = string | bigint | null

/** What the databases say differently; everything else is written once. */
export interface TrackerDialect {
  /** Type of a key that counts up by itself. */
  readonly keyType: 'integer' | 'bigserial'
  /** Behind a selection that others may be about to take as well; nothing where only one writes at a time. */
  readonly skipLocked: RawBuilder<unknown>
  /** Lets numbers of new rows go on above those that were copied, where the database does not by itself. */
  countOn?(db: Kysely<Database>, table: keyof Database): Promise<void>
  /** Rows as a relation with these columns, bound as one value however many rows there are. */
  relation(columns: Readonly<Record<string, ColumnKind>>, rows: readonly (readonly Given[])[]): RawBuilder<unknown>
}

/** Files of any table may change. */
export const ALL_TABLES = Symbol('all tables')
/** No file changes, only rows that a statement names and thereby locks. */
export const ROWS = Symbol('rows')

/** What a transaction writes: files of the table that is named, or more, or less. */
export type Scope = string | typeof ALL_TABLES | typeof ROWS

/** What every part of the tracker works with; inside a transaction `db` is the transaction. */
export interface Ledger {
  readonly db: Kysely<Database>
  readonly dialect: TrackerDialect
  readonly clock: Clock
  readonly options: TrackerOptions
  /** How a transaction is begun where many write at once, and tried again; left out where a write lock is taken by every one. */
  readonly transact?: <T>(ledger: Ledger, scope: Scope, work: (within: Ledger) => Promise<T>) => Promise<T>
}

/** Of the transactions whose scopes meet one is at work at a time, so that a statement rests on what the one before it saw. */
export function inTransaction<T>(ledger: Ledger, scope: Scope, work: (within: Ledger) => Promise<T>): Promise<T> {
  if (ledger.transact !== undefined) return ledger.transact(ledger, scope, work)
  return ledger.db.transaction().execute((db) => work({ ...ledger, db }))
}

/** Bound as a bigint: a JavaScript number of this size would reach SQLite as a float. */
export function nowOf(ledger: Ledger): bigint {
  return BigInt(Math.trunc(ledger.clock.now()))
}

export function leaseEnd(ledger: Ledger): bigint {
  return nowOf(ledger) + BigInt(Math.trunc(ledger.options.leaseMs))
}

export function pathsOf(ledger: Ledger, paths: readonly string[]): RawBuilder<unknown> {
  return ledger.dialect.relation(
    { path: 'text' },
    paths.map((path) => [path]),
  )
}

const LARGEST = 2n ** 63n - 1n

/** Times beyond the year 2262 do not fit 64 bits: they are all latest, and the version still tells them apart. */
export function int64(value: bigint): bigint {
  if (value > LARGEST) return LARGEST
  return value < -LARGEST ? -LARGEST : value
}

/** Databases end a text at a NUL, or refuse it; a message that quotes a damaged file may hold one. */
export function withoutNul(value: string | null): string | null {
  return value === null ? null : value.replaceAll('\0', '\\0')
}
