/**
 * The daemon against its goals (design, section 5): latency from the close of a 1 MB file to its commit, a listing of known files
 * against `find -printf`, and resident memory. `npm run bench:daemon [files] [known] [soak seconds]`; 200, 100,000 and 20 by default.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const [files = 200, known = 100_000, soakSeconds = 20] = process.argv.slice(2).map(Number)
const main = join(import.meta.dirname, '../dist/main.js')
const folder = mkdtempSync(join(tmpdir(), 'ingestd-bench-daemon-'))
const row = `${'x'.repeat(90)},12345,2024-01-02\n`
const megabyte = `a,b,c\n${row.repeat(Math.floor(1_000_000 / row.length))}`

try {
  await latency()
  await listing()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Files that are renamed in, one after the other; the commit is what the daemon's log tells of it. */
async function latency() {
  const place = project('latency', { watch: { settle_seconds: 0, poll_interval_seconds: 3600 } })
  await withDaemon(place, (daemon) => latencyOf(place, daemon))
}

async function latencyOf(place, daemon) {
  const took = []
  for (let index = 0; index < files + 10; index += 1) {
    writeFileSync(join(place, 'in', 'next.tmp'), megabyte)
    const landedMs = Date.now()
    renameSync(join(place, 'in', 'next.tmp'), join(place, 'in', `${index}.csv`))
    const { time } = await daemon.line((line) => line.msg === 'batch committed' && line.batch === index + 1)
    // The first ones find a daemon that is still warming up.
    if (index >= 10) took.push(Date.parse(time) - landedMs)
    await sleep(40)
  }
  took.sort((a, b) => a - b)
  const at = (share) => took[Math.min(took.length - 1, Math.floor(took.length * share))]
  console.log(`latency of a 1 MB file: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${took.at(-1)} ms (${took.length} files)`)
  const before = resident(daemon.pid)
  const until = Date.now() + soakSeconds * 1000
  let soaked = 0
  for (; Date.now() < until; soaked += 1) {
    writeFileSync(join(place, 'in', 'next.tmp'), 'a,b,c\nx,1,2024-01-02\n')
    renameSync(join(place, 'in', 'next.tmp'), join(place, 'in', `s${soaked}.csv`))
    await sleep(50)
  }
  const handles = execFileSync('ls', [`/proc/${daemon.pid}/fd`])
    .toString()
    .split('\n').length
  console.log(`soak of ${soakSeconds} s with ${soaked} files: resident ${before} → ${resident(daemon.pid)} MiB, ${handles} handles`)
}

/** Files that the tracker knows already, listed once by the daemon and once by find; processor time of both. */
async function listing() {
  const place = project('listing', { watch: { mode: 'poll', poll_interval_seconds: 3600, settle_seconds: 0, include_existing: false } })
  for (let index = 0; index < known; index += 1) {
    const part = join(place, 'in', String(index % 100))
    if (index < 100) mkdirSync(part)
    writeFileSync(join(part, `${index}.csv`), '')
  }
  await withDaemon(place, (daemon) => daemon.idle())
  const find = []
  const list = []
  let most = 0
  for (let round = 0; round < 3; round += 1) {
    find.push(cpuOf(() => execFileSync('find', [join(place, 'in'), '-type', 'f', '-printf', '%p %s %T@\\n'], { stdio: 'ignore' })))
    await withDaemon(place, async (daemon) => {
      const before = cpuMs(daemon.pid)
      await daemon.idle()
      list.push(cpuMs(daemon.pid) - before)
      most = Math.max(most, resident(daemon.pid))
    })
  }
  const median = (values) => values.toSorted((a, b) => a - b)[1]
  console.log(
    `listing ${known} known files: ${median(list)} ms of processor time, find -printf ${median(find)} ms: ${(median(list) / median(find)).toFixed(2)} ×; resident ${most} MiB`,
  )
}

function project(name, table) {
  const place = join(folder, name)
  mkdirSync(join(place, 'in'), { recursive: true })
  const config = {
    raw_data_path: place,
    processed_data_path: join(place, 'tables'),
    checkpoint_path: join(place, 'state'),
    max_parallel_jobs: 1,
    http: null,
    log_level: 'DEBUG',
    log_format: 'json',
    tables: [{ table_name: 't', source_path_pattern: 'in/**/*.csv', ...table }],
  }
  writeFileSync(join(place, 'ingest.yaml'), JSON.stringify(config))
  return place
}

/** A daemon of the command line, by the lines of its log. */
async function withDaemon(place, work) {
  const child = spawn(process.execPath, [main, 'daemon', '-c', join(place, 'ingest.yaml')], { stdio: ['ignore', 'ignore', 'pipe'] })
  const lines = []
  let rest = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop()
    for (const part of parts) lines.push(JSON.parse(part))
  })
  const line = async (wanted) => {
    for (let index = 0; ; ) {
      for (; index < lines.length; index += 1) if (wanted(lines[index])) return lines.splice(0, index + 1).at(-1)
      if (child.exitCode !== null) throw new Error(`the daemon ended with ${child.exitCode}`)
      await sleep(1)
    }
  }
  await line(({ msg }) => msg === 'daemon started')
  try {
    await work({ pid: child.pid, line, idle: () => line(({ msg }) => msg === 'nothing to do' || msg === 'table ended') })
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await ended
  }
}

function resident(pid) {
  return Math.round(Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024)
}

/** User and system time of a process, in ticks of 10 ms. */
function cpuMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** Of a child that this process waits for. */
function cpuOf(act) {
  const children = () => {
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ')
    return (Number(fields[13]) + Number(fields[14])) * 10
  }
  const before = children()
  act()
  return children() - before
}
