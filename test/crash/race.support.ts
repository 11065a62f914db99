import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { list, query } from '../support/engine.ts'
import type { Place, PlacedProject } from '../support/places.ts'
import { activeFiles, finished } from '../support/project.ts'
import { campaignProject, expectSoundLog } from './campaign.ts'

const ROWS = 5
/** Ids of delta-rs begin here. */
const FOREIGN = 1_000_000_000
/** A delta-rs that sees when another compaction took its files; the readers' release does not. */
const PYTHON = process.env['INGEST_TEST_WRITER'] ?? process.env['INGEST_TEST_PYTHON'] ?? 'python3'
const WRITER = fileURLToPath(new URL('race_writer.py', import.meta.url))

/** Commands that the processes run by turns: loads, and compactions beside them. */
const COMMANDS = [['run'], ['run'], ['run', '--optimize'], ['optimize']]

export interface Race {
  readonly seconds: number
  /** Of the product, beside delta-rs. */
  readonly processes: number
  /** How often each thing has to have been seen before the race ends, if it takes longer than the seconds. */
  readonly atLeast: number
}

/** A machine that is too busy for the race is no fault. */
const LONGEST_MS = 180_000

/** Processes and delta-rs write and compact one table under kills: in the end every row is there once. */
export async function race({ seconds, processes, atLeast }: Race, place?: Place): Promise<void> {
  const table = {
    table_name: 'orders',
    source_path_pattern: 'orders/*.csv',
    max_files_per_batch: 4,
    audit_columns: false,
    watch: { settle_seconds: 0 },
  }
  const made = campaignProject({ retry_backoff: { base_seconds: 0.001, factor: 1, max_seconds: 0.001 }, tables: [table] }, place)
  const files = new Landed(made)
  files.land()
  expect((await made.run(['run'])).code).toBe(0)

  const began = Date.now()
  const foreign = deltaRs(made)
  const done = { kills: 0, loads: 0 }
  const isOver = () => {
    const passed = Date.now() - began
    const isSeen = [done.kills, done.loads, foreign.commits()].every((count) => count >= atLeast)
    return passed > LONGEST_MS || (passed > seconds * 1000 && isSeen)
  }
  await Promise.all([...Array.from({ length: processes }, (_, index) => runAndKill(made, index, isOver, done)), files.landUntil(isOver)])
  const { ids: foreignIds, compacts } = await foreign.stop()
  await finish(made)
  const { actions, batches } = await expectWhole(made, files.count, foreignIds)
  // The race was one: kills, batches while delta-rs wrote, compactions by both, and its vacuum.
  const operations = actions.flatMap(({ action }) => String(action['commitInfo']?.['operation'] ?? ''))
  const seen = {
    kills: done.kills,
    batches,
    theirs: foreignIds.length / 2,
    compactions: operations.filter((name) => name === 'OPTIMIZE').length,
    // Each seventh commit of two rows; nothing is old enough, and an empty vacuum leaves no entry.
    vacuums: Math.floor(foreignIds.length / 14),
  }
  process.stdout.write(
    `${made.place.name}: ${JSON.stringify({ seconds: Math.round((Date.now() - began) / 1000), files: files.count, ...seen })}\n`,
  )
  const counted = seconds < 20 ? [seen.kills, seen.batches, seen.theirs] : Object.values(seen)
  expect(counted.filter((count) => count < atLeast)).toEqual([])
  if (process.env['INGEST_TEST_WRITER'] !== undefined) expect(compacts, 'the writer of test/interop/setup compacts').toBe(true)
}

/** Every row of the files and of delta-rs is there once, and every file is completed. */
async function expectWhole(made: PlacedProject, fileCount: number, foreignIds: readonly number[]) {
  const table = await made.table('orders')
  const [rows] = await query(`select count(*) as rows, count(distinct id) as ids, sum(id)::varchar as sum
    from read_parquet(${list(activeFiles(table))}, hive_partitioning = false) where id < ${FOREIGN}`)
  const count = fileCount * ROWS
  expect(rows).toEqual({ rows: String(count), ids: String(count), sum: String((BigInt(count) * BigInt(count - 1)) / 2n) })
  const theirs = await query(`select id from read_parquet(${list(activeFiles(table))}, hive_partitioning = false)
    where id >= ${FOREIGN} order by id`)
  // All that delta-rs was told is committed is there, once.
  expect(theirs.map((row) => Number(row['id']))).toEqual(foreignIds)

  const { actions, batches } = expectSoundLog(table)
  const tracked = await made.json<{ status: string; rows_loaded: number }[]>(['files', '--limit', '1000000'])
  expect(tracked).toHaveLength(fileCount)
  expect(new Set(tracked.map((file) => `${file.status} ${file.rows_loaded}`))).toEqual(new Set([`completed ${ROWS}`]))
  return { actions, batches }
}

/** Landing files whose ids follow each other without a gap. */
class Landed {
  readonly #project: PlacedProject
  count = 0

  constructor(made: PlacedProject) {
    this.#project = made
  }

  land(): void {
    const first = this.count * ROWS
    const rows = Array.from({ length: ROWS }, (_, row) => `${first + row},file ${this.count}`)
    this.#project.write(`landing/orders/part-${String(this.count).padStart(6, '0')}.csv`, `id,name\n${rows.join('\n')}\n`)
    this.count += 1
  }

  async landUntil(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      this.land()
      await this.#project.ready()
      await sleep(100)
    }
  }
}

/** One process after the other, each killed after a while unless it ends before. */
async function runAndKill(
  made: PlacedProject,
  index: number,
  isOver: () => boolean,
  done: { kills: number; loads: number },
): Promise<void> {
  for (let round = index; !isOver(); round += 1) {
    const args = COMMANDS[round % COMMANDS.length] ?? ['run']
    await made.ready()
    const child = made.start(args)
    const ended = finished(child)
    const timer = setTimeout(() => killGroup(child), 500 + Math.random() * 5000)
    const { signal, code, stderr } = await ended
    clearTimeout(timer)
    if (signal === 'SIGKILL') done.kills += 1
    // 1: a table that another process has, or that changed too often; the next run does what is left.
    else if (code !== null && code > 1 && code !== 4) throw new Error(`exit ${code}: ${stderr}`)
    else if (code === 0 && args[0] === 'run') done.loads += 1
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
function deltaRs(made: PlacedProject): { commits(): number; stop(): Promise<Foreign> } {
  const options = JSON.stringify(made.place.tables?.options ?? {})
  const child = spawn(PYTHON, [WRITER, made.tableUrl('orders'), String(FOREIGN), options], { stdio: ['pipe', 'pipe', 'pipe'] })
  let lines = 0
  child.stdout.on('data', (part: Buffer) => {
    lines += part.toString().split('\n').length - 1
  })
  const ended = finished(child)
  return {
    // The first line is none.
    commits: () => lines - 1,
    stop: async () => {
      child.stdin.end()
      const { code, stdout, stderr } = await ended
      const said = stdout.trim().split('\n')
      if (code !== 0 || said.at(-1) !== '"end"')
        throw new Error(`delta-rs (INGEST_TEST_WRITER needs deltalake and pyarrow) ended with ${code}: ${stderr}`)
      const [compacts, ...committed] = said.slice(0, -1).map((line) => JSON.parse(line) as unknown)
      return { ids: (committed as number[][]).flat(), compacts: compacts === true }
    },
  }
}

async function finish(made: PlacedProject): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const { code, stdout, stderr } = await made.run(['run', '--json'])
    const left = await made.json<unknown[]>(['files', '--status', 'pending', '--limit', '1'])
    if (code === 0 && left.length === 0) return
    if (attempt === 9) throw new Error(`the last run ended with ${code}: ${stdout} ${stderr} ${String(readdirSync(made.folder))}`)
  }
}
