import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { createIngest, type TrackedFile } from 'ingestd'
import { expect, test } from 'vitest'
import { write, zstd } from '../corpus/make.ts'
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

const CSV = `id,name,day,amount\n${Array.from({ length: 20 }, (_, row) => `${row},"n, ""${row}""",2024-01-${String(row + 1).padStart(2, '0')},${row}.25\n`).join('')}`
const NDJSON = Array.from({ length: 20 }, (_, row) => `{"id":${row},"name":"n${row}","deep":{"a":[${row},null],"b":"x"}}\n`).join('')
const ARRAY = `[${NDJSON.trim().replaceAll('\n', ',\n')}]\n`
const csv = { file_format: 'csv', columns: { id: 'BIGINT', name: 'VARCHAR', day: 'DATE', amount: 'DECIMAL(9,2)' } }

interface Seed {
  readonly table: string
  readonly suffix: string
  readonly config: Readonly<Record<string, unknown>>
  readonly content: Buffer
}

const SEEDS: readonly Seed[] = [
  { table: 'csv', suffix: '.csv', config: csv, content: Buffer.from(CSV) },
  { table: 'csv_tolerant', suffix: '.csv', config: { ...csv, max_bad_rows: '50%' }, content: Buffer.from(CSV) },
  { table: 'csv_gzip', suffix: '.csv.gz', config: csv, content: gzipSync(CSV) },
  { table: 'csv_zstd', suffix: '.csv.zst', config: csv, content: zstd(CSV) },
  { table: 'ndjson', suffix: '.ndjson', config: { file_format: 'ndjson' }, content: Buffer.from(NDJSON) },
  {
    table: 'ndjson_tolerant',
    suffix: '.ndjson',
    config: { file_format: 'ndjson', max_bad_rows: '50%', schema_evolution: { mode: 'rescue' } },
    content: Buffer.from(NDJSON),
  },
  { table: 'json', suffix: '.json', config: { file_format: 'json' }, content: Buffer.from(ARRAY) },
  { table: 'json_gzip', suffix: '.json.gz', config: { file_format: 'json' }, content: gzipSync(ARRAY) },
]

const figures = { rounds: 0, files: 0, loaded: 0, failed: 0, rows: 0, rejected: 0 }

test(
  `mutated files of every format are loaded or failed, and every row is accounted for (from seed ${FIRST_SEED}, ${SECONDS} s)`,
  async () => {
    expect(MAIN).toContain('dist')
    const end = Date.now() + SECONDS * 1000
    const seeds = [...SEEDS, { table: 'parquet', suffix: '.parquet', config: { file_format: 'parquet' }, content: await parquet() }]
    for (let seed = FIRST_SEED; seed === FIRST_SEED || Date.now() < end; seed += 1) await round(seed, seeds)
    process.stdout.write(`fuzz: ${JSON.stringify(figures)}, seeds ${FIRST_SEED} to ${FIRST_SEED + figures.rounds - 1}\n`)
  },
  SECONDS * 1000 + 120_000,
)

async function parquet(): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'ingestd-fuzz-'))
  const path = join(folder, 'whole.parquet')
  await write([{ path, content: { parquet: "select i as id, 'n' || i as name, {'a': [i]} as deep from range(20) t(i)" } }])
  const bytes = readFileSync(path)
  removeFolder(folder)
  return bytes
}

/** One load of many files; what a seed did once it does again. */
async function round(seed: number, seeds: readonly Seed[]): Promise<void> {
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
    const codes = await load(folder, seeds)
    expect(
      codes.filter((code) => /ING-(BUG|TABLE)/.test(code)),
      `seed ${seed}`,
    ).toEqual([])
    figures.rounds += 1
  } finally {
    removeFolder(folder)
  }
}

async function load(folder: string, seeds: readonly Seed[]): Promise<readonly string[]> {
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
      log_level: 'FATAL',
      max_parallel_jobs: 2,
      retry_attempts: 1,
      retry_backoff: { base_seconds: 0.001, factor: 1, max_seconds: 0.001 },
      timeout_minutes: 1,
      tables,
    },
  })
  let report = await ingest.run()
  // A fault of the engine costs an attempt of a batch; then its files are tried one by one.
  for (let again = 0; again < 40 && report.tables.some((table) => table.files.pending > 0); again += 1) report = await ingest.run()
  const files: TrackedFile[] = []
  for await (const file of ingest.files()) files.push(file)
  expect(files.length).toBe(seeds.length * FILES_OF_EACH)
  expect(files.filter(({ status }) => status !== 'completed' && status !== 'failed')).toEqual([])
  for (const { table } of seeds)
    await account(
      join(folder, 'tables', 'default', table),
      files.filter((file) => file.file_path.includes(`/${table}/`)),
    )
  return report.tables.flatMap(({ errors }) => errors.map(({ code, message }) => `${code} ${message}`))
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
