import { mkdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../support/daemon.ts'
import { started } from '../support/daemon-process.ts'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'
import { type Project, project } from '../support/project.ts'

const PASSWORD = 'pl4nted-tracker'

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

/** A project whose tracker is in a database of its own. */
async function shared(more: Record<string, unknown> = {}): Promise<Project & { readonly url: string }> {
  const database = `d${Math.random().toString(36).slice(2, 10)}`
  await server.query(`create database ${database}`)
  const url = `postgres://postgres:${PASSWORD}@127.0.0.1:${server.port}/${database}`
  const config = {
    tracker_url: url,
    tables: [{ table_name: 't', source_path_pattern: '*.csv', watch: { settle_seconds: 0 } }],
    ...more,
  }
  const place = project(config)
  mkdirSync(place.path('landing'))
  return Object.assign(place, { url, config })
}

const counts = async (place: Project) => (await place.json<{ tables: { files: Record<string, number> }[] }>(['status'])).tables[0]?.files

test('a run loads each file once; what only looks makes nothing, and no output has the password', async () => {
  const place = await shared()
  place.write('landing/a.csv', 'id\n1\n2\n')
  const outputs: string[] = []
  const ran = async (...args: string[]) => {
    const { code, stdout, stderr } = await place.run(args)
    outputs.push(stdout, stderr)
    return code
  }
  expect(await ran('run', '--dry-run')).toBe(0)
  expect(await ran('status', '--json')).toBe(0)
  expect(await server.query(`select 1 from pg_database where datname = '${new URL(place.url).pathname.slice(1)}'`)).toHaveLength(1)
  expect(await ran('run')).toBe(0)
  expect(await ran('run')).toBe(0)
  expect(await counts(place)).toMatchObject({ completed: 1, pending: 0 })
  place.write('landing/b.csv', 'id\n3\n')
  expect(await ran('run', '--dry-run', '--json')).toBe(0)
  expect(await counts(place)).toMatchObject({ completed: 1, pending: 0 })
  expect(await ran('run', '--json')).toBe(0)
  for (const args of [
    ['check', '--json'],
    ['verify'],
    ['files', '--json'],
    ['tracker', 'prune', '--older-than', '1'],
    ['explain', 'a.csv'],
  ])
    expect([args[0], await ran(...args)]).toEqual([args[0], 0])
  expect(await ran('tracker', 'backup', place.path('copy.db'))).toBe(0)
  expect(await ran('tracker', 'rebuild', '--force')).toBe(0)
  expect(await counts(place)).toMatchObject({ completed: 2, pending: 0 })
  expect(await ran('run')).toBe(0)
  expect(await ran('verify')).toBe(0)
  expect(outputs.join('')).not.toContain(PASSWORD)
})

test('a tracker goes from a file to Postgres and back, with its uuid and its history; a target with files is refused', async () => {
  const place = await shared()
  const { url } = place
  const tables = [{ table_name: 't', source_path_pattern: '*.csv', watch: { settle_seconds: 0 } }]
  place.configure({ tables })
  place.write('landing/a.csv', 'id\n1\n')
  place.write('landing/bad.csv', 'id,x\n1\n')
  await place.run(['run'])
  const before = await place.json<{ files: unknown[] }>(['files'])
  const there = await place.json<{ tracker: string; files: number }>(['tracker', 'copy', '--to', url])
  expect(there).toMatchObject({ from: place.path('state/metadata.db'), to: expect.not.stringContaining(PASSWORD), files: 2 })
  place.configure({ tracker_url: url, tables })
  expect(await place.json(['files'])).toEqual(before)
  place.write('landing/b.csv', 'id\n2\n')
  await place.run(['run'])
  const refused = await place.run(['tracker', 'copy', '--from', place.path('state/metadata.db'), '--to', url])
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('holds files') })
  const back = await place.json<{ tracker: string; files: number }>(['tracker', 'copy', '--to', place.path('state/back.db')])
  expect(back).toMatchObject({ tracker: there.tracker, files: 3 })
  place.configure({ file_tracker_database: 'back', tables })
  expect(await counts(place)).toMatchObject({ completed: 2, failed: 1 })
  place.write('landing/c.csv', 'id\n3\n')
  await place.run(['run'])
  expect((await place.run(['verify'])).code).toBe(0)
  expect(await counts(place)).toMatchObject({ completed: 3, failed: 1 })
})

test.each([
  ['a port where nothing listens', { port: '9' }, 'ING-TRACKER-UNREACHABLE', 'host and port'],
  ['a database that is not there', { pathname: '/nowhere' }, 'ING-TRACKER-DENIED', 'create the database'],
  ['a user that is not there', { username: 'nobody' }, 'ING-TRACKER-DENIED', 'user, password and sslmode'],
  ['TLS that the server has not', { search: '?sslmode=require' }, 'ING-TRACKER-DENIED', 'leave sslmode out'],
])('%s is told with what to do about it', async (_, change, code, hint) => {
  const place = await shared()
  place.configure({
    tracker_url: Object.assign(new URL(place.url), change).href,
    tables: [{ table_name: 't', source_path_pattern: '*.csv' }],
  })
  const { code: exit, stdout, stderr } = await place.run(['run', '--json'])
  expect(exit).toBe(4)
  expect(stdout + stderr).toContain(code)
  expect(stdout + stderr).not.toContain(PASSWORD)
  const { checks } = await place.json<{ checks: { check: string; ok: boolean; hint: string | null }[] }>(['check'])
  expect(checks.find(({ check }) => check === 'tracker')).toMatchObject({ ok: false, hint: expect.stringContaining(hint) })
})

test('a server without a connection to spare is told as such, and waited for', async () => {
  await using small = Object.assign(await startPostgres(['max_connections=6']), {
    [Symbol.asyncDispose]() {
      return small.stop()
    },
  })
  const place = project({
    tracker_url: small.url,
    tables: [{ table_name: 't', source_path_pattern: '*.csv', watch: { settle_seconds: 0 } }],
  })
  place.write('landing/a.csv', 'id\n1\n')
  const held = await Promise.all(
    Array.from({ length: 6 }, async () => {
      const client = new pg.Client({ connectionString: small.url })
      await client.connect().catch(() => undefined)
      return client
    }),
  )
  const { code, stdout } = await place.run(['run', '--json'])
  expect([code, stdout]).toEqual([4, expect.stringContaining('raise max_connections of the server, or lower tracker_pool_size')])
  const waiting = place.run(['run'])
  await Promise.all(held.map((client) => client.end()))
  expect((await waiting).code).toBe(0)
})

/** Every clock of the process is so many milliseconds off. */
const off = (ms: number) => ({
  NODE_OPTIONS: `--import=data:text/javascript,const%20now=Date.now;Date.now=()=>now()${ms < 0 ? '' : '%2B'}${ms}`,
})

test('leases, heartbeats and what status says go by the clock of the server, whatever that of a machine says', async () => {
  const hour = 3_600_000
  const place = await shared()
  place.write('landing/a.csv', 'id\n1\n')
  expect((await place.run(['run'], off(-hour))).code).toBe(0)
  const within = async (text: string) => {
    const client = new pg.Client({ connectionString: place.url })
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(text)).rows
    } finally {
      await client.end()
    }
  }
  const server = `cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`
  const [row] = await within(`select max(abs(updated_at - ${server}))::int as late from metadata.file_processing_tracker`)
  expect(row?.['late']).toBeLessThan(hour / 2)

  const columns = `owner, pid, started_at, heartbeat_at, version, host, http, state`
  await within(`insert into metadata.file_processing_tracker_daemons (${columns})
    values ('elsewhere:1:x', 1, ${server}, ${server}, '1', 'elsewhere', null, 'running')`)
  await within(`update metadata.file_processing_tracker_tables set lock_owner = 'elsewhere:1:x', lock_expires_at = ${server} + ${hour / 2}`)
  place.write('landing/b.csv', 'id\n2\n')
  for (const clock of [off(hour), off(-hour)]) {
    const { stdout } = await place.run(['status', '--json'], clock)
    expect((JSON.parse(stdout) as { daemons: unknown[] }).daemons).toHaveLength(1)
  }
  const early = await place.run(['run', '--json'], off(hour))
  expect(early.stdout).toMatch(/"status": ?"skip"/)
  await within(`update metadata.file_processing_tracker_tables set lock_expires_at = ${server} - 1000`)
  const late = await place.run(['run', '--json'], off(-hour))
  expect(late.stdout).toMatch(/"loaded": ?1\b/)
})

test('a daemon outlives a server that goes and comes back; it is not ready meanwhile, and nothing is lost or doubled', async () => {
  const place = await shared()
  const daemon = started(place)
  await daemon.logged('daemon started')
  const http = await eventually(
    async () => /"url":"(http:[^"]+)"/.exec(daemon.text())?.[1],
    (found) => found !== undefined,
  )
  const ready = async () => (await fetch(`${http}/readyz`)).status
  await eventually(ready, (status) => status === 200, 60_000)
  for (let file = 0; file < 40; file += 1) {
    place.write(`landing/${file}.csv`, `id\n${file}\n`)
    if (file === 10) await server.restart('immediate')
    if (file === 20) await server.halt('fast')
    if (file === 25) {
      await sleep(3000)
      expect(await ready()).toBe(503)
      await server.start()
    }
    await sleep(20)
  }
  await eventually(
    async () => (await counts(place))?.['completed'],
    (done) => done === 40,
    120_000,
  )
  await eventually(ready, (status) => status === 200, 60_000)
  daemon.kill('SIGTERM')
  expect((await daemon.ended)[0]).toBe(0)
  expect((await place.run(['verify'])).code).toBe(0)
  const { stdout } = await place.run(['query', 'select count(*) n, count(distinct id) d from default.t', '--format', 'csv'])
  expect(stdout).toBe('n,d\n40,40\n')
})
