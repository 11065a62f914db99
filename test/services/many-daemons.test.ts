import { mkdirSync, renameSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../support/daemon.ts'
import { started } from '../support/daemon-process.ts'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'
import { type Project, project } from '../support/project.ts'

const DAEMONS = 4
const TABLES = 20
/** In both halves together. */
const FILES = Number(process.env['INGEST_TEST_FILES'] ?? 5000)
const LONGEST_MS = Number(process.env['INGEST_TEST_MINUTES'] ?? 20) * 60_000

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

const names = Array.from({ length: TABLES }, (_, table) => `t${String(table).padStart(2, '0')}`)

test(
  'four daemons divide the work of twenty tables; killed at random, with a server that restarts, they load each file once',
  async () => {
    const place = project({
      tracker_url: server.url,
      max_parallel_jobs: 2,
      engine: { memory_limit: '400MB', threads: 1 },
      http: null,
      tables: names.map((table_name) => ({
        table_name,
        source_path_pattern: `${table_name}/*.csv`,
        max_files_per_batch: 25,
        watch: { settle_seconds: 0 },
      })),
    })
    for (const name of names) mkdirSync(place.path('landing', name), { recursive: true })
    const daemons = Array.from({ length: DAEMONS }, () => started(place))
    await Promise.all(daemons.map((daemon) => eventually(async () => daemon.text(), hasHeardOfAll, 120_000)))
    const half = Math.trunc(FILES / 2)

    land(place, 0, half)
    await loaded(half)
    // What is committed is logged a little later.
    const shares = await eventually(
      async () => daemons.map((daemon) => rowsLoaded(daemon.text())),
      (rows) => rows.reduce((sum, share) => sum + share, 0) === half,
    )
    process.stdout.write(`files by daemon: ${shares.join(', ')}\n`)
    expect(Math.max(...shares)).toBeLessThanOrEqual(2 * Math.min(...shares))

    land(place, half, FILES)
    const faults = { kills: 0, restarts: 0 }
    for (let round = 0; (await completed()) < FILES && round < 12; round += 1) {
      await sleep(1000 + Math.random() * 3000)
      const victim = Math.trunc(Math.random() * DAEMONS)
      daemons[victim]?.kill('SIGKILL')
      await daemons[victim]?.ended
      faults.kills += 1
      if (round % 3 === 1) {
        await server.restart(round % 2 === 0 ? 'fast' : 'immediate')
        faults.restarts += 1
      }
      daemons[victim] = started(place)
    }
    await loaded(FILES)
    process.stdout.write(`${faults.kills} kills, ${faults.restarts} restarts\n`)
    // A signal ends a process that is only just starting by itself.
    await Promise.all(daemons.map((daemon) => daemon.logged('daemon started')))
    for (const daemon of daemons) daemon.kill('SIGTERM')
    for (const daemon of daemons) expect((await daemon.ended)[0]).toBe(0)

    const sums = names.map((name) => `select count(*) n, count(distinct id) d from default.${name}`).join(' union all ')
    const { stdout } = await place.run(['query', `select sum(n)::int n, sum(d)::int d from (${sums})`, '--format', 'csv'])
    expect(stdout).toBe(`n,d\n${FILES},${FILES}\n`)
    expect((await place.run(['verify'])).code).toBe(0)
  },
  LONGEST_MS + 60_000,
)

/** Whole at once: a file without bytes is one without rows. */
function land(place: Project, from: number, to: number): void {
  for (let file = from; file < to; file += 1) {
    const folder = `landing/${names[file % TABLES]}`
    place.write(`${folder}/.${file}`, `id\n${file}\n`)
    renameSync(place.path(folder, `.${file}`), place.path(folder, `${file}.csv`))
  }
}

function hasHeardOfAll(log: string): boolean {
  return log.includes(`"daemons":${DAEMONS},"msg":"tables are divided among the daemons"`)
}

function rowsLoaded(log: string): number {
  const lines = log.split('\n').filter((line) => line.includes('"msg":"batch committed"'))
  // A file that is listed while it is written is given back, and is in a second batch.
  return lines.reduce((sum, line) => sum + (JSON.parse(line) as { rows: { loaded: number } }).rows.loaded, 0)
}

async function completed(): Promise<number> {
  const [row] = await server.query(`select count(*)::int as n from metadata.file_processing_tracker where status = 'completed'`)
  return Number(row?.['n'])
}

async function loaded(files: number): Promise<void> {
  const end = performance.now() + LONGEST_MS / 2
  while ((await completed()) < files) {
    if (performance.now() > end) throw new Error(`${await completed()} of ${files} files are loaded`)
    await sleep(500)
  }
}
