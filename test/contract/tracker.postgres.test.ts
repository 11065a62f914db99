import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPostgresTracker, type PostgresTrackerOptions } from '../../src/tracker/postgres.ts'
import type { Tracker } from '../../src/tracker/tracker.ts'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'
import { trackerContract } from './tracker.contract.ts'
import {
  ALL,
  claimAll,
  completed,
  FakeClock,
  type Harness,
  load,
  movesOf,
  OPTIONS,
  OWNER,
  outcome,
  seen,
  statusOf,
  TABLE,
} from './tracker.support.ts'
import { trackerActivityContract } from './tracker-activity.contract.ts'
import { trackerLeasesContract } from './tracker-leases.contract.ts'
import { trackerPauseContract } from './tracker-pause.contract.ts'
import { trackerRecoveryContract } from './tracker-recovery.contract.ts'
import { trackerRestoreContract } from './tracker-restore.contract.ts'

const AWKWARD = 'it\'s a "tracker" as t.x'

let server: PostgresServer
let schemas = 0
beforeAll(async () => {
  server = await startPostgres()
}, 60_000)
afterAll(() => server.stop(), 60_000)

function place(): PostgresTrackerOptions {
  schemas += 1
  return { url: server.url, poolSize: 3, schema: `a "schema" ${schemas}`, table: AWKWARD, trackerOptions: OPTIONS, waitMs: 10_000 }
}

/** Each test has the same tables, emptied: to make them takes longer than the test. */
async function postgresHarness(): Promise<Harness> {
  const at = { ...place(), schema: 'the "contract"' }
  const clock = new FakeClock()
  {
    await using made = await openPostgresTracker(at)
    expect(made.id).not.toBe('')
    await empty(at.schema)
  }
  const opened: Tracker[] = []
  return {
    clock,
    open: async () => {
      const tracker = await openPostgresTracker({ ...at, clock })
      opened.push(tracker)
      return tracker
    },
    close: async () => {
      for (const tracker of opened) await tracker[Symbol.asyncDispose]()
    },
  }
}

async function empty(schema: string): Promise<void> {
  const rows = await server.query(`select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname = '${schema}' and tablename !~ '_(meta|migrations)$'`)
  await server.query(`truncate ${rows.map(({ name }) => String(name)).join(', ')} restart identity`)
}

trackerContract('Postgres', postgresHarness)
trackerLeasesContract('Postgres', postgresHarness)
trackerRecoveryContract('Postgres', postgresHarness)
trackerRestoreContract('Postgres', postgresHarness)
trackerActivityContract('Postgres', postgresHarness)
trackerPauseContract('Postgres', postgresHarness)

describe('a Postgres tracker', () => {
  test('it is made once when several processes open it at the same time, and opened again with its id and its files', async () => {
    const at = place()
    const trackers = await Promise.all(Array.from({ length: 4 }, () => openPostgresTracker(at)))
    const ids = new Set(trackers.map(({ id }) => id))
    expect(ids.size).toBe(1)
    await load(trackers[0] as Tracker, [seen('/in/a.csv')], 0n)
    for (const tracker of trackers) await tracker[Symbol.asyncDispose]()
    await using again = await openPostgresTracker(at)
    expect(ids.has(again.id)).toBe(true)
    expect(await statusOf(again, '/in/a.csv')).toBe('completed')
  })

  test('one of a newer version is refused and left alone, and so is a server that does not let the user in', async () => {
    const at = { ...place(), table: 'files' }
    await (await openPostgresTracker(at))[Symbol.asyncDispose]()
    await server.query(`insert into "${at.schema.replaceAll('"', '""')}".files_migrations values ('9999-future', '2030-01-01')`)
    await expect(openPostgresTracker(at)).rejects.toMatchObject({ code: 'ING-TRACKER-NEWER' })
    const stranger = at.url.replace('postgres@', 'stranger:hunter2@')
    await expect(openPostgresTracker({ ...at, url: stranger })).rejects.toMatchObject({
      code: 'ING-TRACKER-DENIED',
      message: expect.not.stringContaining('hunter2'),
    })
  })

  test('a commit of which only the answer was lost is not done again', async () => {
    await using line = await fragileLine(server.port)
    await using tracker = await openPostgresTracker({ ...place(), url: `postgres://postgres@127.0.0.1:${line.port}/postgres` })
    line.loseNextCommit()
    await tracker.admit(TABLE, [seen('/in/a.csv'), seen('/in/b.csv')], 'load')
    line.loseNextCommit()
    const first = await tracker.claim(TABLE, OWNER, { ...ALL, maxFiles: 1 })
    expect(first?.files.map(({ path }) => path)).toEqual(['/in/a.csv'])
    const second = await claimAll(tracker)
    expect(second.files.map(({ path }) => path)).toEqual(['/in/b.csv'])
    line.loseNextCommit()
    expect(await tracker.settle(TABLE, OWNER, outcome(second, 1n, [completed('/in/b.csv')]))).toBe(true)
    expect(line.lost).toBe(3)
    expect(await movesOf(tracker, '/in/b.csv')).toEqual(['>pending seen', 'pending>processing', 'processing>completed'])
    expect((await tracker.batches(TABLE, 10)).map(({ status }) => status)).toEqual(['committed', 'processing'])
  })

  test('a connection that breaks within a transaction begins it anew, and a server that stays away is told in time', async () => {
    await using line = await fragileLine(server.port)
    const url = `postgres://postgres@127.0.0.1:${line.port}/postgres`
    await using tracker = await openPostgresTracker({ ...place(), url, waitMs: 3000 })
    line.cut()
    expect((await tracker.admit(TABLE, [seen('/in/a.csv')], 'load')).admitted).toBe(1)
    await line.close()
    await expect(tracker.pendingCount(TABLE)).rejects.toMatchObject({ code: 'ING-TRACKER-UNREACHABLE', retry: 'later' })
  })
})

/** A way to the server that breaks when it is told to. */
async function fragileLine(port: number) {
  const sockets = new Set<Socket>()
  let isArmed = false
  let lost = 0
  const proxy = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    let isLost = false
    sockets.add(client)
    client.on('data', (data) => {
      if (isArmed && data.includes('commit')) {
        isArmed = false
        isLost = true
        lost += 1
      }
      upstream.write(data)
    })
    upstream.on('data', (data) => (isLost ? client.destroy() : client.write(data)))
    client.on('close', () => upstream.destroy()).on('error', () => undefined)
    upstream.on('close', () => client.destroy()).on('error', () => undefined)
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  const close = async () => {
    cut()
    await new Promise((resolve) => proxy.close(resolve))
  }
  return {
    port: (proxy.address() as AddressInfo).port,
    get lost() {
      return lost
    },
    loseNextCommit: () => {
      isArmed = true
    },
    cut,
    close,
    [Symbol.asyncDispose]: close,
  }
}
