import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'

/** A node of the engine's profile, as far as it is read. */
interface ProfileNode {
  readonly operator_name?: unknown
  readonly operator_cardinality?: unknown
  readonly children?: readonly ProfileNode[]
}

/** Only cardinalities are asked for, so that nothing is timed: no cost was measured. */
const SETTINGS = '{"OPERATOR_CARDINALITY": "true", "OPERATOR_TYPE": "true"}'

let profiles = 0

/** Adds up the rows that table functions over files gave, statement by statement. */
export class Profile implements AsyncDisposable {
  readonly #connection: DuckDBConnection
  readonly #file: string
  scanned = 0n

  constructor(connection: DuckDBConnection) {
    this.#connection = connection
    profiles += 1
    this.#file = join(tmpdir(), `ingestd-profile-${process.pid}-${profiles}.json`)
  }

  async start(): Promise<void> {
    await this.#connection.run(`SET enable_profiling = 'json'`)
    await this.#connection.run(`SET profiling_output = '${this.#file.replaceAll("'", "''")}'`)
    await this.#connection.run(`SET custom_profiling_settings = '${SETTINGS}'`)
    // The statements that set it up leave a profile of their own.
    await rm(this.#file, { force: true })
  }

  /** Takes the profile of the statement that has just ended; one that the engine does not profile leaves none. */
  async add(): Promise<void> {
    const text = await readFile(this.#file, 'utf8').catch(() => undefined)
    if (text === undefined) return
    await rm(this.#file, { force: true })
    // Decoder: the engine writes its plan as a tree of such nodes.
    this.scanned += scannedRows(JSON.parse(text) as ProfileNode)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.run('PRAGMA disable_profiling')
    await rm(this.#file, { force: true })
  }
}

function scannedRows(node: ProfileNode): bigint {
  const own = /^(READ_|PARQUET_SCAN)/.test(String(node.operator_name)) ? BigInt(Number(node.operator_cardinality ?? 0)) : 0n
  return (node.children ?? []).reduce((sum, child) => sum + scannedRows(child), own)
}
