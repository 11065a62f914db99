import { randomUUID } from 'node:crypto'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { localBlobs } from '../../../src/blobs/local.ts'
import { type CommitIo, commitBatch } from '../../../src/delta/commit.ts'
import type { Scope } from '../../../src/delta/conflict.ts'
import { UncertainCommitError } from '../../../src/delta/log-entry.ts'
import { removedFiles } from '../../../src/delta/removal.ts'
import { TableLog } from '../../../src/delta/table-log.ts'
import type { Session } from '../../../src/engine/engine.ts'
import { UnavailableError } from '../../../src/errors/errors.ts'
import { session as openSession } from '../../support/session.ts'
import { checkLog, type Entry, entriesOf, recordOf, strays } from './model-log.ts'
import { type Fault, stepping } from './model-storage.ts'
import { everySchedule } from './schedules.ts'
import { type Action, add, metaData, PROTOCOL, remove, writeCommit } from './support.ts'

/*
 * The commit protocol in the small: real commits into real folders, with a scheduler that decides before each look at the
 * log, and before each put, who goes on. Every order is tried, with each of the faults at each of the steps.
 */

interface Writer {
  readonly name: string
  readonly appId: string
  readonly batch: bigint
  /** What it loads: no two commits may have the same. */
  readonly load: string
  readonly overwrites?: boolean
}

const LEASE = 'ingestd/tracker/db.t'
const FIRST: Writer = { name: 'first', appId: LEASE, batch: 1n, load: 'orders.csv' }
/** The successor of a writer that was thought dead has the same files under a higher number. */
const SUCCESSOR: Writer = { name: 'successor', appId: LEASE, batch: 2n, load: 'orders.csv' }
const OTHER: Writer = { name: 'other', appId: 'another application', batch: 1n, load: 'other.csv' }

let session: Session
let template: string
beforeEach(async () => {
  session = await openSession()
  template = mkdtempSync(join(tmpdir(), 'ingestd-model-'))
  onTestFinished(() => rmSync(template, { recursive: true, force: true }))
  writeCommit(template, 0, [PROTOCOL, metaData(), add('old.parquet', { size: 10 })])
})

/** A table of its own for one schedule. */
async function inFolder(check: (root: string) => Promise<void>): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'ingestd-model-'))
  try {
    cpSync(template, root, { recursive: true })
    await check(root)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

type Ending = 'committed' | 'alreadyCommitted' | 'overtaken' | 'conflict' | 'failed' | 'uncertain'

const io: CommitIo = {
  newId: randomUUID,
  random: () => 0,
  sleep: async () => undefined,
  clock: { now: () => 1_700_000_000_000 },
  engineInfo: 'ingestd/0.0.0-test',
  warn: () => undefined,
}

/** One writer from its first look at the table to its end; a loser takes its file away again. */
async function write(log: TableLog, writer: Writer, attempt: string): Promise<Ending> {
  const path = `${writer.name}-${attempt}.parquet`
  const scope: Scope = { kind: writer.overwrites ? 'everything' : 'nothing' }
  const { appId, batch } = writer
  const batchId = `${writer.name}`
  const blobs = localBlobs(log.blobs.root)
  try {
    const result = await commitBatch(
      log,
      {
        batch: { appId, batch, batchId },
        intent: { reads: scope, removes: scope, changesRows: true, changesMetadata: false, changesProtocol: false, partitionColumns: [] },
        contentOn: async (_state, { timestampMs: nowMs }) => {
          const files = await log.snapshot?.files()
          const removed = files === undefined ? undefined : await removedFiles(files, scope, [], { session: log.session, nowMs })
          return {
            operation: { name: 'WRITE', parameters: { load: writer.load }, metrics: {}, isBlindAppend: writer.overwrites !== true },
            batch: { appId, batch, batchId, files: 1 },
            txn: { appId, version: batch, lastUpdated: 1n },
            adds: [{ path, partitionValues: {}, size: 10n, modificationTime: 1, stats: '{"numRecords":1}', tags: undefined }],
            lines: removed?.lines ?? [],
          }
        },
        publish: () => blobs.put(path, new Uint8Array(10)),
        wasLoadedBefore: async () => false,
      },
      io,
    )
    if (result.kind !== 'committed') await blobs.remove(path)
    return result.kind
  } catch (error) {
    if (error instanceof UncertainCommitError) return 'uncertain'
    if (!(error instanceof UnavailableError)) throw error
    await blobs.remove(path)
    return 'failed'
  }
}

/** A commit that another tool makes at some moment. */
interface Foreign {
  readonly name: string
  readonly lines: readonly Action[]
}

interface Case {
  /** Of the first writer. */
  readonly fault?: Fault
  readonly foreign?: Foreign
  readonly check: (after: { endings: ReadonlyMap<string, Ending>; entries: readonly Entry[]; root: string }) => Promise<void> | void
}

/** Runs the writers in every order; all have opened the table at the same version. The number of orders. */
async function explore(writers: readonly Writer[], { fault = { kind: 'none' }, foreign, check }: Case): Promise<number> {
  return everySchedule((schedule) =>
    inFolder(async (root) => {
      const endings = new Map<string, Ending>()
      const actors: Record<string, () => Promise<void>> = {}
      for (const [index, writer] of writers.entries()) {
        const { blobs, begin } = stepping(root, writer.name, schedule, index === 0 ? fault : { kind: 'none' })
        const log = await TableLog.open('db.t', blobs, session)
        begin()
        actors[writer.name] = async () => {
          endings.set(writer.name, await write(log, writer, 'a'))
          await log.close()
        }
      }
      if (foreign) {
        actors[foreign.name] = async () => {
          await schedule.step(foreign.name)
          const entries = entriesOf(root)
          const gone = new Set(entries.flatMap(({ removes }) => removes))
          // Another tool looks for conflicts of its own.
          if (!foreign.lines.some((line) => gone.has(String(recordOf(line['remove'])['path']))))
            writeCommit(root, entries.length, foreign.lines)
        }
      }
      await schedule.run(actors)
      await check({ endings, entries: checkLog(root), root })
    }),
  )
}

/** The run after: a writer that opens the table anew with the same batch, as recovery does, or a higher number. */
async function again(root: string, writer: Writer): Promise<Ending> {
  const log = await TableLog.open('db.t', localBlobs(root), session)
  try {
    return await write(log, writer, 'again')
  } finally {
    await log.close()
  }
}

const APPEND: Foreign = {
  name: 'spark',
  lines: [{ commitInfo: { operation: 'WRITE', isBlindAppend: true } }, add('spark.parquet', { size: 1 })],
}
const DELETE: Foreign = { name: 'spark', lines: [{ commitInfo: { operation: 'DELETE' } }, remove('old.parquet', { size: 10 })] }
const PROPERTY: Foreign = {
  name: 'spark',
  lines: [{ commitInfo: { operation: 'SET TBLPROPERTIES' } }, metaData({ configuration: { a: 'b' } })],
}

const DEATHS = [1, 2, 3, 4].flatMap((step) => (['before', 'after'] as const).map((when): Fault => ({ kind: 'death', step, when })))
const FAULTS: readonly Fault[] = [{ kind: 'none' }, { kind: 'lost' }, { kind: 'exists' }, { kind: 'dark' }, ...DEATHS]

test.each(FAULTS)(
  'a writer and its successor load the same files once (%o)',
  async (fault) => {
    const orders = await explore([FIRST, SUCCESSOR], {
      fault,
      check: async ({ endings, entries, root }) => {
        const loaded = () => entriesOf(root).filter(({ load }) => load === FIRST.load)
        // A dead writer may have been the only one that the other found in the log.
        expect(loaded()).toHaveLength(1)
        if (fault.kind === 'none' || fault.kind === 'lost' || fault.kind === 'exists') {
          expect([...endings.values()].sort()).toEqual(['committed', 'overtaken'])
          expect(strays(root, entries)).toEqual([])
        }
        // Whoever lost its answer asks again, and is told.
        const isFirst = entries.find(({ load }) => load === FIRST.load)?.txn === `${LEASE} 1`
        expect(await again(root, isFirst ? FIRST : SUCCESSOR)).toBe('alreadyCommitted')
        // A number that was left behind is never taken up again.
        if (!isFirst) expect(await again(root, FIRST)).toBe('overtaken')
        expect(loaded()).toHaveLength(1)
        checkLog(root)
      },
    })
    expect(orders).toBeGreaterThan(2)
  },
  120_000,
)

test.each(FAULTS)(
  'two applications append beside each other, and both arrive once (%o)',
  async (fault) => {
    await explore([FIRST, OTHER], {
      fault,
      check: async ({ endings, root }) => {
        expect(endings.get('other')).toBe('committed')
        const ending = await again(root, FIRST)
        expect(ending).toMatch(endings.get('first') === 'committed' ? /^alreadyCommitted$/ : /^(c|alreadyC)ommitted$/)
        const loads = checkLog(root).flatMap(({ load }) => load ?? [])
        expect(loads.sort()).toEqual(['orders.csv', 'other.csv'])
      },
    })
  },
  120_000,
)

test('an append goes on top of what another tool appends or deletes, in every order', async () => {
  for (const foreign of [APPEND, DELETE]) {
    await explore([FIRST], {
      fault: { kind: 'lost' },
      foreign,
      check: ({ endings, entries }) => {
        expect(endings.get('first')).toBe('committed')
        expect(entries).toHaveLength(3)
      },
    })
  }
}, 120_000)

test('an overwrite replaces exactly what it has seen: whatever came between is a conflict', async () => {
  const overwrite = { ...FIRST, overwrites: true }
  for (const foreign of [APPEND, DELETE, PROPERTY]) {
    await explore([overwrite], {
      foreign,
      check: async ({ endings, entries, root }) => {
        const first = entries.findIndex(({ load }) => load === 'orders.csv')
        expect(endings.get('first')).toBe(first === 1 ? 'committed' : 'conflict')
        if (first === 1) return
        expect(strays(root, entries)).toEqual([])
        // The conflict is over once it is planned again.
        expect(await again(root, overwrite)).toBe('committed')
        checkLog(root)
      },
    })
  }
  await explore([overwrite, OTHER], {
    check: ({ endings, entries }) => {
      expect(endings.get('other')).toBe('committed')
      const isFirst = entries[1]?.load === 'orders.csv'
      expect(endings.get('first')).toBe(isFirst ? 'committed' : 'conflict')
    },
  })
}, 120_000)

test('a property that another sets stops an append that was planned before, in every order', async () => {
  await explore([FIRST, OTHER], {
    foreign: PROPERTY,
    check: ({ endings, entries }) => {
      const property = entries.findIndex(({ load, adds }, version) => version > 0 && load === undefined && adds.length === 0)
      for (const writer of [FIRST, OTHER]) {
        const at = entries.findIndex(({ load }) => load === writer.load)
        expect(endings.get(writer.name)).toBe(at >= 0 ? 'committed' : 'conflict')
        expect(at).toBeLessThan(property)
      }
    },
  })
}, 120_000)
