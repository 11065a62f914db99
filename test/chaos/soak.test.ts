import { mkdirSync } from 'node:fs'
import BetterSqlite from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { list, query } from '../support/engine.ts'
import { activeFiles, finished, type Project, project } from '../support/project.ts'
import { signalProcess } from './faults.ts'
import { type Held, laterOf, Soak } from './soak.ts'

/** An hour is `INGEST_TEST_SOAK_SECONDS=3600 npm run test:soak`. */
const SECONDS = Number(process.env['INGEST_TEST_SOAK_SECONDS'] ?? '15')

const TABLES = ['appended', 'polled', 'merged']
const JOBS = 2

const CONFIG = {
  http: { port: 0 },
  max_parallel_jobs: JOBS,
  log_format: 'json',
  engine: { memory_limit: '512MB' },
  tables: [
    { table_name: 'appended' },
    { table_name: 'polled', watch: { mode: 'poll', poll_interval_seconds: 1, settle_seconds: 0 } },
    { table_name: 'merged', loading_strategy: 'merge', primary_keys: ['key'], sequence_by: ['id'] },
  ].map((table) => ({ source_path_pattern: `${table.table_name}/*.csv`, watch: { settle_seconds: 0 }, ...table })),
}

test(
  `a steady stream of files for ${SECONDS} s leaves a daemon as large as it was, and nothing behind`,
  async () => {
    const made = project(CONFIG)
    for (const folder of ['tmp', 'state', ...TABLES.map((table) => `landing/${table}`)]) mkdirSync(made.path(folder), { recursive: true })
    const child = made.start(['daemon'], { TMPDIR: made.path('tmp') })
    onTestFinished(() => signalProcess(-(child.pid ?? 0), 'SIGKILL'))
    const ended = finished(child)
    await expect.poll(() => daemonsOf(made), { timeout: 60_000 }).toBe(1)
    const soak = new Soak(made, child.pid ?? 0, made.path('tmp'))
    await soak.run(TABLES, SECONDS, 250)
    await expect.poll(() => completedOf(made), { timeout: 120_000, interval: 500 }).toBe(soak.files * TABLES.length)
    // Bounds that hold for an hour as for a few seconds, in which code is still being compiled.
    const most = (what: keyof Held) => laterOf(soak.held, what)
    process.stdout.write(
      `${JSON.stringify({ files: soak.files * TABLES.length, ...soak.held.at(-1), residentMiB: most('residentMiB') })}\n`,
    )
    for (const [what, growth] of [
      ['residentMiB', 40],
      ['handles', 10],
      ['temporary', 10],
      ['state', 10],
    ] as const)
      expect([what, most(what).after]).toEqual([what, expect.toSatisfy((after) => after <= most(what).before + growth)])
    expect(most('residentMiB').after).toBeLessThanOrEqual(200)
    expect(most('children').after).toBeLessThanOrEqual(JOBS)
    await expect.poll(() => leasesOf(made), { timeout: 60_000, interval: 500 }).toBe(0)
    signalProcess(child.pid ?? 0, 'SIGTERM')
    expect((await ended).code).toBe(0)
    for (const [table, rows] of [
      ['appended', soak.files],
      ['polled', soak.files],
      ['merged', Math.min(50, soak.files)],
    ] as const) {
      const files = list(activeFiles(made.path('tables/default', table)))
      const [found] = await query(`select count(*)::integer as rows, count(distinct id)::integer as ids from read_parquet(${files})`)
      expect([table, found]).toEqual([table, { rows, ids: rows }])
    }
    expect((await made.run(['verify'])).code).toBe(0)
  },
  600_000 + SECONDS * 2000,
)

const daemonsOf = (made: Project) => answer(made, `select count(*) as n from file_processing_tracker_daemons where state = 'running'`)
const completedOf = (made: Project) => answer(made, `select count(*) as n from file_processing_tracker where status = 'completed'`)
const leasesOf = (made: Project) =>
  answer(
    made,
    `select (select count(*) from file_processing_tracker_tables where lock_owner is not null)
      + (select count(*) from file_processing_tracker_batches where status = 'processing') as n`,
  )

/** A tracker that is not there yet knows of nothing. */
function answer(made: Project, question: string): number {
  try {
    const database = new BetterSqlite(made.path('state/metadata.db'), { readonly: true })
    try {
      return (database.prepare(question).get() as { n: number }).n
    } finally {
      database.close()
    }
  } catch {
    return -1
  }
}
