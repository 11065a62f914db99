// node bench/listing.mjs [files]: one listing in pages against `find -printf`, which does the same in C: a stat for each file.
import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { localLister } from '../build/watcher/local.js'
import { sourceRules } from '../build/watcher/rules.js'

const FILES = Number(process.argv[2] ?? 1_000_000)
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5)
const PER_FOLDER = 10_000
const root = mkdtempSync(join(tmpdir(), 'ingestd-listing-'))
const watch = { settleMs: 0, marker: null, ignore: [], modifiedAfterMs: null }

try {
  for (let n = 0; n < FILES; n += 1) {
    const folder = join(root, `d${Math.floor(n / PER_FOLDER)}`)
    if (n % PER_FOLDER === 0) mkdirSync(folder)
    closeSync(openSync(join(folder, `part-${String(n).padStart(7, '0')}.csv`), 'w'))
  }
  const ratios = []
  // The first round warms the cache of the file system.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const find = await seconds(() => spawnSync('find', [root, '-type', 'f', '-printf', '%p %s %T@\\n'], { stdio: 'ignore' }))
    const ours = await seconds(list)
    if (round === 0) continue
    ratios.push(ours / find)
    console.log(`find ${find.toFixed(2)} s, listing ${ours.toFixed(2)} s, ratio ${(ours / find).toFixed(2)}`)
  }
  ratios.sort((a, b) => a - b)
  const resident = Math.round(process.resourceUsage().maxRSS / 1024)
  console.log(
    `${FILES} files: median ratio ${ratios[Math.floor(ratios.length / 2)].toFixed(2)} (goal 2), resident ${resident} MiB (goal 200)`,
  )
} finally {
  rmSync(root, { recursive: true, force: true })
}

async function list() {
  const lister = localLister(
    sourceRules({ tableName: 't', sourcePattern: `${root}/*/*.csv`, fileFormat: 'csv', watch, archives: [], formatOptions: {} }),
    Date,
  )
  let count = 0
  for await (const page of lister.pages(new AbortController().signal)) count += page.files.length
  if (count !== FILES) throw new Error(`${count} files of ${FILES} were found`)
}

async function seconds(work) {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}
