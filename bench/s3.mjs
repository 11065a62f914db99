// npm run bench:s3 [-- small|table|large|list …]: loads from a bucket against a plain download with the SDK and the load of the local files, each
// pair in turn in whole processes against one local server, with the ratio of each pair.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { manyCsv, oneFile } from './data.mjs'
import { watched } from './memory.mjs'
import { plainClient, startServer } from './s3-server.mjs'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const PLAIN = fileURLToPath(new URL('s3-plain.mjs', import.meta.url))
const SPOOL = fileURLToPath(new URL('s3-spool.mjs', import.meta.url))
const LIST = fileURLToPath(new URL('list-objects.mjs', import.meta.url))
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5)
const FILES = Number(process.env.BENCH_FILES ?? 10_000)
const BUCKET = 'bench'

const root = process.env.BENCH_FOLDER ?? mkdtempSync(join(tmpdir(), 'ingestd-bench-s3-'))
const wanted = process.argv.slice(2)
let loads = 0
const isWanted = (name) => wanted.length === 0 || wanted.includes(name)

if (isWanted('list')) await listing()
if (['small', 'table', 'large'].some(isWanted)) await withServer()
if (process.env.BENCH_FOLDER === undefined) rmSync(root, { recursive: true, force: true })

async function withServer() {
  const server = await startServer(join(root, 'server'))
  try {
    const client = plainClient(server.endpoint)
    await client.send(new CreateBucketCommand({ Bucket: BUCKET })).catch(() => undefined)
    client.destroy()
    console.log(`server: ${server.name}`)
    if (isWanted('small')) await small(server, 'local', 'a local table')
    if (isWanted('table')) await small(server, 'bucket', 'a table in the bucket')
    if (isWanted('large')) await large(server)
  } finally {
    await server.stop()
  }
}

/** A load of many small objects against their download and the load of what was downloaded. */
async function small(server, target, title) {
  await landed('small', (folder) => manyCsv(folder, FILES, 100))
  const folder = join(root, 'downloaded')
  await compare(`${FILES} CSV objects of 100 rows into ${title}`, {
    goal: '<= 2',
    ours: () => load(server, `s3://${BUCKET}/small/*.csv`, target),
    plain: async () => {
      rmSync(folder, { recursive: true, force: true })
      const download = await watched([PLAIN, server.endpoint, BUCKET, 'small/', folder])
      const loaded = await load(server, join(folder, '*.csv'), target)
      rmSync(folder, { recursive: true, force: true })
      return { seconds: download.seconds + loaded.seconds, cpu: download.cpu + loaded.cpu, parts: [download.seconds, loaded.seconds] }
    },
    server,
  })
}

/** The spool's download of one object against the SDK's in ranges. */
async function large(server) {
  await landed('large', (folder) => oneFile(join(folder, 'big.csv'), 'csv', 12_300_000))
  const folder = join(root, 'large')
  const fresh = async (args) => {
    rmSync(folder, { recursive: true, force: true })
    const run = await watched(args)
    rmSync(folder, { recursive: true, force: true })
    return run
  }
  await compare('one object of 1 GB into the spool', {
    goal: '<= 1.25, which is 0.8 x the throughput',
    ours: () => fresh([SPOOL, server.endpoint, BUCKET, 'large/big.csv', folder]),
    plain: () => fresh([PLAIN, server.endpoint, BUCKET, 'large/', folder, 'large/big.csv']),
    server,
  })
}

async function listing() {
  const { status, stdout, stderr } = spawnSync(process.execPath, [LIST], { encoding: 'utf8' })
  console.log(`listing: ${stdout.trim()}${stderr}`)
  if (status !== 0) process.exitCode = 1
}

async function compare(title, { goal, ours, plain, server }) {
  const pairs = []
  for (let round = 0; round <= ROUNDS; round += 1) {
    // Whoever comes second must not always be the same.
    const isOursFirst = round % 2 === 0
    const serverBefore = server.cpu()
    const first = await (isOursFirst ? ours : plain)()
    const serverBetween = server.cpu()
    const second = await (isOursFirst ? plain : ours)()
    first.server = serverBetween - serverBefore
    second.server = server.cpu() - serverBetween
    const pair = isOursFirst ? { ours: first, plain: second } : { ours: second, plain: first }
    // The first round warms the server and the page cache.
    if (round > 0) pairs.push(pair)
  }
  const of = (pick) => spread(pairs.map(pick))
  const parts =
    pairs[0].plain.parts === undefined ? '' : ` (download ${of((one) => one.plain.parts[0])}, load ${of((one) => one.plain.parts[1])})`
  console.log(
    `${title}: ingestd ${of((one) => one.ours.seconds)} s, plain ${of((one) => one.plain.seconds)} s${parts}, ratio ${of((one) => one.ours.seconds / one.plain.seconds)} (goal ${goal})\n` +
      `  processor time: ${of((one) => one.ours.cpu)} s against ${of((one) => one.plain.cpu)} s, ratio ${of((one) => one.ours.cpu / one.plain.cpu)}; of ${server.name}: ${of((one) => one.ours.server)} s against ${of((one) => one.plain.server)} s`,
  )
}

async function load(server, pattern, target) {
  const folder = join(root, 'project')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  loads += 1
  const table = { table_name: 'orders', source_path_pattern: pattern, watch: { settle_seconds: 0 } }
  const path = `tables/orders-${process.pid}-${loads}`
  if (target === 'bucket') table.target_path = `s3://${BUCKET}/${path}`
  writeFileSync(join(folder, 'ingest.yaml'), JSON.stringify({ connections: { bucket: server.config }, tables: [table] }))
  const run = await watched([MAIN, 'run', '-c', join(folder, 'ingest.yaml'), '--json'])
  rmSync(folder, { recursive: true, force: true })
  rmSync(join(root, 'server', 'data', BUCKET, path), { recursive: true, force: true })
  return run
}

/** Objects of the bucket: both servers keep them as files, so they are put there as files. */
async function landed(name, make) {
  const there = join(root, 'server', 'data', BUCKET, name)
  if (existsSync(there)) return
  const draft = join(root, `draft-${name}`)
  rmSync(draft, { recursive: true, force: true })
  await make(draft)
  renameSync(draft, there)
}

function spread(values) {
  const sorted = values.toSorted((a, b) => a - b)
  return `${sorted[Math.floor(sorted.length / 2)].toFixed(2)} (${sorted[0].toFixed(2)}–${sorted.at(-1).toFixed(2)})`
}
