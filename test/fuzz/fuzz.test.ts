import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createIngest, type Ingest, type RunReport, type TrackedFile } from 'ingestd'
import { expect, test } from 'vitest'
import { type Whole, wholeFiles } from '../corpus/whole.ts'
import { list, query } from '../support/engine.ts'
import { removeFolder } from '../support/keep.ts'
import { activeFiles, MAIN } from '../support/project.ts'
import { mutated, randomOf } from './mutate.ts'

/*
 * `npm run fuzz` goes on for INGEST_TEST_FUZZ_SECONDS; `npm test` for some seconds. A failure names its seed, and
 * INGEST_TEST_SEED begins with it.
 */
const SECONDS = Number(process.env['INGEST_TEST_FUZZ_SECONDS'] ?? '8')
const FIRST_SEED = Number(process.env['INGEST_TEST_SEED'] ?? '1')
const FILES_OF_EACH = 24
/** Codes that no content of a file may lead to. */
const FAULT = /ING-(BUG|TABLE|ENGINE)/

const figures = { rounds: 0, files: 0, loaded: 0, failed: 0, rows: 0, rejected: 0 }

test(
  `mutated files of every format are loaded or failed, and every row is accounted for (from seed ${FIRST_SEED}, ${SECONDS} s)`,
  async () => {
    expect(MAIN).toContain('dist')
    const end = Date.now() + SECONDS * 1000
    const seeds = await wholeFiles()
    for (let seed = FIRST_SEED; seed === FIRST_SEED || Date.now() < end; seed += 1) await round(seed, seeds)
    process.stdout.write(`fuzz: ${JSON.stringify(figures)}, seeds ${FIRST_SEED} to ${FIRST_SEED + figures.rounds - 1}\n`)
  },
  SECONDS * 1000 + 120_000,
)

/** One load of many files; what a seed did once it does again. */
async function round(seed: number, seeds: readonly Whole[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ingestd-fuzz-'))
  try {
    const random = randomOf(seed)
    for (const { table, suffix, content } of seeds) {
      const landing = join(folder, 'landing', table)
      mkdirSync(landing, { recursive: true })
      // A whole file first, so that the table has its columns.
      for (let file = 0; file < FILES_OF_EACH; file += 1)
        writeFileSync(join(landing, `${String(file).padStart(2, '0')}${suffix}`), file === 0 ? content : mutated(content, random))
    }
    expect(await load(folder, seeds), `seed ${seed}`).toEqual([])
    figures.rounds += 1
  } finally {
    removeFolder(folder)
  }
}

/** Loads the files; what went wrong that no file may make go wrong, with the bytes of the file. */
async function load(folder: string, seeds: readonly Whole[]): Promise<readonly string[]> {
  const tables = seeds.map(({ table, suffix, config }) => ({
    table_name: table,
    source_path_pattern: `${table}/*${suffix}`,
    watch: { settle_seconds: 0 },
    ...config,
  }))
  const places = {
    raw_data_path: join(folder, 'landing'),
    processed_data_path: join(folder, 'tables'),
    checkpoint_path: join(folder, 'state'),
  }
  await using ingest = await createIngest({
    config: {
      ...places,
      max_parallel_jobs: 2,
      retry_attempts: 1,
      retry_backoff: { base_seconds: 0.001, factor: 1, max_seconds: 0.001 },
      timeout_minutes: 1,
      tables,
    },
    logTo: () => undefined,
  })
  const faults = faultsOf(await ingest.run())
  const files = await filesOf(ingest)
  expect(files.length).toBe(seeds.length * FILES_OF_EACH)
  const open = files.filter(({ status }) => status !== 'completed' && status !== 'failed')
  faults.push(...open.map((file) => `${file.file_path} is ${file.status}: ${file.status_reason}`))
  for (const { table } of faults.length > 0 ? [] : seeds)
    await account(
      join(folder, 'tables', 'default', table),
      files.filter((file) => file.file_path.includes(`/${table}/`)),
    )
  return faults
}

function faultsOf(report: RunReport): string[] {
  const errors = report.tables.flatMap(({ table, errors: all }) => all.map((error) => ({ table, ...error })))
  return errors
    .filter(({ code }) => FAULT.test(code))
    .map(({ table, file, code, message }) => `${table} ${code} ${message} ${file === null ? '' : readFileSync(file).toString('base64')}`)
}

async function filesOf(ingest: Ingest): Promise<readonly TrackedFile[]> {
  const files: TrackedFile[] = []
  for await (const file of ingest.files()) files.push(file)
  return files
}

/** Each row that was read is somewhere, and each row of the table has its file. */
async function account(table: string, files: readonly TrackedFile[]): Promise<void> {
  const completed = files.filter(({ status }) => status === 'completed')
  for (const file of completed) {
    const { rows_read: read, rows_loaded: rows, rows_rejected: rejects, rows_filtered: filtered, rows_deduplicated: doubles } = file
    expect((rows ?? 0) + (rejects ?? 0) + (filtered ?? 0) + (doubles ?? 0), file.file_path).toBe(read)
    figures.rows += rows ?? 0
    figures.rejected += rejects ?? 0
  }
  figures.files += files.length
  figures.loaded += completed.length
  figures.failed += files.length - completed.length
  // Where all files failed there is no table.
  const data = existsSync(join(table, '_delta_log')) ? activeFiles(table) : []
  if (data.length === 0) return expect(completed.every(({ rows_loaded }) => (rows_loaded ?? 0) === 0)).toBe(true)
  const found = await query(
    `select _source_file as path, count(*)::int as rows from read_parquet(${list(data)}, union_by_name = true) group by all order by all`,
  )
  const counted = completed.filter(({ rows_loaded }) => (rows_loaded ?? 0) > 0)
  expect(found.map(({ path, rows }) => [path, Number(rows)])).toEqual(counted.map((file) => [file.file_path, file.rows_loaded]).toSorted())
}
