import { mkdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { campaignProject } from '../crash/campaign.ts'
import { eventually } from '../support/daemon.ts'
import { started } from '../support/daemon-process.ts'
import { openPlace } from '../support/places.ts'

const TABLES = Array.from({ length: 6 }, (_, table) => `t${table}`)
/** A claim that nothing came of, and a commit that nobody settled: what is left behind is of two kinds. */
const STEPS = process.env['INGEST_TEST_STEPS']?.split(',') ?? ['after-claim', 'commit-after-link']
const PATIENCE_MS = 120_000

test.each(STEPS)('of two daemons one is killed %s, and the other loads what it left, each file once', async (step) => {
  const made = campaignProject(
    {
      http: null,
      log_format: 'json',
      max_parallel_jobs: 1,
      retry_backoff: { base_seconds: 0.1, factor: 1, max_seconds: 0.1 },
      tables: TABLES.map((table_name) => ({ table_name, source_path_pattern: `${table_name}/*.csv`, watch: { settle_seconds: 0 } })),
    },
    await openPlace('postgres'),
  )
  for (const table of TABLES) mkdirSync(made.path('landing', table), { recursive: true })
  await made.ready()
  // Alone at first, so that the step is its own.
  const killed = started(made, [], { INGEST_FAILPOINT: step })
  await running(killed)
  for (const table of TABLES) made.write(`landing/${table}/1.csv`, 'id\n1\n')
  const other = started(made)
  expect((await killed.ended)[1]).toBe('SIGKILL')
  for (const table of TABLES) made.write(`landing/${table}/2.csv`, 'id\n2\n')
  await eventually(
    async () => {
      const files = await made.json<{ status: string }[]>(['files'])
      return files.filter(({ status }) => status === 'completed').length
    },
    (completed) => completed === 2 * TABLES.length,
    PATIENCE_MS,
  )
  other.kill('SIGTERM')
  expect((await other.ended)[0]).toBe(0)
  const counts = TABLES.map((table) => `select count(*)::int as n, count(distinct id)::int as ids from "default".${table}`)
  expect(await made.json(['query', counts.join(' union all ')])).toEqual(TABLES.map(() => ({ n: 2, ids: 2 })))
  expect((await made.command(['verify'])).code).toBe(0)
})

async function running(daemon: ReturnType<typeof started>): Promise<void> {
  await eventually(
    async () => daemon.text(),
    (log) => log.includes('"msg":"daemon started"'),
    PATIENCE_MS,
  )
}
