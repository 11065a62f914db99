import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { UnavailableError } from '../../../src/errors/errors.ts'
import type { Inspection, LoadJob, LoadWorker } from '../../../src/pipeline/protocol.ts'
import { runTable, type TablePass } from '../../../src/pipeline/run-table.ts'
import { TableTally } from '../../../src/pipeline/tally.ts'
import { openSqliteTracker } from '../../../src/tracker/sqlite.ts'
import type { Tracker } from '../../../src/tracker/tracker.ts'
import {
  ALL,
  completed,
  FakeClock,
  list,
  manifest,
  OPTIONS,
  OTHER,
  OWNER,
  outcome,
  seen,
  statusOf,
  TABLE,
} from '../../contract/tracker.support.ts'
import { tableConfig } from '../../support/table.ts'

const clock = new FakeClock()
let folder: string
let tracker: Tracker
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ingestd-suspects-'))
  tracker = await openSqliteTracker({ file: join(folder, 'metadata.db'), table: 't', trackerOptions: OPTIONS, clock })
})
afterEach(async () => {
  await tracker[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const names = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `/in/${String(from + index).padStart(5, '0')}.csv`)

/** Loads that die when a file of `deadly` is among theirs. */
class Loads {
  readonly jobs: LoadJob[] = []
  readonly deadly: Set<string>
  code: 'ING-ENGINE-CRASH' | 'ING-FILE-TIMEOUT' = 'ING-ENGINE-CRASH'
  /** What the log is found to hold after a death. */
  inspection: Inspection = { exists: true, version: 1n, lastBatch: null, highestManifest: null, batches: [] }

  constructor(deadly: readonly string[]) {
    this.deadly = new Set(deadly)
  }

  get worker(): LoadWorker {
    const inspect = async () => this.inspection
    const worker: Pick<LoadWorker, 'inspect' | 'recover' | 'lookAhead' | 'load'> = {
      inspect,
      recover: inspect,
      lookAhead: async () => {},
      load: async (job) => {
        this.jobs.push(job)
        if (job.batch.files.some(({ path }) => this.deadly.has(path)))
          throw new UnavailableError(this.code, 'the load process died: SIGSEGV')
        this.inspection = { ...this.inspection, lastBatch: job.batch.number }
        return {
          outcome: outcome(
            job.batch,
            9n,
            job.batch.files.map(({ path }) => completed(path)),
          ),
          overtaken: false,
        }
      },
    }
    return worker as LoadWorker
  }

  /** How many files each load had. */
  get sizes(): readonly number[] {
    return this.jobs.map(({ batch }) => batch.files.length)
  }
}

async function run(loads: Loads, paths: readonly string[], given: Partial<TablePass> = {}): Promise<TableTally> {
  const table = tableConfig({ name: TABLE })
  const tally = new TableTally(table, 0)
  const files = paths.map((path) => seen(path))
  await runTable({
    ...{ table, tracker, replaceAll: false, worker: loads.worker, clock, tally },
    owner: { id: OWNER, isAlive: () => false },
    lister: {
      base: '/in',
      pages: async function* () {
        yield { files, waiting: [], problems: [] }
      },
      look: async () => ({ file: undefined, steps: [] }),
    },
    signal: new AbortController().signal,
    isTurnOver: () => false,
    onEvent: () => {},
    contentHash: async () => undefined,
    settle: async () => ({ complete: [], changing: [] }),
    ...given,
  })
  return tally
}

const failures = () => list(tracker, { status: 'failed' })

test('one deadly file of 1,000 is found by halves, and all others load in one pass', async () => {
  const paths = names(1000)
  const loads = new Loads(['/in/00789.csv'])
  const tally = await run(loads, paths)
  const deaths = loads.jobs.filter(({ batch }) => batch.files.some(({ path }) => path === '/in/00789.csv'))
  expect(deaths.length).toBeLessThanOrEqual(11)
  expect((await failures()).map(({ file_path, error_code, status }) => [file_path, error_code, status])).toEqual([
    ['/in/00789.csv', 'ING-FILE-CRASHES', 'failed'],
  ])
  expect(tally.report(0).files).toMatchObject({ loaded: 999, failed: 1 })
})

test('two deadly files do not hide each other', async () => {
  const loads = new Loads(['/in/00003.csv', '/in/00004.csv'])
  await run(loads, names(8))
  expect((await failures()).map(({ file_path }) => file_path)).toEqual(['/in/00003.csv', '/in/00004.csv'])
  expect(loads.sizes).toEqual([8, 4, 2, 2, 1, 1, 4, 2, 1, 1, 2])
})

test('a deadly file is tried alone by later passes, by the backoff, until its attempts are used up; others load beside it', async () => {
  const loads = new Loads(['/in/00001.csv'])
  await run(loads, names(4))
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    clock.ms += 60_000
    loads.jobs.length = 0
    await run(loads, names(2, attempt * 10))
    expect(loads.sizes).toEqual(attempt <= 3 ? [1, 2] : [2])
  }
  expect(await failures()).toMatchObject([{ error_code: 'ING-FILE-CRASHES', retry_count: 3, next_attempt_at: null }])
})

test('new content of a deadly file is an ordinary file again', async () => {
  const loads = new Loads(['/in/00000.csv'])
  await run(loads, names(2))
  loads.deadly.clear()
  loads.jobs.length = 0
  await tracker.admit(TABLE, [seen('/in/00000.csv', { size: 7n })], 'load')
  await run(loads, ['/in/00002.csv'])
  expect(loads.sizes).toEqual([2])
})

test('a load that takes too long is tried by halves, which may be quick enough', async () => {
  const loads = new Loads(['/in/00002.csv'])
  loads.code = 'ING-FILE-TIMEOUT'
  await run(loads, names(4))
  expect(await failures()).toMatchObject([{ file_path: '/in/00002.csv', error_code: 'ING-FILE-TIMEOUT' }])
})

test('processes that die whatever they are given end the pass, and files that were not alone stay pending', async () => {
  const paths = names(500)
  await expect(run(new Loads(paths), paths)).rejects.toMatchObject({ code: 'ING-ENGINE-CRASH' })
  const failed = (await failures()).length
  expect(failed).toBeLessThan(20)
  expect(await tracker.pendingCount(TABLE)).toBe(500 - failed)
  await run(new Loads([]), [])
  expect(await tracker.pendingCount(TABLE)).toBe(0)
})

test('what the log holds by the time that its process is dead is completed, and not divided', async () => {
  const paths = names(2)
  const loads = new Loads(paths)
  const [first] = paths
  const worker: LoadWorker = {
    ...loads.worker,
    load: async ({ batch }) => {
      loads.inspection = { ...loads.inspection, lastBatch: 1n, batches: [{ kind: 'load', manifest: manifest(batch.id, 1n, batch.files) }] }
      throw new UnavailableError('ING-ENGINE-CRASH', 'the load process died')
    },
  }
  const tally = await run(loads, paths, { worker })
  expect(await statusOf(tracker, first ?? '')).toBe('completed')
  expect(tally.report(0)).toMatchObject({ status: 'warn', warnings: [{ code: 'ING-ENGINE-CRASH' }] })
})

test('the batch of a process that was ended is tried as it was once, then by halves; a file alone until its attempts are used up', async () => {
  const paths = names(4)
  await tracker.admit(
    TABLE,
    paths.map((path) => seen(path)),
    'load',
  )
  const claims: (readonly number[])[] = []
  /** A process that claims, and is gone. */
  for (let round = 0; round < 8; round += 1) {
    const batch = await tracker.claim(TABLE, OTHER, ALL)
    claims.push(batch?.files.map(({ path }) => Number(path.slice(4, 9))) ?? [])
    await run(new Loads(paths), [], { isTurnOver: () => true })
  }
  expect(claims).toEqual([[0, 1, 2, 3], [0, 1, 2, 3], [0, 1], [0], [0], [0], [0], [1]])
  expect((await failures()).map(({ file_path, error_code }) => [file_path, error_code])).toEqual([['/in/00000.csv', 'ING-FILE-CRASHES']])
})

test('a batch that this process could not settle is settled by its next pass', async () => {
  await tracker.admit(TABLE, [seen('/in/a.csv')], 'load')
  await tracker.claim(TABLE, OWNER, ALL)
  await run(new Loads([]), [], { owner: { id: OWNER, isAlive: () => true } })
  expect(await statusOf(tracker, '/in/a.csv')).toBe('completed')
})

test('a full drop takes all files together, also those that are tried apart', async () => {
  await run(new Loads(['/in/00001.csv']), names(4))
  await tracker.retry({ tables: [TABLE] })
  const loads = new Loads([])
  await run(loads, names(4), { replaceAll: true })
  expect(loads.sizes).toEqual([4])
})
