import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect } from 'vitest'
import type { Blobs } from '../../../src/blobs/blobs.ts'
import { localBlobs } from '../../../src/blobs/local.ts'
import { openSession } from '../../../src/engine/duckdb.ts'
import type { Session } from '../../../src/engine/engine.ts'
import { type Sql, sql } from '../../../src/engine/sql.ts'
import type { Manifest } from '../../../src/model/manifest.ts'
import type { TableConfig } from '../../../src/model/table.ts'
import { STORES } from '../../../src/stores/registry.ts'
import type {
  CommitOutcome,
  CommitRequest,
  OpenTable,
  Store,
  TableColumn,
  TableVersion,
  TableVersionAt,
} from '../../../src/stores/store.ts'
import { mirroredFolder } from '../../support/mirrored-folder.ts'
import { tableConfig } from '../../support/table.ts'

export const TRACKER = '11111111-1111-4111-8111-111111111111'
const APP = `ingestd/${TRACKER}/22222222-2222-4222-8222-222222222222`

export const COLUMNS: readonly TableColumn[] = [
  { name: 'id', type: 'BIGINT', nullable: true },
  { name: 'name', type: 'VARCHAR', nullable: true },
]

/** A folder of its own, a real engine, and a table in the folder. */
export class Bench implements AsyncDisposable {
  readonly folder: string
  readonly session: Session
  readonly warnings: string[] = []

  private constructor(folder: string, session: Session) {
    this.folder = folder
    this.session = session
  }

  static async make(): Promise<Bench> {
    const folder = mkdtempSync(join(tmpdir(), 'ingestd-store-'))
    return new Bench(folder, await openSession({ memoryBytes: 500_000_000, threads: 2, temporaryFolder: join(folder, 'spill') }))
  }

  get root(): string {
    return join(this.folder, 'table')
  }

  table(changes: Partial<TableConfig> = {}): TableConfig {
    return tableConfig({ name: 'db.t', databaseName: 'db', targetPath: this.root, ...changes })
  }

  async open(changes: Partial<TableConfig> = {}, blobs: (root: string) => Blobs = this.#blobs): Promise<OpenTable> {
    const table = this.table(changes)
    return (await this.#store(table, blobs)).open(table, this.session)
  }

  /** One version for reading alone; the current one without `at`. */
  async openAt(at?: TableVersionAt): Promise<TableVersion> {
    const table = this.table()
    return (await this.#store(table, this.#blobs)).openAt(table, this.session, at)
  }

  /** With INGEST_TEST_BLOBS=mirrored the folder of the table is an object store, of which the engine has copies. */
  readonly #blobs = (root: string): Blobs =>
    process.env['INGEST_TEST_BLOBS'] === 'mirrored' ? mirroredFolder(root, this.folder) : localBlobs(root)

  #store(table: TableConfig, blobs: (root: string) => Blobs): Promise<Store> {
    return STORES[table.outputFormat]({
      blobs: async (root) => blobs(root),
      clock: { now: () => Date.now() },
      newId: randomUUID,
      random: Math.random,
      sleep: (ms) => new Promise((done) => setTimeout(done, ms)),
      engineInfo: 'ingestd/0.0.0-test',
      warn: (message, cause) => this.warnings.push(`${message}: ${String(cause)}`),
    })
  }

  /** All rows of the table as JSON text, sorted. */
  async rowsOf(table: OpenTable): Promise<readonly string[]> {
    const rows = await this.session.rows(sql`select to_json(t)::varchar as j from (${await table.current()}) as t order by all`)
    return rows.map((row) => String(row['j']))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session[Symbol.asyncDispose]()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Gives each test of a file a new bench, on which it must leave no warning. */
export function benchForEach(use: (bench: Bench) => void): void {
  let bench: Bench
  beforeEach(async () => {
    bench = await Bench.make()
    use(bench)
  })
  afterEach(async () => {
    expect(bench.warnings).toEqual([])
    await bench[Symbol.asyncDispose]()
  })
}

export interface Load {
  readonly batch: bigint
  readonly add: Sql
  readonly batchId?: string
  readonly columns?: readonly TableColumn[]
  readonly remove?: CommitRequest['remove']
  readonly blindAppend?: boolean
  readonly trackerId?: string
  readonly tags?: Readonly<Record<string, string>>
  readonly appId?: string
}

export function batchIdOf(batch: bigint): string {
  return `00000000-0000-4000-8000-${batch.toString().padStart(12, '0')}`
}

export function manifestOf(load: Load, previous: bigint | null = load.batch > 1n ? load.batch - 1n : null): Manifest {
  return {
    format: 1,
    appId: load.appId ?? APP,
    batch: load.batch,
    batchId: load.batchId ?? batchIdOf(load.batch),
    previous,
    table: 'db.t',
    createdAt: '2026-01-01T00:00:00.000Z',
    files: [],
    reader: null,
    sideFiles: [],
  }
}

/** Stages rows and makes the request that commits them. */
export async function staged(table: OpenTable, load: Load): Promise<CommitRequest> {
  const columns = load.columns ?? COLUMNS
  const manifest = manifestOf(load)
  const files = await table.stage({
    add: load.add,
    columns,
    batchId: manifest.batchId,
    sourceBytes: 0n,
    ...(load.tags ? { tags: load.tags } : {}),
  })
  return {
    manifest,
    staged: [files],
    remove: load.remove ?? 'nothing',
    removal: null,
    columns,
    changes: [],
    blindAppend: load.blindAppend ?? (load.remove ?? 'nothing') === 'nothing',
    trackerId: load.trackerId ?? TRACKER,
    strategy: load.remove === undefined ? 'append' : 'overwrite',
  }
}

export async function load(table: OpenTable, one: Load): Promise<CommitOutcome> {
  const request = await staged(table, one)
  await table.writeManifest(request.manifest)
  return await table.commit(request)
}
