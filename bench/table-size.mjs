// node bench/table-size.mjs [files of the large table] [files of the largest log]: how long appends take beside many
// files, and what opening a long log takes. Each case is a process of its own, so that its memory is its own.
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { localBlobs } from '../build/blobs/local.js'
import { writeCheckpoint } from '../build/delta/checkpoint.js'
import { commitPath } from '../build/delta/log-names.js'
import { Snapshot } from '../build/delta/snapshot.js'
import { openSession } from '../build/engine/duckdb.js'
import { inlined, literal, raw, sql } from '../build/engine/sql.js'
import { deltaStore } from '../build/stores/delta.js'

const LARGE = Number(process.argv[2] ?? 100_000)
const LARGEST = Number(process.argv[3] ?? 1_000_000)
const APPENDS = Number(process.env.BENCH_ROUNDS ?? 40)
const MEMORY = Number(process.env.BENCH_MEMORY_MIB ?? 512)
const COLUMNS = [
  { name: 'id', type: 'BIGINT', nullable: true },
  { name: 'name', type: 'VARCHAR', nullable: true },
]

/** Each answers with what it measured. */
const CASES = {
  'append, empty table': (bench) => appends(bench, 0),
  'append, large table': (bench) => appends(bench, LARGE),
  'open, one checkpoint': (bench) => opened(bench, { commits: 1, checkpoint: true }),
  'open, one commit, no checkpoint': (bench) => opened(bench, { commits: 1, checkpoint: false }),
  'open, 1000 commits, no checkpoint': (bench) => opened(bench, { commits: 1000, checkpoint: false }),
}

const { BENCH_CASE, BENCH_MAKE } = process.env
if (BENCH_MAKE !== undefined) await makeTable(JSON.parse(BENCH_MAKE))
else if (BENCH_CASE !== undefined) await measure(BENCH_CASE)
else compare()

function compare() {
  const figures = {}
  for (const name of Object.keys(CASES)) {
    figures[name] = JSON.parse(again({ BENCH_CASE: name }))
    console.log(`${name}: ${text(figures[name])}`)
  }
  const [empty, large] = [figures['append, empty table'], figures['append, large table']]
  console.log(
    `an append to ${LARGE} files takes ${(large.median / empty.median).toFixed(2)} x one to an empty table (goal 2), ` +
      `with its share of the checkpoints ${(large.mean / empty.mean).toFixed(2)} x; largest log ${LARGEST} files, engine memory ${MEMORY} MiB`,
  )
}

/** This script in a process of its own; what it prints. */
function again(environment) {
  const { status, stdout } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), String(LARGE), String(LARGEST)], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${JSON.stringify(environment)}: exit code ${status}`)
  return stdout
}

function text(figures) {
  return Object.entries(figures)
    .map(([name, value]) => (name === 'resident' ? `${value} MiB resident` : `${name} ${value.toFixed(3)} s`))
    .join(', ')
}

async function measure(name) {
  const folder = mkdtempSync(join(tmpdir(), 'ingestd-table-size-'))
  const session = await openSession({ memoryBytes: MEMORY * 1024 ** 2, threads: 2, temporaryFolder: join(folder, 'spill') })
  try {
    const figures = await CASES[name]({ folder, session, root: join(folder, 'table'), blobs: localBlobs(join(folder, 'table')) })
    console.log(JSON.stringify({ ...figures, resident: Math.round(process.resourceUsage().maxRSS / 1024) }))
  } finally {
    await session[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Seconds of appends to a table that is open, after a few that warm it up. */
async function appends(bench, files) {
  again({ BENCH_MAKE: JSON.stringify({ folder: bench.folder, files, commits: 1, checkpoint: true }) })
  const table = await store().open(config(bench.root), bench.session)
  const seconds = []
  for (let n = 0; n < APPENDS + 10; n += 1) seconds.push(await timed(() => load(table, BigInt(n + 2))))
  await table[Symbol.asyncDispose]()
  const warm = seconds.slice(10)
  const sorted = warm.toSorted((a, b) => a - b)
  const mean = warm.reduce((sum, one) => sum + one, 0) / warm.length
  return { median: sorted[Math.floor(sorted.length / 2)], mean, slowest: sorted.at(-1) }
}

/** Seconds until the state is known, the files are in a relation, and a checkpoint is written. */
async function opened(bench, shape) {
  again({ BENCH_MAKE: JSON.stringify({ folder: bench.folder, files: LARGEST, ...shape }) })
  const { blobs, session } = bench
  let snapshot
  const state = await timed(async () => {
    snapshot = await Snapshot.open('db.t', blobs, session)
  })
  const files = await timed(() => snapshot.files())
  const [counted] = await session.rows(sql`select count(*)::bigint as n from ${await snapshot.files()}`)
  if (counted.n !== BigInt(LARGEST) + 1n) throw new Error(`${counted.n} files of ${LARGEST} were found`)
  // One more commit, after which the relation is brought up to date and not made anew.
  await writeAdds(bench, snapshot.state.version + 1n, [LARGEST, LARGEST + 1])
  const advance = await timed(async () => {
    await snapshot.advance()
    await snapshot.files()
  })
  const checkpoint = await timed(() => writeCheckpoint(snapshot, '_ingestd/stage/bench', { blobs, session, nowMs: Date.now() }))
  return { state, files, advance, checkpoint }
}

/** A table of ours to which another writer added files. */
async function makeTable({ folder, files, commits, checkpoint }) {
  const root = join(folder, 'table')
  const blobs = localBlobs(root)
  const session = await openSession({ memoryBytes: 4 * 1024 ** 3, threads: 2, temporaryFolder: join(folder, 'spill-made') })
  const table = await store().open(config(root), session)
  await load(table, 1n)
  const each = Math.ceil(files / commits)
  for (let n = 0; n < commits && files > 0; n += 1)
    await writeAdds({ session, blobs }, BigInt(n + 1), [n * each, Math.min(files, (n + 1) * each)])
  if (checkpoint) {
    const snapshot = await Snapshot.open('db.t', blobs, session)
    await writeCheckpoint(snapshot, '_ingestd/stage/bench', { blobs, session, nowMs: Date.now() })
  }
  await session[Symbol.asyncDispose]()
}

async function writeAdds({ session, blobs }, version, [from, to]) {
  const numbers = '{"numRecords":1000,"minValues":{"id":'
  const line = sql`'{"add":{"path":"part-' || lpad(i::varchar, 12, '0') || '-4f6c2d1e-0a7b-4c3d-9e8f-1a2b3c4d5e6f.parquet","partitionValues":{},"size":' || (100000 + i)
    || ',"modificationTime":1700000000000,"dataChange":true,"stats":' || to_json(${numbers} || i * 1000
    || ',"name":"name ' || i || '"},"maxValues":{"id":' || (i * 1000 + 999) || ',"name":"name ' || i || ' zzzzzzzzzz"},"nullCount":{"id":0,"name":3}}')::varchar || '}}'`
  const info = `{"commitInfo":{"timestamp":${Date.now()},"operation":"WRITE","operationParameters":{},"isBlindAppend":true}}`
  const rows = sql`select ${info} as line union all select ${line} from range(${from}, ${to}) as r(i)`
  await session.run(
    sql`copy (${inlined(rows)}) to ${literal(blobs.localPath(commitPath(version)))} (format csv, header false, quote '', escape '', delimiter ${raw("'\\x01'")})`,
  )
}

async function load(table, batch) {
  const batchId = randomUUID()
  const files = await table.stage({ add: sql`select ${batch}::bigint, 'name'`, columns: COLUMNS, batchId, sourceBytes: 0n })
  const manifest = {
    format: 1,
    appId: 'ingestd/bench/db.t',
    batch,
    batchId,
    previous: batch > 1n ? batch - 1n : null,
    table: 'db.t',
    createdAt: new Date().toISOString(),
    files: [],
    reader: null,
    sideFiles: [],
  }
  await table.writeManifest(manifest)
  const request = {
    manifest,
    staged: [files],
    remove: 'nothing',
    removal: null,
    columns: COLUMNS,
    blindAppend: true,
    trackerId: 'bench',
    strategy: 'append',
  }
  const outcome = await table.commit(request)
  if (outcome.kind !== 'committed') throw new Error(`batch ${batch}: ${outcome.kind}`)
}

function store() {
  return deltaStore({
    blobs: async (root) => localBlobs(root),
    clock: { now: () => Date.now() },
    newId: randomUUID,
    random: Math.random,
    sleep: (ms) => new Promise((done) => setTimeout(done, ms)),
    engineInfo: 'ingestd/bench',
    warn: (message, cause) => {
      throw new Error(message, { cause })
    },
  })
}

function config(targetPath) {
  return {
    name: 'db.t',
    targetPath,
    outputFormat: 'delta',
    strategy: 'append',
    partitionColumns: [],
    tableComment: null,
    tableProperties: {},
    delta: { targetFileSize: 128n * 1024n ** 2n, logRetentionMs: 30 * 86_400_000, fileRetentionMs: 7 * 86_400_000, checkpointInterval: 10 },
  }
}

async function timed(work) {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}
