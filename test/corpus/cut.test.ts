import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { createIngest } from 'ingestd'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { removeFolder } from '../support/keep.ts'
import { write, zstd } from './make.ts'

/** A file that is cut after each of its bytes, all cuts in one table. */
interface Cut {
  readonly name: string
  readonly suffix: string
  readonly config: Readonly<Record<string, unknown>>
  readonly content: Buffer
  /** Lengths at which the file looks whole: with fewer records, or with a shorter value. None where the format shows every cut. */
  readonly unseen: readonly number[]
}

const CSV = 'id,name\n1,"x"\n2,"y\nz"\n'
const NDJSON = '{"id":1,"name":"x"}\n{"id":2,"name":"}"}\n'
const ARRAY = '[{"id":1,"name":"]"},\n{"id":2,"name":"y"}]\n'
const folder = mkdtempSync(join(tmpdir(), 'ingestd-cut-'))
afterAll(() => removeFolder(folder))

const closed = { watch: { settle_seconds: 0, require_final_newline: true } }
const csv = { file_format: 'csv', format_options: { delimiter: ',', header: true }, columns: { id: 'BIGINT', name: 'VARCHAR' } }
const ndjson = { file_format: 'ndjson' }

/** Lengths of the text up to each of the given words, which end where it looks whole. */
function lengths(text: string, ...beginnings: readonly string[]): readonly number[] {
  return beginnings.map((beginning) => {
    expect(text.startsWith(beginning), beginning).toBe(true)
    return Buffer.byteLength(beginning)
  })
}

const CUTS: readonly Cut[] = [
  {
    name: 'csv',
    suffix: '.csv',
    config: csv,
    content: Buffer.from(CSV),
    // Within the header, at the end of a record, and behind the delimiter of its last field.
    unseen: [
      ...Array.from('id,name\n', (_, index) => index + 1),
      ...lengths(CSV, 'id,name\n1,', 'id,name\n1,"x"', 'id,name\n1,"x"\n', 'id,name\n1,"x"\n2,', CSV.slice(0, -1)),
    ],
  },
  {
    name: 'csv_closed',
    suffix: '.csv',
    config: { ...csv, ...closed },
    content: Buffer.from(CSV),
    // Where a line ends, which a marker alone can tell from the end of the file.
    unseen: lengths(CSV, 'id,name\n', 'id,name\n1,"x"\n'),
  },
  { name: 'csv_gzip', suffix: '.csv.gz', config: csv, content: gzipSync(CSV), unseen: [] },
  { name: 'csv_zstd', suffix: '.csv.zst', config: csv, content: zstd(CSV), unseen: [] },
  {
    name: 'ndjson',
    suffix: '.ndjson',
    config: ndjson,
    content: Buffer.from(NDJSON),
    unseen: lengths(NDJSON, '{"id":1,"name":"x"}', '{"id":1,"name":"x"}\n', NDJSON.slice(0, -1)),
  },
  {
    name: 'ndjson_closed',
    suffix: '.ndjson',
    config: { ...ndjson, ...closed },
    content: Buffer.from(NDJSON),
    unseen: lengths(NDJSON, '{"id":1,"name":"x"}\n'),
  },
  { name: 'ndjson_gzip', suffix: '.ndjson.gz', config: ndjson, content: gzipSync(NDJSON), unseen: [] },
  { name: 'ndjson_zstd', suffix: '.ndjson.zst', config: ndjson, content: zstd(NDJSON), unseen: [] },
  { name: 'json', suffix: '.json', config: { file_format: 'json' }, content: Buffer.from(ARRAY), unseen: [ARRAY.length - 1] },
  { name: 'json_gzip', suffix: '.json.gz', config: { file_format: 'json' }, content: gzipSync(ARRAY), unseen: [] },
]

const loaded = new Map<string, number[]>()
const failed = new Map<string, number>()
const codes = new Map<string, Set<string>>()
let cuts: readonly Cut[] = CUTS

beforeAll(async () => {
  const path = join(folder, 'whole.parquet')
  await write([{ path, content: { parquet: "select i as id, 'n' || i as name from range(3) t(i)" } }])
  cuts = [...CUTS, { name: 'parquet', suffix: '.parquet', config: { file_format: 'parquet' }, content: readFileSync(path), unseen: [] }]
  for (const cut of cuts) land(cut)
  await using ingest = await createIngest({ config: config({}) })
  await ingest.run()
  for await (const file of ingest.files()) {
    const [, table = '', length] = /\/landing\/([a-z_]+)\/(\d+)\./.exec(file.file_path) ?? []
    if (file.status === 'completed') loaded.set(table, [...(loaded.get(table) ?? []), Number(length)])
    else {
      failed.set(table, (failed.get(table) ?? 0) + 1)
      codes.set(table, (codes.get(table) ?? new Set()).add(file.error_code ?? file.status))
    }
  }
}, 120_000)

/** Every cut but the whole file and the one without a byte. */
function land({ name, suffix, content }: Cut): void {
  mkdirSync(join(folder, 'landing', name), { recursive: true })
  for (let length = 1; length < content.length; length += 1)
    writeFileSync(join(folder, 'landing', name, `${String(length).padStart(4, '0')}${suffix}`), content.subarray(0, length))
}

function config(changes: Record<string, unknown>): Record<string, unknown> {
  return {
    raw_data_path: join(folder, 'landing'),
    processed_data_path: join(folder, 'tables'),
    checkpoint_path: join(folder, 'state'),
    max_parallel_jobs: 2,
    log_level: 'FATAL',
    tables: cuts.map(({ name, suffix, config: own }) => ({
      table_name: name,
      source_path_pattern: `${name}/*${suffix}`,
      watch: { settle_seconds: 0 },
      ...own,
      ...changes,
    })),
  }
}

describe('a file that is cut after any of its bytes', () => {
  test.each([...CUTS.map(({ name }) => name), 'parquet'])('%s: is not loaded but where its format cannot show it', (name) => {
    const cut = cuts.find((one) => one.name === name)
    expect((loaded.get(name) ?? []).toSorted((a, b) => a - b)).toEqual(cut?.unseen)
    expect((failed.get(name) ?? 0) + (loaded.get(name) ?? []).length).toBe((cut?.content.length ?? 0) - 1)
  })

  test('is told as truncated, or as no file of its format where too little is there', () => {
    const told = Object.fromEntries([...codes].map(([name, all]) => [name, [...all].toSorted().join()]))
    const others = CUTS.map(({ name }) => [name, 'ING-FILE-TRUNCATED'])
    // Before its first four bytes are there it might be anything.
    expect(told).toEqual({ ...Object.fromEntries(others), parquet: 'ING-FILE-FORMAT,ING-FILE-TRUNCATED' })
  })

  test('is not looked at where a marker is asked for', async () => {
    await using ingest = await createIngest({
      config: { ...config({ watch: { settle_seconds: 0, marker: '{name}.done' } }), checkpoint_path: join(folder, 'marked') },
    })
    const report = await ingest.run({ dryRun: true })
    expect(report.totals.files).toBe(0)
    expect(report.tables.map(({ files }) => files.loaded + files.failed)).toEqual(cuts.map(() => 0))
  })
})
