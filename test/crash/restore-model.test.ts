import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { list, query } from '../support/engine.ts'
import type { PlacedProject } from '../support/places.ts'
import { activeFiles, finished, logActions } from '../support/project.ts'
import { campaignProject } from './campaign.ts'

const STEPS = Number(process.env['INGEST_TEST_RESTORES'] ?? '12')
/** Repeatable but for the times of kills: a failure names the seed. */
const SEED = Number(process.env['INGEST_TEST_SEED'] ?? '7')

/** Where a file stands, in the model. */
interface Landed {
  status: 'pending' | 'completed' | 'skipped'
}

interface Version {
  /** Ids of the rows. */
  readonly rows: readonly number[]
}

/**
 * Loads, full drops and restores to any version, some of them killed at any time, against a model of forty lines: a file is a
 * row, and the model knows of each version which rows it has, and of each file whether it is to be loaded.
 */
class Model {
  readonly files = new Map<number, Landed>()
  readonly versions: Version[] = []

  get rows(): readonly number[] {
    return this.versions.at(-1)?.rows ?? []
  }

  land(file: number): void {
    this.files.set(file, { status: 'pending' })
  }

  run(): void {
    const pending = this.#in('pending')
    for (const file of pending) this.#commit([...this.rows, file])
    for (const file of pending) this.files.set(file, { status: 'completed' })
  }

  fullDrop(): void {
    const files = [...this.#in('pending'), ...this.#in('completed')]
    if (files.length > 0) this.#commit(files)
    for (const file of files) this.files.set(file, { status: 'completed' })
  }

  restore(version: number, later: 'pending' | 'skipped'): void {
    if (version === this.versions.length - 1) return
    const before = new Set(this.rows)
    const after = this.versions[version]?.rows ?? []
    this.#commit(after)
    for (const file of before) if (!after.includes(file)) this.files.set(file, { status: later })
    for (const file of after) this.files.set(file, { status: 'completed' })
  }

  states(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.files].map(([file, { status }]) => [`${file}.csv`, status]))
  }

  #in(status: Landed['status']): readonly number[] {
    return [...this.files].filter(([, landed]) => landed.status === status).map(([file]) => file)
  }

  #commit(rows: readonly number[]): void {
    this.versions.push({ rows: [...rows].sort((a, b) => a - b) })
  }
}

function* random(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    yield state / 2 ** 31
  }
}

async function rowsNow(made: PlacedProject): Promise<readonly number[]> {
  const files = activeFiles(await made.table('t'))
  if (files.length === 0) return []
  const rows = await query(`select id from read_parquet(${list(files)}) order by id`)
  return rows.map((row) => Number(row['id']))
}

async function statesOf(made: PlacedProject): Promise<Readonly<Record<string, string>>> {
  const files = await made.json<{ file_path: string; status: string }[]>(['files', '--limit', '10000'])
  return Object.fromEntries(files.map((file) => [file.file_path.slice(file.file_path.lastIndexOf('/') + 1), file.status]))
}

async function lastVersion(made: PlacedProject): Promise<number> {
  return logActions(await made.table('t')).at(-1)?.version ?? -1
}

function newProject(): PlacedProject {
  const table = { table_name: 't', source_path_pattern: '*.csv', max_files_per_batch: 1, watch: { settle_seconds: 0 } }
  return campaignProject({ tables: [{ ...table, delta: { checkpoint_interval: 3 } }] })
}

/** Runs a command that may be killed on its way; true when it was. */
async function killedAfter(made: PlacedProject, args: readonly string[], ms: number | undefined): Promise<boolean> {
  await made.ready()
  const child = made.start(args)
  const ended = finished(child)
  if (ms !== undefined) {
    await sleep(ms)
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It had ended by itself.
    }
  }
  const { signal, code, stderr, stdout } = await ended
  if (signal === null && code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stdout} ${stderr}`)
  return signal === 'SIGKILL'
}

/** Steps against the model, one after the other; what was done is told where the two differ. */
class Campaign {
  readonly made = newProject()
  readonly model = new Model()
  readonly told: string[] = []
  readonly #numbers: Generator<number, never>
  #files = 0

  constructor(seed: number) {
    this.#numbers = random(seed)
  }

  async step(): Promise<void> {
    this.#land(this.#files === 0 ? 2 : this.#below(3))
    const choice = this.#below(12)
    if (choice < 6 && this.model.versions.length > 0) await this.#restore()
    else if (choice < 8) await this.#fullDrop()
    else await this.#command(['run', '--json'], this.#mayKill())
    // Whatever was killed is settled by the next run, which loads what waits.
    await this.#command(['run', '--json'], undefined)
    this.model.run()
  }

  async check(): Promise<void> {
    const told = this.told.join('\n')
    expect(await lastVersion(this.made), told).toBe(this.model.versions.length - 1)
    expect(await rowsNow(this.made), told).toEqual(this.model.rows)
    expect(await statesOf(this.made), told).toEqual(this.model.states())
  }

  #land(count: number): void {
    for (let landed = 0; landed < count; landed += 1) {
      this.made.write(`landing/${this.#files}.csv`, `id\n${this.#files}\n`)
      this.model.land(this.#files)
      this.#files += 1
    }
  }

  async #restore(): Promise<void> {
    const to = this.#below(this.model.versions.length)
    const later = this.#below(2) === 0 ? 'pending' : 'skipped'
    const args = ['restore', 't', '--version', String(to), '--files', later, '--yes', '--json']
    const wasKilled = await this.#command(args, this.#mayKill())
    // A kill leaves all or nothing, and the log tells which.
    if (!wasKilled || (await lastVersion(this.made)) === this.model.versions.length) this.model.restore(to, later)
  }

  async #fullDrop(): Promise<void> {
    await this.#command(['run', '--full-drop', '--yes', '--json'], undefined)
    this.model.fullDrop()
  }

  async #command(args: readonly string[], killMs: number | undefined): Promise<boolean> {
    this.told.push(`${args.join(' ')} ${killMs ?? ''}`)
    return killedAfter(this.made, args, killMs)
  }

  /** After so many milliseconds, in one command of three. */
  #mayKill(): number | undefined {
    return this.#below(3) === 0 ? 300 + this.#below(900) : undefined
  }

  #below(limit: number): number {
    return Math.floor(this.#numbers.next().value * limit)
  }
}

test(`random loads, full drops and restores with kills follow the model (seed ${SEED})`, async () => {
  const campaign = new Campaign(SEED)
  for (let step = 0; step < STEPS; step += 1) {
    await campaign.step()
    await campaign.check()
  }
  // Every version is as the model has it, also those of before restores.
  for (const [version, { rows }] of campaign.model.versions.entries()) {
    const text = 'select list(id order by id) as ids from default.t'
    const [found] = await campaign.made.json<{ ids: (number | string)[] | null }[]>(['query', text, '--at', `t=${version}`])
    expect(found?.ids?.map(Number) ?? [], `version ${version}`).toEqual(rows)
  }
}, 1_200_000)
