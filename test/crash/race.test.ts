import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { list, query } from '../support/engine.ts'
import { activeFiles, finished, type Project, project } from '../support/project.ts'
import { expectSoundLog } from './campaign.ts'

const SECONDS = Number(process.env['INGEST_TEST_RACE_SECONDS'] ?? '20')
const PROCESSES = 4
const ROWS = 5
/** Ids of delta-rs begin here. */
const FOREIGN = 1_000_000_000
/** A delta-rs that sees when another compaction took its files; the readers' release does not. */
const PYTHON = process.env['INGEST_TEST_WRITER'] ?? process.env['INGEST_TEST_PYTHON'] ?? 'python3'
const WRITER = fileURLToPath(new URL('race_writer.py', import.meta.url))

/** Commands that the processes run by turns: loads, and compactions beside them. */
const COMMANDS = [['run'], ['run'], ['run', '--optimize'], ['optimize']]

test(`${PROCESSES} processes and delta-rs write and compact one table for ${SECONDS} s under kills: every row is there once`, async () => {
  const made = project({
    retry_backoff: { base_seconds: 0.001, factor: 1, max_seconds: 0.001 },
    tables: [
      {
        table_name: 'orders',
        source_path_pattern: 'orders/*.csv',
        max_files_per_batch: 4,
        audit_columns: false,
        watch: { settle_seconds: 0 },
      },
    ],
  })
  const files = new Landed(made)
  files.land()
  expect((await made.run(['run'])).code).toBe(0)

  const until = Date.now() + SECONDS * 1000
  const foreign = deltaRs(made.path('tables/default/orders'))
  const kills = { count: 0 }
  await Promise.all([...Array.from({ length: PROCESSES }, (_, index) => runAndKill(made, index, until, kills)), files.landUntil(until)])
  const { ids: foreignIds, compacts } = await foreign.stop()
  await finish(made)

  const table = made.path('tables/default/orders')
  const [rows] = await query(`select count(*) as rows, count(distinct id) as ids, sum(id)::varchar as sum
    from read_parquet(${list(activeFiles(table))}, hive_partitioning = false) where id < ${FOREIGN}`)
  const count = files.count * ROWS
  expect(rows).toEqual({ rows: String(count), ids: String(count), sum: String((BigInt(count) * BigInt(count - 1)) / 2n) })
  const theirs = await query(`select id from read_parquet(${list(activeFiles(table))}, hive_partitioning = false)
    where id >= ${FOREIGN} order by id`)
  // All that delta-rs was told is committed is there, once.
  expect(theirs.map((row) => Number(row['id']))).toEqual(foreignIds)

  const { actions, batches } = expectSoundLog(table)
  const tracked = await made.json<{ status: string; rows_loaded: number }[]>(['files', '--limit', '1000000'])
  expect(tracked).toHaveLength(files.count)
  expect(new Set(tracked.map((file) => `${file.status} ${file.rows_loaded}`))).toEqual(new Set([`completed ${ROWS}`]))
  // The race was one: kills, batches while delta-rs wrote, compactions by both, and its vacuum.
  const operations = actions.flatMap(({ action }) => String(action['commitInfo']?.['operation'] ?? ''))
  const seen = {
    kills: kills.count,
    batches,
    theirs: foreignIds.length,
    compactions: operations.filter((name) => name === 'OPTIMIZE').length,
    // Each seventh commit of two rows; nothing is old enough, and an empty vacuum leaves no entry.
    vacuums: Math.floor(foreignIds.length / 14),
  }
  expect(Object.entries(seen).filter(([, count]) => count < 2)).toEqual([])
  if (process.env['INGEST_TEST_WRITER'] !== undefined) expect(compacts, 'the writer of test/interop/setup compacts').toBe(true)
})

/** Landing files whose ids follow each other without a gap. */
class Landed {
  readonly #project: Project
  count = 0

  constructor(made: Project) {
    this.#project = made
  }

  land(): void {
    const first = this.count * ROWS
    const rows = Array.from({ length: ROWS }, (_, row) => `${first + row},file ${this.count}`)
    this.#project.write(`landing/orders/part-${String(this.count).padStart(6, '0')}.csv`, `id,name\n${rows.join('\n')}\n`)
    this.count += 1
  }

  async landUntil(until: number): Promise<void> {
    while (Date.now() < until) {
      this.land()
      await sleep(100)
    }
  }
}

/** One process after the other, each killed after a while unless it ends before. */
async function runAndKill(made: Project, index: number, until: number, kills: { count: number }): Promise<void> {
  for (let round = index; Date.now() < until; round += 1) {
    const child = made.start(COMMANDS[round % COMMANDS.length] ?? ['run'])
    const ended = finished(child)
    const timer = setTimeout(() => killGroup(child), 500 + Math.random() * 5000)
    const { signal, code, stderr } = await ended
    clearTimeout(timer)
    if (signal === 'SIGKILL') kills.count += 1
    // 1: a table that another process has, or that changed too often; the next run does what is left.
    else if (code !== null && code > 1 && code !== 4) throw new Error(`exit ${code}: ${stderr}`)
  }
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It had ended by itself.
  }
}

/** What delta-rs was told is committed, and whether it compacted, too. */
interface Foreign {
  readonly ids: readonly number[]
  readonly compacts: boolean
}

/** delta-rs at work on the table until `stop`. */
function deltaRs(table: string): { stop(): Promise<Foreign> } {
  const child = spawn(PYTHON, [WRITER, table, String(FOREIGN)], { stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = finished(child)
  return {
    stop: async () => {
      child.stdin.end()
      const { code, stdout, stderr } = await ended
      const lines = stdout.trim().split('\n')
      if (code !== 0 || lines.at(-1) !== '"end"')
        throw new Error(`delta-rs (INGEST_TEST_WRITER needs deltalake and pyarrow) ended with ${code}: ${stderr}`)
      const [compacts, ...committed] = lines.slice(0, -1).map((line) => JSON.parse(line) as unknown)
      return { ids: (committed as number[][]).flat(), compacts: compacts === true }
    },
  }
}

async function finish(made: Project): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const { code, stdout, stderr } = await made.run(['run', '--json'])
    const left = await made.json<unknown[]>(['files', '--status', 'pending', '--limit', '1'])
    if (code === 0 && left.length === 0) return
    if (attempt === 9) throw new Error(`the last run ended with ${code}: ${stdout} ${stderr} ${String(readdirSync(made.folder))}`)
  }
}
