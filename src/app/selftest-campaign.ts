import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FAILPOINTS } from '../lib/failpoint.ts'
import type { Guarantee } from './selftest-storage.ts'

/** A project of the test's own, whose table lies in the storage that is tried. */
export interface Campaign {
  /** Local folder of its config, landing files and state. */
  readonly folder: string
  /** The command, as it is started: program and first arguments. */
  readonly program: readonly string[]
  /** Arguments of each command that say which config. */
  readonly config: readonly string[]
  readonly signal: AbortSignal
}

const FILES = 3
const ROWS = 10
const RACES = 3
/** A full drop alone has the other one. */
const KILLS = FAILPOINTS.filter((name) => name !== 'after-reopen')

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Loads by the whole product: at first quietly, then killed at each step, then beside other work on the table. */
export async function campaign(made: Campaign, crash: boolean, told: (one: Guarantee) => Promise<void>): Promise<readonly Guarantee[]> {
  const runner = new Runner(made)
  const guarantees: Guarantee[] = []
  const tell = async (name: string, promise: string, problems: readonly string[]) => {
    const one = { name, holds: problems.length === 0, detail: problems.length === 0 ? promise : problems.slice(0, 3).join('; ') }
    guarantees.push(one)
    await told(one)
  }
  await tell('load', 'files are loaded, each row once, and verify finds no damage', await runner.load())
  if (!crash) return guarantees
  await tell('crash', `a load that is killed at any of ${KILLS.length} steps loses nothing and doubles nothing`, await runner.crash())
  await tell('race', 'loads beside optimize lose nothing and double nothing', await runner.race())
  return guarantees
}

class Runner {
  readonly #made: Campaign
  #files = 0

  constructor(made: Campaign) {
    this.#made = made
  }

  async load(): Promise<readonly string[]> {
    await this.#deliver()
    return [...(await this.#finish('a load')), ...(await this.#problems())]
  }

  async crash(): Promise<readonly string[]> {
    const problems: string[] = []
    for (const name of KILLS) {
      await this.#deliver()
      const { signal } = await this.#ingest(['run'], { INGEST_FAILPOINT: `${name}:1` })
      // A checkpoint is not written by every load.
      if (signal !== 'SIGKILL' && !name.includes('checkpoint')) problems.push(`the load passed ${name} without being killed`)
      problems.push(...(await this.#finish(`the load after a kill at ${name}`)))
    }
    return [...problems, ...(await this.#problems())]
  }

  async race(): Promise<readonly string[]> {
    const problems: string[] = []
    for (let round = 0; round < RACES; round += 1) {
      await this.#deliver()
      // What gives way to the other ends with an error, and is done again.
      await Promise.all([this.#ingest(['run']), this.#ingest(['optimize'])])
      problems.push(...(await this.#finish('a load beside optimize')))
    }
    return [...problems, ...(await this.#problems())]
  }

  async #deliver(): Promise<void> {
    const folder = join(this.#made.folder, 'landing')
    await mkdir(folder, { recursive: true })
    for (let file = 0; file < FILES; file += 1) {
      const rows = Array.from({ length: ROWS }, (_, row) => `${this.#files * ROWS + row},of ${this.#files}`)
      await writeFile(join(folder, `${this.#files}.csv`), `id,text\n${rows.join('\n')}\n`)
      this.#files += 1
    }
  }

  async #finish(what: string): Promise<readonly string[]> {
    for (let attempt = 0; ; attempt += 1) {
      const ended = await this.#ingest(['run'])
      if (ended.code === 0) return []
      if (attempt === 2) return [`${what} failed: ${lastLine(ended)}`]
    }
  }

  /** What is wrong with the rows, or with the table. */
  async #problems(): Promise<readonly string[]> {
    const expected = this.#files * ROWS
    const query =
      'select count(*)::int as "rows", count(distinct id)::int as ids, count(distinct _source_file)::int as files from "default".selftest'
    const queried = await this.#ingest(['query', query, '--json'])
    if (queried.code !== 0) return [`the table cannot be read: ${lastLine(queried)}`]
    const wanted = JSON.stringify([{ rows: expected, ids: expected, files: this.#files }])
    const found = JSON.stringify(JSON.parse(queried.stdout))
    const verified = await this.#ingest(['verify'])
    return [
      ...(found === wanted ? [] : [`the table holds ${found}, not ${wanted}`]),
      ...(verified.code === 0 ? [] : [`verify finds damage: ${lastLine(verified)}`]),
    ]
  }

  /** In a process group of its own, which is what a kill ends. */
  async #ingest(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const { folder, program, config, signal } = this.#made
    signal.throwIfAborted()
    const [command = '', ...first] = program
    const child = spawn(command, [...first, ...args, ...config], {
      cwd: folder,
      detached: true,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text
      })
    const [code, ended] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
    return { code, signal: ended, ...output }
  }
}

function lastLine({ stdout, stderr, code, signal }: Ended): string {
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => /error|DAMAGE|FAILED|ING-/.test(line))
  return `${signal ?? `exit ${code}`} ${lines.at(0)?.trim() ?? ''}`
}
