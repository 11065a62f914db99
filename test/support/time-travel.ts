import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HistoryReport, QueryOptions } from 'ingestd'
import { openSqliteTracker } from '../../src/tracker/sqlite.ts'
import type { Tracker } from '../../src/tracker/tracker.ts'
import { query } from './engine.ts'
import { Landing } from './landing.ts'

/** Three files, each a batch of its own: versions 0, 1 and 2 with the rows 1, 2 and 3. */
export async function threeVersions(table: Record<string, unknown> = {}): Promise<Landing> {
  const landing = new Landing({ max_files_per_batch: 1, ...table })
  for (const id of [1, 2, 3]) {
    landing.land(`${id}.csv`, `id\n${id}\n`, id)
    await landing.run()
  }
  return landing
}

export function ids(landing: Landing): Promise<readonly unknown[]> {
  return landing.rows('id').then((rows) => rows.map((row) => Number(row['id'])))
}

export async function queried(landing: Landing, sql: string, options: QueryOptions = {}): Promise<unknown[][]> {
  const rows: unknown[][] = []
  await landing.use((ingest) =>
    ingest.query(
      sql,
      async ({ chunks }) => {
        for await (const chunk of chunks) rows.push(...chunk.map((row) => [...row]))
      },
      options,
    ),
  )
  return rows
}

const NEW = '{"path":"PATH","partitionValues":{},"size":SIZE,"modificationTime":1700000000000,"dataChange":true}'

/** A table that another tool made, with one row. */
export async function foreignTable(
  landing: Landing,
  protocol: Record<string, unknown> = { minReaderVersion: 1, minWriterVersion: 2 },
): Promise<void> {
  const schema = { type: 'struct', fields: [{ name: 'id', type: 'long', nullable: true, metadata: {} }] }
  const metaData = {
    id: '5f0e7c1a-0000-4000-8000-000000000000',
    format: { provider: 'parquet', options: {} },
    schemaString: JSON.stringify(schema),
    partitionColumns: [],
    configuration: {},
  }
  mkdirSync(join(landing.table, '_delta_log'), { recursive: true })
  await foreignCommit(landing, { version: 0, id: 7 }, [{ protocol }, { metaData }])
}

export async function foreignAppend(landing: Landing, version: number, id: number): Promise<void> {
  const commitInfo = { timestamp: 1_700_000_000_000, operation: 'STREAMING UPDATE', engineInfo: 'Somebody/1.0' }
  await foreignCommit(landing, { version, id }, [{ commitInfo }])
}

async function foreignCommit(
  landing: Landing,
  { version, id }: { version: number; id: number },
  actions: readonly unknown[],
): Promise<void> {
  const path = `foreign-${version}.parquet`
  await query(`copy (select ${id}::bigint as id) to '${join(landing.table, path)}' (format parquet)`)
  const add = JSON.parse(NEW.replace('PATH', path).replace('SIZE', String(statSync(join(landing.table, path)).size)))
  const lines = [...actions, { add }].map((action) => JSON.stringify(action))
  writeFileSync(join(landing.table, '_delta_log', `${String(version).padStart(20, '0')}.json`), `${lines.join('\n')}\n`)
}

/** The tracker of a landing, as another process would open it. */
export async function openTracker(landing: Landing): Promise<Tracker> {
  const { trackerFile: file, trackerTable: table } = await landing.use(async ({ config }) => config)
  const retries = { retryAttempts: 0, retryBackoff: { baseMs: 1, factor: 1, maxMs: 1 } }
  return openSqliteTracker({ file, table, trackerOptions: { ...retries, leaseMs: 60_000 }, clock: { now: () => Date.now() } })
}

export function restore(landing: Landing, at: number | string | Date, files: 'pending' | 'skipped', more: Record<string, unknown> = {}) {
  return landing.use((ingest) => ingest.restore('t', { at, files, ...more }))
}

export function historyOf(landing: Landing): Promise<readonly HistoryReport[]> {
  return landing.use((ingest) => ingest.history('t'))
}
