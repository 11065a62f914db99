import { setTimeout as sleep } from 'node:timers/promises'
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import pg from 'pg'
import { UnavailableError } from '../../errors/errors.ts'
import { withoutNul } from '../ledger.ts'
import { connectionLost, isForAWhile, postgresError } from './errors.ts'

/** Of one statement; a settlement of ten thousand files takes a second. */
const STATEMENT_MS = 120_000
const CONNECT_MS = 10_000
const LONGEST_PAUSE_MS = 2000
const INT8 = 20
const NUMERIC = 1700

export interface PostgresServer {
  /** `postgres://user:password@host:port/database?sslmode=…` */
  readonly url: string
  readonly poolSize: number
}

/** How long what fails for a moment is tried again. */
export interface Patience {
  ms: number
}

/** Integers are exact: what counts, sums and numbers files is a bigint, as it is in SQLite. */
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === INT8 || oid === NUMERIC ? BigInt : pg.types.getTypeParser(oid, format),
}

/** The server without user and password, as errors name it. */
export function shownServer(url: string): string {
  const { host, port, database } = clientOf(url)
  return `postgres://${host}${port === 5432 ? '' : `:${port}`}/${database ?? ''}`
}

/** Reads the files that the URL names, of certificates and keys. The driver's own error is no cause, since it may hold the URL. */
function clientOf(url: string): pg.Client {
  try {
    return new pg.Client({ connectionString: connectionString(url) })
  } catch (error) {
    throw new UnavailableError(
      'ING-TRACKER-DENIED',
      `tracker_url cannot be used: ${error instanceof Error ? error.message : 'it is no URL'}`,
      {
        hint: 'check sslmode and the files of sslrootcert, sslcert and sslkey in tracker_url',
      },
    )
  }
}

/** Connections that come back: a statement outside of a transaction is tried again, one within is told as lost. */
export function patientPool({ url, poolSize }: PostgresServer, patience: Patience): PostgresPool {
  const server = shownServer(url)
  const pool = new pg.Pool({
    connectionString: connectionString(url),
    max: poolSize,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: STATEMENT_MS,
    keepAlive: true,
    application_name: 'ingestd',
    types,
  })
  // An idle connection that breaks is taken out of the pool; the next statement gets another.
  pool.on('error', () => undefined)
  // One that breaks while it is used fails its statement; that it is told of as an event as well would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined))
  const connect = () =>
    retrying(patience, async () => {
      try {
        return await pool.connect()
      } catch (error) {
        throw postgresError(error, server)
      }
    })
  return {
    connect: async () => new PatientClient(await connect(), { connect, patience, server }),
    end: () => pool.end(),
  }
}

/** Tries again, with growing pauses, what only the moment made fail. */
export async function retrying<T>(patience: Patience, attempt: () => Promise<T>): Promise<T> {
  const end = performance.now() + patience.ms
  for (let pause = 50; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await attempt()
    } catch (error) {
      if (!isForAWhile(error) || performance.now() >= end) throw error
      await sleep(pause * (0.5 + Math.random() / 2))
    }
  }
}

interface Around {
  readonly connect: () => Promise<pg.PoolClient>
  readonly patience: Patience
  readonly server: string
}

class PatientClient implements PostgresPoolClient {
  readonly #around: Around
  #client: pg.PoolClient | undefined
  #inTransaction = false

  constructor(client: pg.PoolClient, around: Around) {
    this.#client = client
    this.#around = around
  }

  /** There are no cursors. */
  readonly query = ((statement: string, values: readonly unknown[]) => this.#query(statement, values)) as PostgresPoolClient['query']

  async #query<R>(statement: string, values: readonly unknown[]): Promise<PostgresQueryResult<R>> {
    const bound = values.map((value) => (typeof value === 'string' ? withoutNul(value) : value))
    // The server has given up what its connection broke in.
    if (statement === 'rollback' && this.#client === undefined) return { command: 'SELECT', rowCount: 0, rows: [] }
    if (this.#inTransaction) return this.#run<R>(statement, bound)
    const result = await retrying(this.#around.patience, () => this.#run<R>(statement, bound))
    this.#inTransaction = /^(begin|start)\b/.test(statement)
    return result
  }

  release(): void {
    this.#client?.release()
  }

  async #run<R>(statement: string, values: unknown[]): Promise<PostgresQueryResult<R>> {
    if (this.#inTransaction && this.#client === undefined) throw connectionLost(this.#around.server)
    if (/^(commit|rollback)$/.test(statement)) this.#inTransaction = false
    this.#client ??= await this.#around.connect()
    try {
      return (await this.#client.query(statement, values)) as unknown as PostgresQueryResult<R>
    } catch (error) {
      const told = postgresError(error, this.#around.server)
      if (!isInOrder(error)) this.#drop()
      throw told
    }
  }

  /** What goes on at the other end of a broken connection, or of a statement that takes too long, is not waited for. */
  #drop(): void {
    this.#client?.release(true)
    this.#client = undefined
  }
}

/** The server refused a statement, and the connection goes on. */
function isInOrder(error: unknown): boolean {
  return error instanceof pg.DatabaseError && !/^(57P0|08|25006|25P03)/.test(error.code ?? '')
}

/** `sslmode` means what it means to psql; the driver takes `require` for more unless it is told. */
function connectionString(url: string): string {
  if (!/[?&]sslmode=/.test(url) || /[?&]uselibpqcompat=/.test(url)) return url
  return `${url}&uselibpqcompat=true`
}
