import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import pLimit from 'p-limit'
import { expect, test } from 'vitest'
import { Project } from './project.ts'
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
  const refused: string[] = []
  const compare = async (name: string, index: number) => {
    const table = join(folder, name, 'table')
    const ours = await rowsByIngestd(table).catch((cause: unknown) => refused.push(`${name}: ${String(cause)}`))
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

async function rowsByIngestd(table: string): Promise<TableRows> {
  await using project = await Project.create({ name: 'kept', config: { file_format: 'csv' } }, await reader('duckdb'))
  await cp(table, project.table, { recursive: true })
  return await project.rows()
}
