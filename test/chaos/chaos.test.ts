import { mkdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { expectSoundLog } from '../crash/campaign.ts'
import { list, query } from '../support/engine.ts'
import { activeFiles, type Finished, finished, Project } from '../support/project.ts'
import { childrenOf, fillDisk, lockTracker, signalProcess, smallDisk } from './faults.ts'
import { CONFIG, random, Source, TABLES } from './source.ts'

const SECONDS = Number(process.env['INGEST_TEST_CHAOS_SECONDS'] ?? '600')
const SEED = Number(process.env['INGEST_TEST_SEED'] ?? '7')
const DISK_BYTES = 512 * 1024 ** 2

/** A daemon that is started again whenever it ends, as a service manager does. */
class Service {
  readonly #made: Project
  readonly ends: string[] = []
  #child: ReturnType<Project['start']> | undefined
  #ended: Promise<Finished> | undefined
  #isStopped = false

  constructor(made: Project) {
    this.#made = made
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  start(): void {
    this.#child = this.#made.start(['daemon'])
    this.#ended = finished(this.#child)
    void this.#ended.then(({ code, signal, stderr }) => {
      // Anything but a kill says why.
      this.ends.push(signal ?? `${code} ${stderr.slice(-2000)}`)
      if (!this.#isStopped) setTimeout(() => this.start(), 100)
    })
  }

  async stop(): Promise<Finished | undefined> {
    this.#isStopped = true
    signalProcess(this.pid, 'SIGTERM')
    return this.#ended
  }
}

interface Tracked {
  readonly table_name: string
  readonly file_path: string
  readonly status: string
  readonly error_message: string | null
}

test(
  `files stream in for ${SECONDS} s, processes are killed and disks fill up; in the end every row is there once (seed ${SEED})`,
  async () => {
    const made = new Project(CONFIG)
    onTestFinished(() => made.remove())
    mkdirSync(made.path('tables'))
    const disk = smallDisk(made.path('tables'), DISK_BYTES)
    onTestFinished(() => disk?.[Symbol.dispose]())
    const numbers = random(SEED)
    const source = new Source(made, random(SEED + 1))
    const service = new Service(made)
    const done: Record<string, number> = {}
    const strike = (): [string, () => Promise<void> | void] => {
      const pick = numbers.next().value
      const children = childrenOf(service.pid)
      const child = children[Math.floor(numbers.next().value * children.length)]
      if (pick < 0.25) return ['daemon killed', () => signalProcess(service.pid, 'SIGKILL')]
      if (pick < 0.55 && child !== undefined) return ['load process killed', () => signalProcess(child, 'SIGKILL')]
      if (pick < 0.75) return ['both killed', () => signalProcess(-service.pid, 'SIGKILL')]
      if (pick < 0.82 && disk !== undefined) return ['disk full', () => fillDisk(made.path('tables'), 1500)]
      if (pick < 0.88) return ['tracker locked', () => lockTracker(made, 1500)]
      if (pick < 0.94) return ['run beside', async () => void (await made.run(['run', '--json']))]
      return ['daemon stopped for a while', () => suspend(service.pid)]
    }

    service.start()
    const end = performance.now() + SECONDS * 1000
    const stream = (async () => {
      while (performance.now() < end) {
        await source.land()
        await sleep(50)
      }
    })()
    while (performance.now() < end) {
      // Long enough for some commits, short enough that many are not reached.
      await sleep(500 + numbers.next().value * 4500)
      const [name, act] = strike()
      await act()
      done[name] = (done[name] ?? 0) + 1
    }
    await stream
    source.landBroken()
    await settled(made)
    const stopped = await service.stop()
    // What the run was made of, in the log of the tests.
    process.stdout.write(`${JSON.stringify({ seed: SEED, files: source.files, rows: source.rows, strikes: done, ends: service.ends.length })}
`)
    expect(stopped, service.ends.join('\n')).toMatchObject({ code: 0 })
    // Whatever was done to it, the daemon ended by a kill alone.
    expect(service.ends.slice(0, -1).filter((how) => how !== 'SIGKILL')).toEqual([])

    await expectAccounted(made, source)
    await expectRows(made, source)
    for (const table of TABLES) expectSoundLog(made.path('tables/default', table))
    const verified = await made.run(['verify', '--json'])
    expect(verified.code, verified.stdout).toBe(0)
  },
  (SECONDS + 600) * 1000,
)

async function suspend(pid: number): Promise<void> {
  signalProcess(pid, 'SIGSTOP')
  await sleep(1500)
  signalProcess(pid, 'SIGCONT')
}

/** The daemon comes to an end with what is there by itself. */
async function settled(made: Project): Promise<void> {
  const deadline = performance.now() + 300_000
  for (;;) {
    await sleep(1000)
    const files = await made.json<Tracked[]>(['files', '--limit', '1000000'])
    const open = files.filter(({ status, file_path }) => status !== 'completed' && !file_path.endsWith('broken.parquet'))
    if (open.length === 0 && files.some(({ status, file_path }) => status === 'failed' && file_path.endsWith('broken.parquet'))) return
    if (performance.now() > deadline) throw new Error(`files are left: ${JSON.stringify(open.slice(0, 5))}`)
  }
}

async function expectAccounted(made: Project, source: Source): Promise<void> {
  const files = await made.json<Tracked[]>(['files', '--limit', '1000000'])
  const counts = Object.fromEntries(
    TABLES.map((table) => [
      table,
      files.filter(({ table_name, status }) => table_name === `default.${table}` && status === 'completed').length,
    ]),
  )
  expect(counts).toEqual(source.files)
  expect(files.filter(({ status }) => status !== 'completed').map(({ file_path, status }) => [file_path, status])).toEqual([
    [made.path('landing/points/broken.parquet'), 'failed'],
  ])
}

async function expectRows(made: Project, source: Source): Promise<void> {
  const read = (table: string) => `read_parquet(${list(activeFiles(made.path('tables/default', table)))}, hive_partitioning = false)`
  for (const table of ['orders', 'events', 'points'] as const) {
    const [found] = await query(
      `select count(*)::integer as rows, count(distinct id)::integer as ids, count(distinct _source_file)::integer as files from ${read(table)}`,
    )
    expect({ table, ...found }).toEqual({ table, rows: source.rows[table], ids: source.rows[table], files: source.files[table] })
  }
  const customers = await query(`select id::integer as id, seq::integer as seq from ${read('customers')} order by id`)
  const wanted = [...source.customers].sort(([a], [b]) => a - b).map(([id, seq]) => ({ id, seq }))
  expect(customers).toEqual(wanted)
}
