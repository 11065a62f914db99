import { cp, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createIngest, type Ingest } from 'ingestd'
import type { Reader, ReaderName, TableRows } from './readers.ts'

type QueryOptions = Parameters<Ingest['query']>[2]

/** A landing file: text, or rows of a DuckDB query written as Parquet. */
export type Landing = { readonly text: string } | { readonly sql: string }

export interface ProjectTable {
  /** Table name. */
  readonly name: string
  /** Keys of the table's config beside name and pattern. */
  readonly config: Readonly<Record<string, unknown>>
}

export interface TableCase extends ProjectTable {
  /** A sentence: what a reader has to get right. */
  readonly what: string
  /** Landing files by name for each pass; every pass is one run, and so one commit. */
  readonly passes: readonly Readonly<Record<string, Landing>>[]
  /** Readers that a fault of their own keeps from reading the table, and which. */
  readonly unreadable?: Readonly<Partial<Record<ReaderName, string>>>
  /** False for a table that has none. */
  readonly checkpoint?: false
  /** A DuckDB query over the landing folder that yields the rows that the table must have. */
  readonly expected: (landing: string) => string
}

/** A scratch project with one table, loaded by the product as a user would. */
export class Project implements AsyncDisposable {
  readonly folder: string
  readonly landing: string
  readonly table: string
  readonly #case: ProjectTable
  readonly #duckdb: Reader
  #landed = 0
  #queries = 0
  #checkpointCopy: Promise<string> | undefined
  #jsonCopy: Promise<string> | undefined
  #optimizedCopy: Promise<string> | undefined
  #vectorsCopy: Promise<string> | undefined

  static async create(tableCase: ProjectTable, duckdb: Reader): Promise<Project> {
    return new Project(await mkdtemp(join(tmpdir(), `ingest-interop-${tableCase.name}-`)), tableCase, duckdb)
  }

  private constructor(folder: string, tableCase: ProjectTable, duckdb: Reader) {
    this.folder = folder
    this.landing = join(folder, 'landing')
    this.table = join(folder, 'tables', 'lake', tableCase.name)
    this.#case = tableCase
    this.#duckdb = duckdb
  }

  /** Lands and loads each pass. */
  async loadAll(passes: TableCase['passes']): Promise<void> {
    for (const pass of passes) await this.load(pass)
  }

  /** Lands the files and runs the product once, with changes of the table's config. */
  async load(files: Readonly<Record<string, Landing>>, changes: Readonly<Record<string, unknown>> = {}): Promise<void> {
    for (const [name, content] of Object.entries(files)) await this.#land(name, content)
    await using ingest = await this.#ingest(changes)
    const report = await ingest.run()
    const errors = report.tables.flatMap((table) => table.errors)
    if (report.totals.pass !== 1) throw new Error(`the load failed: ${errors.map((error) => `${error.code} ${error.message}`).join('; ')}`)
  }

  /** Rows of a query, through the product's own query command and a Parquet file that holds every value exactly. */
  async rows(sql = `SELECT * FROM lake.${this.#case.name}`, options: QueryOptions = {}): Promise<TableRows> {
    const path = join(this.folder, `rows-${this.#queries++}.parquet`)
    await this.query(`COPY (${sql}) TO '${path}' (FORMAT parquet)`, options)
    return this.#duckdb.query(`SELECT * FROM read_parquet('${path}')`)
  }

  /** Every row of a version. */
  rowsAt(version: number): Promise<TableRows> {
    return this.rows(undefined, { at: { [`lake.${this.#case.name}`]: String(version) } })
  }

  /** Values of the product's own query command. */
  async query(sql: string, options: QueryOptions = {}): Promise<unknown[][]> {
    await using ingest = await this.#ingest()
    const rows: unknown[][] = []
    const take: Parameters<Ingest['query']>[1] = async ({ chunks }) => {
      for await (const chunk of chunks) rows.push(...chunk.map((row) => [...row]))
    }
    await ingest.query(sql, take, options)
    return rows
  }

  /** Goes back to a version, which makes a new one. */
  async restore(version: number): Promise<void> {
    await using ingest = await this.#ingest()
    await ingest.restore(`lake.${this.#case.name}`, { at: version, files: 'skipped' })
  }

  /** Compacts the table. */
  async optimize(): Promise<void> {
    await using ingest = await this.#ingest()
    await ingest.optimize()
  }

  /** A copy of the table with its files put together. */
  optimized(): Promise<string> {
    this.#optimizedCopy ??= this.#optimized()
    return this.#optimizedCopy
  }

  /** A copy of the table where Spark deleted rows by deletion vectors, which leave the statistics of their files. */
  withVectors(spark: Reader, where: string): Promise<string> {
    this.#vectorsCopy ??= this.#withVectors(spark, where)
    return this.#vectorsCopy
  }

  /** A copy of the table as log clean-up leaves it: the newest checkpoint, and of the JSON only what it needs. */
  fromCheckpoint(): Promise<string> {
    this.#checkpointCopy ??= this.#copy('from-checkpoint', (names) => {
      const newest = names
        .filter((name) => name.includes('.checkpoint.'))
        .sort()
        .at(-1)
      if (newest === undefined) throw new Error(`${this.table} has no checkpoint`)
      return names.filter((name) => /^\d{20}\.(json|crc)$/.test(name) && name.slice(0, 20) < newest.slice(0, 20))
    })
    return this.#checkpointCopy
  }

  /** A copy of the table without any checkpoint. */
  fromJson(): Promise<string> {
    this.#jsonCopy ??= this.#copy('from-json', (names) => names.filter((name) => name.includes('checkpoint')))
    return this.#jsonCopy
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }

  async #optimized(): Promise<string> {
    const name = `${this.#case.name}_optimized`
    const copy = join(this.folder, 'tables', 'lake', name)
    await cp(this.table, copy, { recursive: true })
    await using ingest = await this.#ingest({ table_name: name })
    const [report] = (await ingest.optimize()).tables
    if (report?.status !== 'pass') throw new Error(`the table was not optimized: ${JSON.stringify(report)}`)
    return copy
  }

  async #withVectors(spark: Reader, where: string): Promise<string> {
    const copy = await this.#copy('with-vectors', () => [])
    await spark.run(`ALTER TABLE delta.\`${copy}\` SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')`)
    await spark.change(copy, { kind: 'delete', where })
    return copy
  }

  async #copy(suffix: string, without: (names: readonly string[]) => readonly string[]): Promise<string> {
    const copy = `${this.table}-${suffix}`
    await cp(this.table, copy, { recursive: true })
    const log = join(copy, '_delta_log')
    for (const name of without(await readdir(log))) await rm(join(log, name))
    return copy
  }

  async #land(name: string, content: Landing): Promise<void> {
    const path = join(this.landing, name)
    await mkdir(dirname(path), { recursive: true })
    if ('text' in content) await writeFile(path, content.text)
    else await this.#duckdb.run(`COPY (${content.sql}) TO '${path.replaceAll("'", "''")}' (FORMAT parquet)`)
    this.#landed += 1
    // Overwrite goes by the modified time: each file is a minute newer than the one before, and all are settled.
    const time = new Date(Date.UTC(2024, 0, 1, 0, this.#landed))
    await utimes(path, time, time)
  }

  #ingest(changes: Readonly<Record<string, unknown>> = {}): Promise<Ingest> {
    const { name, config } = this.#case
    return createIngest({
      config: {
        raw_data_path: this.landing,
        processed_data_path: join(this.folder, 'tables'),
        checkpoint_path: join(this.folder, 'state'),
        engine: { memory_limit: '1GB', threads: 2 },
        log_level: 'ERROR',
        tables: [{ table_name: name, database_name: 'lake', source_path_pattern: '**/*', audit_columns: false, ...config, ...changes }],
      },
    })
  }
}
