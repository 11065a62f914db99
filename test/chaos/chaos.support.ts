import { mkdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'
import { campaignProject, expectSoundLog } from '../crash/campaign.ts'
import { list, query } from '../support/engine.ts'
import type { Place, PlacedProject } from '../support/places.ts'
import { activeFiles, type Finished, finished } from '../support/project.ts'
import { childrenOf, fillDisk, lockTracker, signalProcess, smallDisk } from './faults.ts'
import { CONFIG, random, Source, TABLES } from './source.ts'

const DISK_BYTES = 512 * 1024 ** 2

export interface Chaos {
  readonly seconds: number
  readonly seed: number
  readonly place?: Place
  /** What else may strike: its name, and how. */
  readonly strikes?: readonly (readonly [string, () => Promise<void>])[]
}

type Strike = readonly [string, () => Promise<void> | void]

/** A daemon that is started again whenever it ends, as a service manager does. */
class Service {
  readonly #made: PlacedProject
  readonly ends: string[] = []
  #child: ReturnType<PlacedProject['start']> | undefined
  #ended: Promise<Finished> | undefined
  #isStopped = false

  constructor(made: PlacedProject) {
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

/** Files stream in, processes are killed and places fail; in the end every row is there once. */
export async function chaos({ seconds, seed, place, strikes = [] }: Chaos): Promise<void> {
  const made = campaignProject(CONFIG, place)
  if (made.place.source !== null) made.configure(listedOften())
  mkdirSync(made.path('tables'))
  const disk = made.place.tables === null ? smallDisk(made.path('tables'), DISK_BYTES) : undefined
  onTestFinished(() => disk?.[Symbol.dispose]())
  const numbers = random(seed)
  const source = new Source(made, random(seed + 1))
  const service = new Service(made)
  const done: Record<string, number> = {}
  await made.ready()
  service.start()
  const end = performance.now() + seconds * 1000
  const stream = (async () => {
    while (performance.now() < end) {
      await source.land()
      await sleep(50)
    }
  })()
  while (performance.now() < end) {
    // Long enough for some commits, short enough that many are not reached.
    await sleep(500 + numbers.next().value * 4500)
    const [name, act] = strike({ made, service, numbers, hasDisk: disk !== undefined, others: strikes })
    await act()
    done[name] = (done[name] ?? 0) + 1
  }
  await stream
  await source.landBroken()
  await settled(made, source)
  const stopped = await service.stop()
  // What the run was made of, in the log of the tests.
  const told = { place: made.place.name, seed, files: source.files, rows: source.rows, strikes: done, ends: service.ends.length }
  process.stdout.write(`${JSON.stringify(told)}\n`)
  expect(stopped, service.ends.join('\n')).toMatchObject({ code: 0 })
  // Whatever was done to it, the daemon ended by a kill alone, or could not start while the tracker's server was away.
  const isAllowed = (how: string) => how === 'SIGKILL' || (made.place.tracker !== null && how.includes('ING-TRACKER-UNREACHABLE'))
  expect(service.ends.slice(0, -1).filter((how) => !isAllowed(how))).toEqual([])

  await expectAccounted(made, source)
  await expectRows(made, source)
  for (const table of TABLES) expectSoundLog(await made.table(table))
  const verified = await made.run(['verify', '--json'])
  expect(verified.code, verified.stdout).toBe(0)
}

function listedOften() {
  return { ...CONFIG, tables: CONFIG.tables.map((table) => ({ ...table, watch: { ...table.watch, poll_interval_seconds: 1 } })) }
}

interface Target {
  readonly made: PlacedProject
  readonly service: Service
  readonly numbers: Generator<number, never>
  readonly hasDisk: boolean
  readonly others: Chaos['strikes']
}

function strike({ made, service, numbers, hasDisk, others = [] }: Target): Strike {
  const pick = numbers.next().value
  const children = childrenOf(service.pid)
  const child = children[Math.floor(numbers.next().value * children.length)]
  if (pick < 0.25) return ['daemon killed', () => signalProcess(service.pid, 'SIGKILL')]
  if (pick < 0.5 && child !== undefined) return ['load process killed', () => signalProcess(child, 'SIGKILL')]
  if (pick < 0.65) return ['both killed', () => signalProcess(-service.pid, 'SIGKILL')]
  const other = others[Math.floor(numbers.next().value * others.length)]
  if (pick < 0.88 && other !== undefined) return other
  if (pick < 0.8 && hasDisk) return ['disk full', () => fillDisk(made.path('tables'), 1500)]
  if (pick < 0.88 && made.place.tracker === null) return ['tracker locked', () => lockTracker(made, 1500)]
  if (pick < 0.94) return ['run beside', async () => void (await made.run(['run', '--json']))]
  return ['daemon stopped for a while', () => suspend(service.pid)]
}

async function suspend(pid: number): Promise<void> {
  signalProcess(pid, 'SIGSTOP')
  await sleep(1500)
  signalProcess(pid, 'SIGCONT')
}

/** The daemon comes to an end with what is there by itself. */
async function settled(made: PlacedProject, source: Source): Promise<void> {
  // With the broken one.
  const all = 1 + Object.values(source.files).reduce((sum, count) => sum + count, 0)
  const deadline = performance.now() + 300_000
  for (;;) {
    await sleep(1000)
    const files = await made.json<Tracked[]>(['files', '--limit', '1000000'])
    const open = files.filter(({ status, file_path }) => status !== 'completed' && !file_path.endsWith('broken.parquet'))
    if (
      files.length === all &&
      open.length === 0 &&
      files.some(({ status, file_path }) => status === 'failed' && file_path.endsWith('broken.parquet'))
    )
      return
    if (performance.now() > deadline) throw new Error(`files are left: ${JSON.stringify(open.slice(0, 5))}`)
  }
}

async function expectAccounted(made: PlacedProject, source: Source): Promise<void> {
  const files = await made.json<Tracked[]>(['files', '--limit', '1000000'])
  const counts = Object.fromEntries(
    TABLES.map((table) => [
      table,
      files.filter(({ table_name, status }) => table_name === `default.${table}` && status === 'completed').length,
    ]),
  )
  expect(counts).toEqual(source.files)
  expect(files.filter(({ status }) => status !== 'completed').map(({ file_path, status }) => [file_path, status])).toEqual([
    [expect.stringMatching(/\/points\/broken[.]parquet$/), 'failed'],
  ])
}

async function expectRows(made: PlacedProject, source: Source): Promise<void> {
  const read = async (table: string) => `read_parquet(${list(activeFiles(await made.table(table)))}, hive_partitioning = false)`
  for (const table of ['orders', 'events', 'points'] as const) {
    const [found] = await query(
      `select count(*)::integer as rows, count(distinct id)::integer as ids, count(distinct _source_file)::integer as files from ${await read(table)}`,
    )
    expect({ table, ...found }).toEqual({ table, rows: source.rows[table], ids: source.rows[table], files: source.files[table] })
  }
  const customers = await query(`select id::integer as id, seq::integer as seq from ${await read('customers')} order by id`)
  const wanted = [...source.customers].sort(([a], [b]) => a - b).map(([id, seq]) => ({ id, seq }))
  expect(customers).toEqual(wanted)
}
