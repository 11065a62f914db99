import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { removeFolder } from '../support/keep.ts'
import { plainRows, workbook } from '../support/workbook.ts'
import { zipOf } from '../support/zip.ts'
import { ARROW, AVRO } from './binary.ts'
import { latin1, utf16, write, zstd } from './make.ts'
import { BZ2 } from './packed.ts'

/** A file that is whole, and the table that takes it. */
export interface Whole {
  readonly table: string
  readonly suffix: string
  readonly config: Readonly<Record<string, unknown>>
  readonly content: Buffer
}

const ROWS = Array.from({ length: 20 }, (_, row) => row)
const CSV = `id,name,day,amount\n${ROWS.map((row) => `${row},"n, ""${row}""",2024-01-${String(row + 1).padStart(2, '0')},${row}.25\n`).join('')}`
const NDJSON = ROWS.map((row) => `{"id":${row},"name":"n${row}","deep":{"a":[${row},null],"b":"x"}}\n`).join('')
const ARRAY = `[${NDJSON.trim().replaceAll('\n', ',\n')}]\n`
const FIXED = ROWS.map((row) => `${String(row).padStart(3)}n${String(row).padEnd(4)}\n`).join('')
const LOG = ROWS.map((row) => `${row} n${row}\n`).join('')
const SHEET = workbook([{ name: 'S', rows: plainRows([['id', 'name'], ...ROWS.map((row) => [row, `n${row}`])]) }])

const csv = { file_format: 'csv', columns: { id: 'BIGINT', name: 'VARCHAR', day: 'DATE', amount: 'DECIMAL(9,2)' } }
const two = { columns: { id: 'BIGINT', name: 'VARCHAR' } }
const fixed = { ...two, file_format: 'fixed_width', format_options: { widths: [3, 5], names: ['id', 'name'] } }
const regex = { ...two, file_format: 'regex', format_options: { pattern: '(?<id>\\d+|\\w+) (?<name>\\S*)' } }
const tolerant = { max_bad_rows: '50%' }

/** A whole file of each format, encoding and compression. */
export async function wholeFiles(): Promise<readonly Whole[]> {
  return [
    { table: 'csv', suffix: '.csv', config: csv, content: Buffer.from(CSV) },
    { table: 'csv_tolerant', suffix: '.csv', config: { ...csv, ...tolerant }, content: Buffer.from(CSV) },
    {
      table: 'csv_rescued',
      suffix: '.csv',
      config: { ...csv, ...tolerant, schema_evolution: { mode: 'rescue' } },
      content: Buffer.from(CSV.replaceAll('\n', '\r\n')),
    },
    { table: 'csv_utf16', suffix: '.csv', config: { ...csv, format_options: { encoding: 'utf-16' } }, content: utf16(`\ufeff${CSV}`) },
    {
      table: 'csv_latin1',
      suffix: '.csv',
      config: { ...csv, ...tolerant, format_options: { encoding: 'latin-1' } },
      content: latin1(CSV.replaceAll('n', '\u00e9')),
    },
    { table: 'csv_gzip', suffix: '.csv.gz', config: csv, content: gzipSync(CSV) },
    { table: 'csv_zstd', suffix: '.csv.zst', config: csv, content: zstd(CSV) },
    { table: 'csv_bzip2', suffix: '.csv.bz2', config: { ...two, file_format: 'csv' }, content: BZ2 },
    {
      table: 'csv_zip',
      suffix: '.zip',
      config: { ...csv, ...tolerant },
      content: zipOf([
        { name: 'a.csv', content: CSV },
        { name: 'b.csv', content: CSV },
      ]),
    },
    { table: 'ndjson', suffix: '.ndjson', config: { file_format: 'ndjson' }, content: Buffer.from(NDJSON) },
    {
      table: 'ndjson_tolerant',
      suffix: '.ndjson',
      config: { file_format: 'ndjson', ...tolerant, schema_evolution: { mode: 'rescue' } },
      content: Buffer.from(NDJSON),
    },
    { table: 'json', suffix: '.json', config: { file_format: 'json' }, content: Buffer.from(ARRAY) },
    { table: 'json_tolerant', suffix: '.json', config: { file_format: 'json', ...tolerant }, content: Buffer.from(NDJSON) },
    { table: 'json_gzip', suffix: '.json.gz', config: { file_format: 'json' }, content: gzipSync(ARRAY) },
    {
      table: 'json_path',
      suffix: '.json',
      config: { file_format: 'json', json_path: '$.data.items' },
      content: Buffer.from(`{"data":{"items":${ARRAY.trim()}}}\n`),
    },
    { table: 'fixed_width', suffix: '.txt', config: { ...fixed, ...tolerant }, content: Buffer.from(FIXED) },
    { table: 'regex', suffix: '.log', config: { ...regex, ...tolerant }, content: Buffer.from(LOG) },
    { table: 'xlsx', suffix: '.xlsx', config: { ...two, file_format: 'xlsx' }, content: SHEET },
    { table: 'avro', suffix: '.avro', config: { file_format: 'avro' }, content: AVRO },
    { table: 'arrow', suffix: '.arrow', config: { file_format: 'arrow' }, content: ARROW },
    { table: 'parquet', suffix: '.parquet', config: { file_format: 'parquet' }, content: await parquet() },
  ]
}

async function parquet(): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'ingestd-whole-'))
  const path = join(folder, 'whole.parquet')
  await write([{ path, content: { parquet: "select i as id, 'n' || i as name, {'a': [i]} as deep from range(20) t(i)" } }])
  const bytes = readFileSync(path)
  removeFolder(folder)
  return bytes
}
