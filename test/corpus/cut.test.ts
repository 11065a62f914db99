import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { createIngest } from 'ingestd'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { removeFolder } from '../support/keep.ts'
import { plainRows, workbook } from '../support/workbook.ts'
import { zipOf } from '../support/zip.ts'
import { ARROW, AVRO, AVRO_HEAD, AVRO_SECOND } from './binary.ts'
import { joined, write, zstd } from './make.ts'
import { BZ2 } from './packed.ts'

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
const FIXED = '  1x   \n  2y   \n'
const LOG = '1 xx\n2 yy\n'
const LOG_LINES = {
  file_format: 'regex',
  columns: { id: 'BIGINT', name: 'VARCHAR' },
  format_options: { pattern: '^(?<id>[0-9]+) (?<name>.+)$' },
}
const WORKBOOK = workbook([
  {
    name: 'S',
    rows: plainRows([
      ['id', 'name'],
      [1, 'x'],
      [2, 'y'],
    ]),
  },
])
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
  { name: 'csv_bzip2', suffix: '.csv.bz2', config: csv, content: BZ2, unseen: [] },
  { name: 'csv_zip', suffix: '.csv.zip', config: csv, content: zipOf([{ name: 'a.csv', content: CSV }]), unseen: [] },
  {
    name: 'fixed_width',
    suffix: '.txt',
    config: {
      file_format: 'fixed_width',
      columns: { id: 'BIGINT', name: 'VARCHAR' },
      format_options: {
        fields: [
          { name: 'id', width: 3 },
          { name: 'name', width: 4 },
        ],
      },
    },
    content: Buffer.from(FIXED),
    unseen: lengths(FIXED, '  1x   ', '  1x   \n', FIXED.slice(0, -1)),
  },
  {
    name: 'regex',
    suffix: '.log',
    config: LOG_LINES,
    content: Buffer.from(LOG),
    unseen: lengths(LOG, '1 x', '1 xx', '1 xx\n', '1 xx\n2 y', '1 xx\n2 yy'),
  },
  {
    name: 'regex_closed',
    suffix: '.log',
    config: { ...LOG_LINES, ...closed },
    content: Buffer.from(LOG),
    unseen: lengths(LOG, '1 xx\n'),
  },
  { name: 'xlsx', suffix: '.xlsx', config: { file_format: 'xlsx' }, content: WORKBOOK, unseen: [] },
  {
    name: 'avro',
    suffix: '.avro',
    config: { file_format: 'avro' },
    content: joined(AVRO, AVRO_SECOND),
    // Between two blocks.
    unseen: [AVRO_HEAD.length, AVRO.length],
  },
  { name: 'arrow', suffix: '.arrow', config: { file_format: 'arrow' }, content: ARROW, unseen: [] },
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
    const [, table = '', length] = /\/landing\/([a-z0-9_]+)\/(\d+)\./.exec(file.file_path) ?? []
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
    // Before its first bytes are there it might be anything.
    const anything = Object.fromEntries(['parquet', 'csv_zip', 'xlsx'].map((name) => [name, 'ING-FILE-FORMAT,ING-FILE-TRUNCATED']))
    expect(told).toEqual({ ...Object.fromEntries(others), ...anything })
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
