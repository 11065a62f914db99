// npm run bench:merge [-- random|day|memory …]: upserts into a large table, whole processes, ingestd and peers in turn.
// With BENCH_PYTHON (a Python with deltalake) delta-rs' merge runs on a copy of the same table with the same rows;
// with BENCH_SPARK_JARS beside it Spark's, too.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { changedRows, versionedRows } from './data.mjs'
import { watched } from './memory.mjs'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const PEERS = fileURLToPath(new URL('./peers_merge.py', import.meta.url))
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3)
const ROWS = Number(process.env.BENCH_ROWS ?? 5_000_000)
const CHANGES = 50_000
const python = process.env.BENCH_PYTHON
const root = process.env.BENCH_FOLDER ?? mkdtempSync(join(tmpdir(), 'ingestd-bench-'))

const STRATEGIES = {
  merge: { loading_strategy: 'merge', primary_keys: ['id'], sequence_by: 'updated_at' },
  scd2: { loading_strategy: 'scd2', primary_keys: ['id'], sequence_by: 'updated_at' },
}

const variants = [
  { name: 'copy-on-write', strategy: 'merge', delta: {} },
  { name: 'deletion vectors', strategy: 'merge', delta: { deletion_vectors: true } },
  { name: 'scd2', strategy: 'scd2', delta: { deletion_vectors: true } },
]

mkdirSync(root, { recursive: true })
const wanted = process.argv.slice(2)
const isWanted = (name) => wanted.length === 0 || wanted.includes(name)
const only = process.env.BENCH_VARIANTS?.split(',')
for (const keys of ['random', 'day']) if (isWanted(keys)) await compare(keys)
if (isWanted('memory')) await memory()
if (process.env.BENCH_FOLDER === undefined) rmSync(root, { recursive: true, force: true })

async function compare(keys) {
  const changes = join(root, `changes-${keys}.parquet`)
  if (!existsSync(changes)) await changedRows(changes, { rows: ROWS, changes: CHANGES, keys })
  const runs = await contenders(changes)
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const one of runs) {
      const seconds = one.run()
      // The first round warms the page cache.
      if (round > 0) one.seconds.push(seconds)
    }
  }
  const reference = runs.find(({ name }) => name === 'delta-rs')
  for (const { name, seconds } of runs) {
    const ratio = reference === undefined ? '' : `, ${spread(seconds.map((one, index) => reference.seconds[index] / one))} × delta-rs`
    console.log(`${CHANGES} rows, ${keys} keys, into ${ROWS}: ${name} ${spread(seconds)} s${ratio}`)
  }
}

async function contenders(changes) {
  const runs = []
  for (const variant of variants.filter(({ name }) => only === undefined || only.includes(name))) {
    const base = await baseOf(variant)
    runs.push({ name: variant.name, seconds: [], run: () => ours(base, changes) })
  }
  if (python === undefined) return runs
  const base = await baseOf(variants[0])
  const engines = process.env.BENCH_SPARK_JARS === undefined ? ['delta-rs'] : ['delta-rs', 'spark']
  return [...runs, ...engines.map((engine) => ({ name: engine, seconds: [], run: () => peer(engine, base, changes) }))]
}

/** A table of 20 million rows takes the changes within a small memory limit: the resident set of the command and of its load process. */
async function memory() {
  const base = await baseOf({ name: 'memory', strategy: 'merge', delta: {} }, { rows: 20_000_000, engine: { memory_limit: '512MB' } })
  const changes = join(root, 'changes-memory.parquet')
  if (!existsSync(changes)) await changedRows(changes, { rows: 20_000_000, changes: CHANGES, keys: 'random' })
  const { seconds, peakMiB } = await watched([MAIN, 'run', '-c', join(landed(base, changes), 'ingest.yaml'), '--json'])
  console.log(
    `${CHANGES} rows into 20000000 under memory_limit 512MB: ${seconds.toFixed(1)} s, peak of the largest process ${peakMiB.toFixed(0)} MiB`,
  )
}

/** A project whose table holds the first rows; made once. */
async function baseOf({ name, strategy, delta }, { rows = ROWS, engine } = {}) {
  const folder = join(root, `base-${name.replaceAll(' ', '-')}-${rows}`)
  if (existsSync(join(folder, 'done'))) return folder
  mkdirSync(join(folder, 'landing'), { recursive: true })
  const table = {
    table_name: 't',
    source_path_pattern: '*.parquet',
    watch: { settle_seconds: 0 },
    ...STRATEGIES[strategy],
    delta: { optimize: 'off', ...delta },
  }
  writeFileSync(join(folder, 'ingest.yaml'), JSON.stringify({ tables: [table], ...(engine === undefined ? {} : { engine }) }))
  const first = join(folder, 'landing', 'first.parquet')
  await versionedRows(first, rows)
  utimesSync(first, 1_700_000_000, 1_700_000_000)
  const started = process.hrtime.bigint()
  run([process.execPath, MAIN, 'run', '-c', join(folder, 'ingest.yaml'), '--json'])
  console.log(`first load of ${rows} rows, ${name}: ${(Number(process.hrtime.bigint() - started) / 1e9).toFixed(1)} s`)
  writeFileSync(join(folder, 'done'), '')
  return folder
}

function ours(base, changes) {
  return timed([process.execPath, MAIN, 'run', '-c', join(landed(base, changes), 'ingest.yaml'), '--json'])
}

/** A copy of a base with the changes in its landing folder. */
function landed(base, changes) {
  const folder = fresh(base)
  // A file is known by its path, which is another in a copy.
  rmSync(join(folder, 'landing', 'first.parquet'))
  cpSync(changes, join(folder, 'landing', 'changes.parquet'))
  return folder
}

function peer(engine, base, changes) {
  const folder = fresh(base)
  const table = join(folder, 'tables/default/t')
  return timed([python, PEERS, engine, existsSync(table) ? table : join(folder, 'default/t'), changes])
}

/** Files of a base are only read, so a copy is links; the tracker is written, so it is copied. */
function fresh(base) {
  const folder = join(root, 'run')
  rmSync(folder, { recursive: true, force: true })
  run(['cp', '-al', base, folder])
  rmSync(join(folder, 'state'), { recursive: true, force: true })
  if (existsSync(join(base, 'state'))) cpSync(join(base, 'state'), join(folder, 'state'), { recursive: true })
  return folder
}

function timed(command) {
  const started = process.hrtime.bigint()
  run(command)
  return Number(process.hrtime.bigint() - started) / 1e9
}

function run([program, ...args]) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 28 })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stdout.slice(0, 2000)}${stderr.slice(-2000)}`)
}

function spread(values) {
  const sorted = values.toSorted((a, b) => a - b)
  return `${sorted[Math.floor(sorted.length / 2)].toFixed(2)} (${sorted[0].toFixed(2)}–${sorted.at(-1).toFixed(2)})`
}
