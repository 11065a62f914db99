import { type SpawnOptions, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { command } from './commands.ts'
import { removeFolder } from './keep.ts'

export const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

export interface Finished {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A folder with a config, a landing area and tables, removed when the test ends. */
export class Project {
  readonly folder: string

  constructor(config: Record<string, unknown>, folder = mkdtempSync(join(tmpdir(), 'ingestd-test-'))) {
    this.folder = folder
    this.configure(config)
  }

  configure(config: Record<string, unknown>): void {
    // JSON is YAML.
    this.write(
      'ingest.yaml',
      // Any port that is free, since daemons of several tests run side by side.
      JSON.stringify({
        raw_data_path: './landing',
        processed_data_path: './tables',
        checkpoint_path: './state',
        http: { port: 0 },
        ...config,
      }),
    )
  }

  path(...parts: readonly string[]): string {
    return join(this.folder, ...parts)
  }

  write(path: string, content: string | Uint8Array): string {
    const full = this.path(path)
    mkdirSync(dirname(full), { recursive: true })
    writeFileSync(full, content)
    return full
  }

  remove(): void {
    removeFolder(this.folder)
  }

  /** Runs the command to its end without a process of its own: what is done before and after what a test is about. */
  command(args: readonly string[]): Promise<Finished> {
    return command(['--config', this.path('ingest.yaml'), ...args])
  }

  /** Runs the command to its end, in a process of its own. */
  run(args: readonly string[], env: Record<string, string> = {}): Promise<Finished> {
    return finished(this.start(args, env))
  }

  /** Starts the command in a process group of its own, as a shell would. */
  start(args: readonly string[], env: Record<string, string> = {}) {
    const options: SpawnOptions = { cwd: this.folder, detached: true, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }
    return spawn(process.execPath, [MAIN, ...args], options)
  }

  /** The document that the command prints. */
  async json<T>(args: readonly string[], env?: Record<string, string>): Promise<T> {
    const { stdout, stderr, code } = await (env === undefined ? this.command([...args, '--json']) : this.run([...args, '--json'], env))
    try {
      return JSON.parse(stdout) as T
    } catch {
      throw new Error(`exit ${code}, no JSON: ${stdout.slice(0, 500)} ${stderr.slice(0, 2000)}`)
    }
  }
}

/** A project that is removed when the running test ends. */
export function project(config: Record<string, unknown>): Project {
  const made = new Project(config)
  onTestFinished(() => made.remove())
  return made
}

export function finished(child: ReturnType<typeof spawn>): Promise<Finished> {
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr })))
}

export interface LogAction {
  readonly version: number
  readonly action: Record<string, Record<string, unknown>>
}

/** Every action of every commit of a table, by a reader of our own that shares no code with the product. */
export function logActions(table: string): readonly LogAction[] {
  const log = join(table, '_delta_log')
  return readdirSync(log)
    .filter((name) => /^\d{20}\.json$/.test(name))
    .sort()
    .flatMap((name) =>
      readFileSync(join(log, name), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => ({ version: Number(name.slice(0, 20)), action: JSON.parse(line) as LogAction['action'] })),
    )
}

/** Absolute paths of the data files of the current version. */
export function activeFiles(table: string): readonly string[] {
  const active = new Set<string>()
  for (const { action } of logActions(table)) {
    if (action['remove']) active.delete(String(action['remove']['path']))
    if (action['add']) active.add(String(action['add']['path']))
  }
  return [...active].map((path) => join(table, decodeURIComponent(path)))
}
