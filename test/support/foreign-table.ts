import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { query } from './engine.ts'

/** Writes a table by hand, as any other writer might. */
export class ForeignTable {
  readonly folder: string
  readonly #schema: string
  readonly #partitions: readonly string[]

  constructor(folder: string, fields: readonly Record<string, unknown>[], partitions: readonly string[] = []) {
    this.folder = folder
    this.#schema = JSON.stringify({ type: 'struct', fields: fields.map((field) => ({ nullable: true, metadata: {}, ...field })) })
    this.#partitions = partitions
    mkdirSync(join(this.folder, '_delta_log'), { recursive: true })
  }

  metadata(configuration: Record<string, string> = {}, protocol: Record<string, unknown> = { minReaderVersion: 1, minWriterVersion: 2 }) {
    const metaData = {
      id: 'a',
      format: { provider: 'parquet', options: {} },
      schemaString: this.#schema,
      partitionColumns: this.#partitions,
      configuration,
    }
    return [{ protocol }, { metaData }]
  }

  /** A data file and the action that adds it. */
  async file(name: string, select: string, add: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const path = join(this.folder, name)
    await query(`copy (${select}) to '${path}' (format parquet)`)
    return { add: { path: name, partitionValues: {}, size: readFileSync(path).length, modificationTime: 1, dataChange: true, ...add } }
  }

  commit(version: number, actions: readonly unknown[]): string {
    const path = join(this.folder, '_delta_log', `${String(version).padStart(20, '0')}.json`)
    writeFileSync(path, actions.map((action) => `${JSON.stringify(action)}\n`).join(''))
    return path
  }
}

/** Leaves of a log nothing but a checkpoint at a version, its commit and what came after. */
export async function checkpoint(table: string, version: number): Promise<void> {
  const log = join(table, '_delta_log')
  const padded = (n: number) => join(log, String(n).padStart(20, '0'))
  const commitFiles = Array.from({ length: version + 1 }, (_, n) => `'${padded(n)}.json'`).join(', ')
  const map = 'MAP(VARCHAR, VARCHAR)'
  const types = `{
    txn: 'STRUCT(appId VARCHAR, version BIGINT, lastUpdated BIGINT)',
    add: 'STRUCT(path VARCHAR, partitionValues ${map}, size BIGINT, modificationTime BIGINT, dataChange BOOLEAN, stats VARCHAR)',
    metaData: 'STRUCT(id VARCHAR, format STRUCT(provider VARCHAR, options ${map}), schemaString VARCHAR, partitionColumns VARCHAR[], configuration ${map}, createdTime BIGINT)',
    protocol: 'STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER)' }`
  await query(`copy (select * from read_json([${commitFiles}], format = 'newline_delimited', columns = ${types})
    where coalesce(txn.appId, add.path, metaData.id, protocol.minReaderVersion::varchar) is not null) to '${padded(version)}.checkpoint.parquet'`)
  for (let n = 0; n < version; n += 1) rmSync(`${padded(n)}.json`)
}
