import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBResultReader,
  type DuckDBType,
  SQLNULL,
  VARCHAR,
} from '@duckdb/node-api'
import { appendIntegers, integerChunks } from './duckdb-integers.ts'
import { Profile } from './duckdb-profile.ts'
import { jsonValue, plainValue } from './duckdb-values.ts'
import type { EngineLimits, IntegerColumn, ResultChunk, Row, Session } from './engine.ts'
import { literal, type Sql, type SqlValue } from './sql.ts'

/**
 * Settings of every session. UTC, because a rewrite under another zone shifts the INT96 timestamps that Spark
 * wrote; no extension is ever fetched, since only what is linked in can be assumed.
 */
const SETTINGS: readonly (readonly [string, string])[] = [
  ['TimeZone', 'UTC'],
  ['autoinstall_known_extensions', 'false'],
  ['autoload_known_extensions', 'false'],
  // Progress is counted for `progress()`, and never printed.
  ['enable_progress_bar', 'true'],
  ['enable_progress_bar_print', 'false'],
]

let prepared: Promise<DuckDBInstance> | undefined

/** Makes the engine of the next session before its limits are known: a load process does so while its command reads the config. */
export function prepareSession(): void {
  prepared ??= newInstance()
  // Whoever opens the session hears of it.
  prepared.catch(() => undefined)
}

/** One thread, and no data, until the settings of a session hold. */
function newInstance(): Promise<DuckDBInstance> {
  return DuckDBInstance.create(':memory:', { threads: '1' })
}

function settingsOf({ memoryBytes, threads, temporaryFolder, maxTemporaryBytes }: EngineLimits): readonly (readonly [string, string])[] {
  const spilled = maxTemporaryBytes === undefined ? [] : ([['max_temp_directory_size', `${maxTemporaryBytes}B`]] as const)
  return [['memory_limit', `${Math.floor(memoryBytes)}B`], ['threads', String(threads)], ['temp_directory', temporaryFolder], ...spilled]
}

/**
 * Opens an engine of its own, in memory, that spills to `limits.temporaryFolder`. `onInvalid` hears of a fault of the engine
 * after which it refuses every statement.
 */
export async function openSession(limits: EngineLimits, onInvalid: (error: unknown) => void = () => undefined): Promise<Session> {
  const ready = prepared ?? newInstance()
  prepared = undefined
  const instance = await ready
  const connection = await instance.connect()
  const settings = [...SETTINGS, ...settingsOf(limits)]
  await connection.run(settings.map(([name, value]) => `SET ${name} = ${literal(value).text}`).join('; '))
  return new DuckDbSession(instance, connection, onInvalid)
}

class DuckDbSession implements Session {
  readonly #instance: DuckDBInstance
  readonly #connection: DuckDBConnection
  readonly #onInvalid: (error: unknown) => void
  #names = 0
  #profile: Profile | undefined

  constructor(instance: DuckDBInstance, connection: DuckDBConnection, onInvalid: (error: unknown) => void) {
    this.#instance = instance
    this.#connection = connection
    this.#onInvalid = onInvalid
  }

  async run(statement: Sql): Promise<void> {
    await this.#answered(this.#read(statement))
    await this.#profile?.add()
  }

  async rows(query: Sql): Promise<readonly Row[]> {
    const reader = await this.#answered(this.#read(query))
    await this.#profile?.add()
    const names = reader.deduplicatedColumnNames()
    return reader.getRows().map((row) => Object.fromEntries(names.map((name, index) => [name, plainValue(row[index] ?? null)])))
  }

  async *stream(query: Sql): AsyncIterable<ResultChunk> {
    const result = await this.#connection.stream(query.text, [...query.values], query.values.map(typeOf))
    const columns = result.deduplicatedColumnNames().map((name, index) => ({ name, type: result.columnType(index).toString() }))
    yield { columns, rows: [] }
    for await (const rows of result.yieldRows()) yield { columns, rows: rows.map((row) => row.map(jsonValue)) }
  }

  async appendIntegers(
    table: string,
    batches: AsyncIterable<readonly IntegerColumn[]> | Iterable<readonly IntegerColumn[]>,
  ): Promise<void> {
    await appendIntegers(this.#connection, table, batches)
  }

  async *integers(query: Sql): AsyncIterable<readonly BigInt64Array[]> {
    yield* integerChunks(await this.#connection.stream(query.text, [...query.values], query.values.map(typeOf)))
  }

  async counting<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly scanned: bigint }> {
    await using profile = new Profile(this.#connection)
    await profile.start()
    this.#profile = profile
    try {
      return { result: await work(), scanned: profile.scanned }
    } finally {
      this.#profile = undefined
    }
  }

  progress(): number {
    const { percentage } = this.#connection.progress
    return percentage < 0 ? -1 : percentage / 100
  }

  interrupt(): void {
    this.#connection.interrupt()
  }

  temporaryName(prefix: string): string {
    this.#names += 1
    return `${prefix}_${this.#names}`
  }

  /** A statement without parameters goes to the engine in one step: to be extracted, prepared and bound takes half a millisecond more. */
  #read({ text, values }: Sql): Promise<DuckDBResultReader> {
    if (values.length === 0) return this.#connection.runAndReadAll(text)
    return this.#connection.runAndReadAll(text, [...values], values.map(typeOf))
  }

  async #answered<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer
    } catch (error) {
      if (error instanceof Error && /^(FATAL|INTERNAL) Error|has been invalidated/.test(error.message)) this.#onInvalid(error)
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.closeSync()
    this.#instance.closeSync()
  }
}

/** An untyped JavaScript number would be bound as a DOUBLE. */
function typeOf(value: SqlValue): DuckDBType {
  if (value === null) return SQLNULL
  if (typeof value === 'string') return VARCHAR
  if (typeof value === 'boolean') return BOOLEAN
  return typeof value === 'bigint' || Number.isSafeInteger(value) ? BIGINT : DOUBLE
}
