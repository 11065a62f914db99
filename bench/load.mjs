// npm run bench [-- many|csv|parquet|memory|bad-rows …]: whole processes, ingestd and raw DuckDB in turn, with the ratio of each pair.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { badRows, manyCsv, oneFile } from './data.mjs'
import { watched } from './memory.mjs'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const RAW = fileURLToPath(new URL('./raw.mjs', import.meta.url))
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5)
const root = process.env.BENCH_FOLDER ?? mkdtempSync(join(tmpdir(), 'ingestd-bench-'))

const cases = {
  many: { title: '10,000 CSV files of 100 rows', goal: 1.5, format: 'csv', make: (folder) => manyCsv(folder, 10_000, 100) },
  csv: { title: 'one CSV file of 1 GB', goal: 1.1, format: 'csv', make: (folder) => oneFile(join(folder, 'big.csv'), 'csv', 12_300_000) },
  parquet: {
    title: 'one Parquet file of 500 MB',
    goal: 1.1,
    format: 'parquet',
    make: (folder) => oneFile(join(folder, 'big.parquet'), 'parquet', 12_000_000),
  },
}

const wanted = process.argv.slice(2)
for (const [name, one] of Object.entries(cases)) if (wanted.length === 0 || wanted.includes(name)) await compare(name, one)
if (wanted.length === 0 || wanted.includes('memory')) await memory()
if (wanted.length === 0 || wanted.includes('bad-rows')) await rejecting()
if (process.env.BENCH_FOLDER === undefined) rmSync(root, { recursive: true, force: true })

async function compare(name, { title, goal, format, make }) {
  const landing = join(root, name)
  if (!existsSync(landing)) await make(landing)
  const pattern = join(landing, `*.${format}`)
  const ours = []
  const raw = []
  for (let round = 0; round <= ROUNDS; round += 1) {
    const a = timed([MAIN, 'run', '-c', project(name, pattern), '--json'])
    const b = timed([RAW, format, pattern, join(root, 'raw')])
    // The first round warms the page cache.
    if (round > 0) {
      ours.push(a)
      raw.push(b)
    }
  }
  const ratios = ours.map((one, index) => one.seconds / raw[index].seconds)
  console.log(
    `${title}: ingestd ${spread(ours.map((one) => one.seconds))} s, raw ${spread(raw.map((one) => one.seconds))} s, ratio ${spread(ratios)} (goal ${goal})`,
  )
}

/** An input of ten times the memory limit: the resident set of all processes stays within 1.3 × the limit + 300 MiB. */
async function memory() {
  const landing = join(root, 'csv')
  if (!existsSync(landing)) await cases.csv.make(landing)
  const size = statSync(join(landing, 'big.csv')).size
  const limit = Math.floor(size / 10)
  const config = project('memory', join(landing, '*.csv'), { engine: { memory_limit: `${Math.floor(limit / 1e6)}MB` } })
  const { seconds, peakMiB } = await watched([MAIN, 'run', '-c', config, '--json'])
  const bound = (1.3 * limit) / 2 ** 20 + 300
  console.log(
    `${(size / 1e9).toFixed(2)} GB under memory_limit ${Math.floor(limit / 1e6)}MB: ${seconds.toFixed(1)} s, peak of the largest process ${peakMiB.toFixed(0)} MiB (goal ${bound.toFixed(0)} MiB)`,
  )
}

/** A file of a million rows with 1 % bad ones against the same file without. */
async function rejecting() {
  const seconds = { clean: [], bad: [] }
  const patterns = {}
  for (const [kind, badOne] of [
    ['clean', null],
    ['bad', 100],
  ]) {
    const landing = join(root, `bad-rows-${kind}`)
    if (!existsSync(landing)) await badRows(join(landing, 'rows.csv'), 1_000_000, badOne)
    patterns[kind] = join(landing, '*.csv')
  }
  const columns = { id: 'BIGINT', amount: 'DOUBLE', quantity: 'BIGINT', placed_at: 'TIMESTAMP' }
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [kind, pattern] of Object.entries(patterns)) {
      const run = timed([MAIN, 'run', '-c', project(`bad_rows_${kind}`, pattern, {}, { columns, max_bad_rows: '2%' }), '--json'])
      if (round > 0) seconds[kind].push(run.seconds)
    }
  }
  const ratios = seconds.bad.map((one, index) => one / seconds.clean[index])
  console.log(
    `one CSV file of 1,000,000 rows, 1 % of them bad: ${spread(seconds.bad)} s, without bad rows ${spread(seconds.clean)} s, ratio ${spread(ratios)} (goal 3)`,
  )
}

function project(name, pattern, extra = {}, table = {}) {
  const folder = join(root, `project-${name}`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const config = { ...extra, tables: [{ table_name: name, source_path_pattern: pattern, watch: { settle_seconds: 0 }, ...table }] }
  writeFileSync(join(folder, 'ingest.yaml'), JSON.stringify(config))
  return join(folder, 'ingest.yaml')
}

function timed(args) {
  const started = process.hrtime.bigint()
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 2 ** 28 })
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stdout.slice(0, 1000)}${stderr}`)
  return { seconds }
}

function spread(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)]
  return `${median.toFixed(2)} (${sorted[0].toFixed(2)}–${sorted.at(-1).toFixed(2)})`
}
