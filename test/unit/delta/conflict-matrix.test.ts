import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { localBlobs } from '../../../src/blobs/local.ts'
import { type CommitIo, commitEntry } from '../../../src/delta/commit.ts'
import type { Intent } from '../../../src/delta/conflict.ts'
import { TableLog } from '../../../src/delta/table-log.ts'
import type { Session } from '../../../src/engine/engine.ts'
import { id, sql } from '../../../src/engine/sql.ts'
import { session as openSession } from '../../support/session.ts'
import { type Action, add, metaData, PROTOCOL, readCommit, remove, writeCommit } from './support.ts'

let session: Session
let root: string
beforeEach(async () => {
  session = await openSession()
  root = mkdtempSync(join(tmpdir(), 'ingestd-matrix-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
})

const PARTITIONED = { partitionColumns: ['name'] }
const IN = (name: string | null) => ({ partitionValues: { name } })

const NOTHING = { kind: 'nothing' } as const
const EVERYTHING = { kind: 'everything' } as const
const BASE = { changesRows: true, changesMetadata: false, changesProtocol: false, partitionColumns: [{ name: 'name', type: 'VARCHAR' }] }

const APPEND: Intent = { ...BASE, reads: NOTHING, removes: NOTHING }
const OVERWRITE: Intent = { ...BASE, reads: EVERYTHING, removes: EVERYTHING }
const OF_A = { kind: 'partitions', partitions: [{ name: 'a' }] } as const
const PARTITION: Intent = { ...BASE, reads: OF_A, removes: OF_A }
const files = (reads: Intent['reads'], changesRows: boolean): Intent => ({
  ...BASE,
  reads,
  removes: { kind: 'files', files: id('ours') },
  changesRows,
})
const MERGE = files(EVERYTHING, true)
const OPTIMIZE = files(NOTHING, false)

const info = (changes: Record<string, unknown> = {}): Action => ({ commitInfo: { operation: 'x', ...changes } })
const quiet = { dataChange: false }

/** What others commit: name → lines. Our own files are `a%20b.parquet` in partition a. */
const WINNERS: Readonly<Record<string, readonly Action[]>> = {
  'a blind append': [info({ isBlindAppend: true }), add('new.parquet', IN('a'))],
  'a blind append elsewhere': [info({ isBlindAppend: true }), add('new.parquet', IN('b'))],
  'an append that read': [info({ isBlindAppend: false }), add('new.parquet', IN('a'))],
  'an append of a writer that does not say': [info(), add('new.parquet', IN('a'))],
  'a delete elsewhere': [info(), remove('other.parquet', IN('b'))],
  'a delete of one of ours': [info(), remove('a%20b.parquet', IN('a'))],
  'a delete of one of ours, spelled otherwise': [info(), remove('a%20%62.parquet', IN('a'))],
  'a delete that leaves the partition out': [info(), remove('other.parquet')],
  'a deletion vector on one of ours': [
    info(),
    remove('a%20b.parquet', IN('a')),
    add('a%20b.parquet', { ...IN('a'), deletionVector: { storageType: 'i', pathOrInlineDv: 'x', sizeInBytes: 1, cardinality: 1 } }),
  ],
  'a compaction elsewhere': [info(), remove('other.parquet', { ...IN('b'), ...quiet }), add('new.parquet', { ...IN('b'), ...quiet })],
  'a compaction of ours': [info(), remove('a%20b.parquet', { ...IN('a'), ...quiet }), add('new.parquet', { ...IN('a'), ...quiet })],
  'a property': [info(), metaData({ ...PARTITIONED, configuration: { a: 'b' } })],
  'a protocol': [info(), { protocol: { minReaderVersion: 1, minWriterVersion: 4 } }],
  'a transaction': [info(), { txn: { appId: 'x', version: 1 } }],
  'a domain': [info(), { domainMetadata: { domain: 'd', configuration: '{}', removed: false } }],
}

const ADDED = 'added rows to those that the plan rests on'
const CHANGED = 'changed rows that the plan rests on'
const REPLACED = 'changed files that were to be replaced'
const PROPERTY = { 'a property': 'changed the schema or the properties of the table' }

/** Conflicts of everyone who read partition a and takes a file out of it. */
const IN_A = {
  ...PROPERTY,
  'an append that read': ADDED,
  'an append of a writer that does not say': ADDED,
  'a delete of one of ours': CHANGED,
  'a delete of one of ours, spelled otherwise': CHANGED,
  'a delete that leaves the partition out': CHANGED,
  'a deletion vector on one of ours': ADDED,
  'a compaction of ours': REPLACED,
}
const BLIND_IN_A = { 'a blind append': ADDED }
const BLIND = { ...BLIND_IN_A, 'a blind append elsewhere': ADDED }
const DELETED_ELSEWHERE = { 'a delete elsewhere': CHANGED }

/** Only what conflicts; all else goes through. */
const MATRIX: [string, Intent, Readonly<Record<string, string>>, string?][] = [
  ['an append', APPEND, PROPERTY],
  ['an overwrite of the table', OVERWRITE, { ...IN_A, ...BLIND, ...DELETED_ELSEWHERE, 'a compaction elsewhere': REPLACED }],
  ['an overwrite of a partition', PARTITION, { ...IN_A, ...BLIND_IN_A }],
  ['a merge', MERGE, { ...IN_A, ...BLIND, ...DELETED_ELSEWHERE }],
  ['a merge where blind appends may come later', MERGE, { ...IN_A, ...DELETED_ELSEWHERE }, 'WriteSerializable'],
  [
    'a compaction',
    OPTIMIZE,
    {
      ...PROPERTY,
      'a delete of one of ours': REPLACED,
      'a delete of one of ours, spelled otherwise': REPLACED,
      'a deletion vector on one of ours': REPLACED,
      'a compaction of ours': REPLACED,
    },
  ],
]

const io = (nowMs: number): CommitIo => ({
  newId: () => 'ours',
  random: () => 0,
  sleep: async () => undefined,
  clock: { now: () => nowMs },
  engineInfo: 'ingestd/0.0.0-test',
  warn: () => undefined,
})

/** Opens the table at version 0, lets the other commit, then commits ours. */
async function race(
  intent: Intent,
  winner: readonly (Action | string)[],
  configuration: Record<string, string> = {},
  nowMs = 1_700_000_000_000,
) {
  writeCommit(root, 0, [
    PROTOCOL,
    metaData({ ...PARTITIONED, configuration }),
    add('a%20b.parquet', IN('a')),
    add('other.parquet', IN('b')),
  ])
  await session.run(sql`create or replace temp table ours as select 'a%20b.parquet' as path`)
  const log = await TableLog.open('db.t', localBlobs(root), session)
  writeCommit(root, 1, winner)
  return commitEntry(
    log,
    {
      intent,
      contentOn: async () => ({
        operation: { name: 'X', parameters: { a: ['b'] }, metrics: { n: 1 }, isBlindAppend: false },
        adds: [],
        lines: [],
      }),
    },
    io(nowMs),
  )
}

describe.each(MATRIX.map(([what, intent, conflicts, isolation]) => ({ what, intent, conflicts, isolation })))(
  '$what',
  ({ intent, conflicts, isolation }) => {
    test.each(Object.keys(WINNERS))('beside %s', async (winner) => {
      const outcome = await race(intent, WINNERS[winner] ?? [], isolation === undefined ? {} : { 'delta.isolationLevel': isolation })
      const reason = conflicts[winner]
      if (reason === undefined) expect(outcome).toMatchObject({ kind: 'committed', version: 2n })
      else expect(outcome).toEqual({ kind: 'conflict', version: 1n, reason: `version 1 ${reason}` })
    })
  },
)

test('a change of the protocol conflicts with another', async () => {
  expect(await race({ ...APPEND, changesProtocol: true }, WINNERS['a protocol'] ?? [])).toMatchObject({
    reason: 'version 1 changed the protocol of the table',
  })
})

test.each([
  ['d', { kind: 'conflict', reason: 'version 1 changed the domain metadata d' }],
  ['other', { kind: 'committed' }],
])('a change of the domain %s beside one of d', async (name, outcome) => {
  expect(await race({ ...APPEND, domains: [name] }, WINNERS['a domain'] ?? [])).toMatchObject(outcome)
})

test('a merge that changes the schema waits for blind appends even where they may come later', async () => {
  const outcome = await race({ ...MERGE, changesMetadata: true }, WINNERS['a blind append'] ?? [], {
    'delta.isolationLevel': 'WriteSerializable',
  })
  expect(outcome).toMatchObject({ kind: 'conflict' })
})

test('the entry says how strictly it was judged, what it rests on and who wrote it', async () => {
  await race(OPTIMIZE, WINNERS['a transaction'] ?? [])
  expect(readCommit(root, 2)[0]).toEqual({
    commitInfo: {
      timestamp: 1_700_000_000_000,
      operation: 'X',
      operationParameters: { a: '["b"]' },
      readVersion: 1,
      isolationLevel: 'SnapshotIsolation',
      isBlindAppend: false,
      operationMetrics: { n: '1' },
      engineInfo: 'ingestd/0.0.0-test',
      txnId: 'ours',
    },
  })
})

test('a clock that went backwards makes no version older than the one before', async () => {
  await race(APPEND, [info({ timestamp: 1_600_000_000_000 })], {}, 1_500_000_000_000)
  expect(readCommit(root, 2)[0]).toMatchObject({ commitInfo: { timestamp: 1_600_000_000_001 } })
})

test('a commit that another tool left half-written is told of as such, and nothing is written over it', async () => {
  await expect(race(APPEND, ['{"commitInfo":{"operation":"WRI'])).rejects.toMatchObject({ code: 'ING-TABLE-LOG' })
})
