import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { FileSeen } from '../../../src/model/file.ts'
import { givenUp } from '../../../src/pipeline/outcome.ts'
import type { CommittedBatch, Inspection, LoadJob, LoadResult, LoadWorker } from '../../../src/pipeline/protocol.ts'
import { FULL_DROP } from '../../../src/pipeline/recover.ts'
import { runTable, type TablePass } from '../../../src/pipeline/run-table.ts'
import { TableTally } from '../../../src/pipeline/tally.ts'
import { openSqliteTracker } from '../../../src/tracker/sqlite.ts'
import type { Tracker } from '../../../src/tracker/tracker.ts'
import { completed, FakeClock, load, manifest, OPTIONS, OWNER, outcome, seen, statusOf, TABLE } from '../../contract/tracker.support.ts'
import { tableConfig } from '../../support/table.ts'

const A = seen('/in/a.csv')
const B = seen('/in/b.csv')
const C = seen('/in/c.csv')

let folder: string
let tracker: Tracker
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ingestd-drop-'))
  tracker = await openSqliteTracker({ file: join(folder, 'metadata.db'), table: 't', trackerOptions: OPTIONS, clock: new FakeClock() })
})
afterEach(async () => {
  await tracker[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

/** A log, and what happens to each load in turn; without a word it is committed. */
class Log {
  readonly jobs: LoadJob[] = []
  batches: readonly CommittedBatch[] = []
  lastBatch: bigint | null = null
  readonly #next: ((job: LoadJob) => Promise<LoadResult>)[]

  constructor(...next: ((job: LoadJob) => Promise<LoadResult>)[]) {
    this.#next = next
  }

  holds(batch: bigint, files: readonly FileSeen[], replacesAll: boolean): void {
    this.batches = [{ kind: 'load', manifest: { ...manifest(`batch-${batch}`, batch, files), ...(replacesAll ? { replacesAll } : {}) } }]
    this.lastBatch = batch
  }

  worker(): LoadWorker {
    const inspect = async (_table: unknown, _tracker: unknown, known: bigint | null): Promise<Inspection> => ({
      ...{ exists: true, version: 1n, lastBatch: this.lastBatch, highestManifest: this.lastBatch },
      batches: this.batches.filter(({ manifest: { batch } }) => known === null || batch > known),
    })
    const worker: Pick<LoadWorker, 'inspect' | 'recover' | 'lookAhead' | 'load'> = {
      inspect,
      recover: inspect,
      lookAhead: async () => {},
      load: async (job) => {
        this.jobs.push(job)
        const files = job.batch.files.map(({ path }) => completed(path))
        return (await this.#next.shift()?.(job)) ?? { outcome: outcome(job.batch, 9n, files), overtaken: false }
      },
    }
    return worker as LoadWorker
  }

  /** What each load was of. */
  get loads(): readonly string[] {
    return this.jobs.map(({ batch, replaceAll }) => `${batch.files.map(({ path }) => path)}${replaceAll ? ' in place of all' : ''}`)
  }
}

async function run(log: Log, files: readonly FileSeen[], replaceAll = false): Promise<void> {
  const table = tableConfig({ name: TABLE })
  const isBegun = (await tracker.recall(TABLE, FULL_DROP)) === 'begun'
  const pass: TablePass = {
    ...{ table, tracker, replaceAll, worker: log.worker(), clock: new FakeClock() },
    owner: { id: OWNER, isAlive: () => false },
    lister: {
      base: '/in',
      pages: async function* (_, known) {
        // What a full drop did not see it takes for gone.
        if (replaceAll || isBegun) expect(known).toBeUndefined()
        yield { files, waiting: [], problems: [] }
      },
      look: async () => ({ file: undefined, steps: [] }),
    },
    tally: new TableTally(table, 0),
    signal: new AbortController().signal,
    isTurnOver: () => false,
    onEvent: () => {},
    contentHash: async () => undefined,
    settle: async () => ({ complete: [], changing: [] }),
  }
  await runTable(pass)
}

test('a full drop that the log holds is done: files that left the source since keep their rows', async () => {
  await load(tracker, [A, B], 0n)
  await tracker.remember(TABLE, FULL_DROP, 'begun')
  await tracker.replay(TABLE, null, 'full drop')
  const log = new Log()
  log.holds(2n, [A, B], true)
  await run(log, [B, C])
  expect(log.loads).toEqual(['/in/c.csv'])
  expect(await tracker.recall(TABLE, FULL_DROP)).toBe('done')
  expect(await statusOf(tracker, A.path)).toBe('completed')
})

test('a full drop that did not reach its commit is finished', async () => {
  await load(tracker, [A, B], 0n)
  await tracker.remember(TABLE, FULL_DROP, 'begun')
  await run(new Log(), [A, B])
  expect(await tracker.recall(TABLE, FULL_DROP)).toBe('done')
})

test('what another process loads while a full drop is under way is loaded again by it', async () => {
  await load(tracker, [A, B], 0n)
  const log = new Log(async ({ batch }) => {
    log.holds(batch.number + 1n, [A], false)
    return givenUp(batch, 'another process was first')
  })
  await run(log, [A, B], true)
  expect(log.loads).toEqual(['/in/a.csv,/in/b.csv in place of all', '/in/a.csv,/in/b.csv in place of all'])
})

test('a tracker of before a full drop learns that it took the rows of other files', async () => {
  await load(tracker, [A, B], 0n)
  const log = new Log()
  log.holds(2n, [A], true)
  await run(log, [A, B])
  expect(log.loads).toEqual(['/in/b.csv'])
})
