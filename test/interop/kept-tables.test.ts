import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createIngest, type Ingest } from 'ingestd'
import pLimit from 'p-limit'
import { expect, onTestFinished, test } from 'vitest'
import { type ReaderName, reader, readerOr, type TableRows } from './readers.ts'

/** A folder of tables that the other tests wrote: see test/support/keep.ts. */
const folder = process.env['INGEST_TEST_KEEP_TABLES']
const tables = folder !== undefined && existsSync(folder) ? readdirSync(folder).sort() : []
const CHEAP: readonly ReaderName[] = ['duckdb', 'delta-rs']
/** Spark takes a second for a table: it reads each so many. */
const SPARK_READS_EACH = 16

/** What a test breaks on purpose, ingestd refuses to read; it has to read nearly all. */
const READ_AT_LEAST = 0.9

test('every table that the tests wrote is read by others with the rows that ingestd reads', async ({ skip }) => {
  if (folder === undefined) return skip('INGEST_TEST_KEEP_TABLES names no folder in which the other tests left their tables')
  for (const name of [...CHEAP, 'spark'] as const) await readerOr(skip, name)
  expect(tables.length).toBeGreaterThan(50)
  const scratch = await mkdtemp(join(tmpdir(), 'ingest-interop-kept-'))
  onTestFinished(() => rm(scratch, { recursive: true }))
  await using ingest = await ingestOf(folder, scratch)
  const refused: string[] = []
  const compare = async (name: string, index: number) => {
    const table = join(folder, name, 'table')
    const ours = await rowsByIngestd(ingest, nameOf(index), join(scratch, `${index}.parquet`)).catch((cause: unknown) =>
      refused.push(`${name}: ${String(cause)}`),
    )
    if (typeof ours === 'number') return
    const log = logOf(table)
    // delta-rs and Delta 3.3 refuse the feature, and the kernel's reader has its own fault (known-faults.ts); the others read such tables.
    const widened = log.includes('"typeWidening')
    const mapped = /columnMapping\.mode\\?":\s*\\?"(name|id)/.test(log) && !/"partitionColumns":\[\]/.test(log)
    const able = CHEAP.filter((other) => !(other === 'delta-rs' && widened) && !(other === 'duckdb' && mapped))
    const readers = index % SPARK_READS_EACH === 0 && !widened ? [...able, 'spark' as const] : able
    for (const other of readers) expect.soft(await (await reader(other)).read(table), `${other}: ${name}`).toEqual(ours)
  }
  // Each reader takes one table at a time; some tables at once keep all of them at work.
  const limit = pLimit(4)
  await Promise.all(tables.map((name, index) => limit(() => compare(name, index))))
  expect(refused.length, refused.join('\n')).toBeLessThan(tables.length * (1 - READ_AT_LEAST))
})

function logOf(table: string): string {
  const log = join(table, '_delta_log')
  const entries = readdirSync(log).filter((name) => name.endsWith('.json'))
  return entries.map((name) => readFileSync(join(log, name), 'utf8')).join('\n')
}

/** Of one length, since a query opens each table whose name it holds. */
const nameOf = (index: number): string => `kept_${String(index).padStart(6, '0')}`

/** All tables where they lie, in one project: nothing is written by reading them. */
function ingestOf(kept: string, scratch: string): Promise<Ingest> {
  return createIngest({
    config: {
      raw_data_path: join(scratch, 'landing'),
      processed_data_path: join(scratch, 'tables'),
      checkpoint_path: join(scratch, 'state'),
      engine: { memory_limit: '1GB', threads: 2 },
      log_level: 'ERROR',
      tables: tables.map((name, index) => ({
        table_name: nameOf(index),
        database_name: 'lake',
        source_path_pattern: '**/*',
        file_format: 'csv',
        audit_columns: false,
        target_path: join(kept, name, 'table'),
      })),
    },
  })
}

/** Through a Parquet file, which holds every value exactly. */
async function rowsByIngestd(ingest: Ingest, name: string, path: string): Promise<TableRows> {
  await ingest.query(`COPY (SELECT * FROM lake.${name}) TO '${path}' (FORMAT parquet)`, async ({ chunks }) => {
    for await (const _ of chunks);
  })
  const rows = await (await reader('duckdb')).query(`SELECT * FROM read_parquet('${path}')`)
  await rm(path)
  return rows
}
