import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPostgresTracker, type PostgresTrackerOptions } from '../../src/tracker/postgres.ts'
import type { Tracker } from '../../src/tracker/tracker.ts'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'
import { trackerContract } from './tracker.contract.ts'
import { FakeClock, type Harness, load, OPTIONS, seen, statusOf } from './tracker.support.ts'
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
})
