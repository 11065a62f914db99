import { rmSync } from 'node:fs'
import { beforeEach, expect, test } from 'vitest'
import { localBlobs } from '../../../src/blobs/local.ts'
import { commitTimes } from '../../../src/delta/version-at.ts'
import { begin, checkpoint, commit, files, open, paths, root, session, setTime, simpleLog } from './log-support.ts'
import { type Action, add, metaData, PROTOCOL, writeCommit } from './support.ts'

beforeEach(begin)

test('every version that the log still gives is to be had, and no other', async () => {
  simpleLog(6)
  await checkpoint(await open({ at: { version: 3n } }))
  for (const version of [0, 2, 3, 5, 6]) expect(await paths(open({ at: { version: BigInt(version) } }))).toEqual(files(version))
  const refused = (left: string) => ({ code: 'ING-TABLE-VERSION', message: `db.t: version 9 is not to be had; versions ${left} are` })
  await expect(open({ at: { version: 9n } })).rejects.toMatchObject(refused('0 to 6'))
  for (const version of [0, 1, 2]) rmSync(commit(version))
  await expect(open({ at: { version: 9n } })).rejects.toMatchObject(refused('3 to 6'))
  await expect(open({ at: { version: 2n } })).rejects.toThrow('version 2 is not to be had; versions 3 to 6 are')
  expect(await paths(open({ at: { version: 4n } }))).toEqual(files(4))
})

test('a snapshot of an earlier version stays at it', async () => {
  simpleLog(3)
  const snapshot = await open({ at: { version: 1n } })
  expect(await snapshot.advance()).toEqual([])
  expect(snapshot.state.version).toBe(1n)
  expect(await paths(snapshot)).toEqual(files(1))
})

test('a time finds the newest version of that time; a clock that goes backwards makes no version older than the one before', async () => {
  simpleLog(4)
  for (const [version, ms] of [10_000, 20_000, 15_000, 15_000, 40_000].entries()) setTime(version, ms)
  const at = async (timestampMs: number) => (await open({ at: { timestampMs } })).state.version
  expect(await at(10_000)).toBe(0n)
  expect(await at(19_999)).toBe(0n)
  expect(await at(20_000)).toBe(1n)
  expect(await at(20_001)).toBe(2n)
  expect(await at(39_999)).toBe(3n)
  expect(await at(40_000)).toBe(4n)
  expect(await at(9_000_000_000_000)).toBe(4n)
  await expect(at(9999)).rejects.toMatchObject({
    code: 'ING-TABLE-VERSION',
    message: 'db.t: what it held at 1970-01-01T00:00:09.999Z is not to be had; versions 0 to 4 are',
  })
  const { metadata } = (await open()).state
  expect(await commitTimes(metadata, { blobs: localBlobs(root), session }, [1n, 2n, 3n])).toEqual([
    { version: 1n, atMs: 20_000 },
    { version: 2n, atMs: 20_001 },
    { version: 3n, atMs: 20_002 },
  ])
})

test('a time for which the log holds commits but no checkpoint any more is refused', async () => {
  simpleLog(5)
  await checkpoint(await open({ at: { version: 3n } }))
  rmSync(commit(0))
  for (let version = 1; version <= 5; version += 1) setTime(version, version * 1000)
  await expect(open({ at: { timestampMs: 2500 } })).rejects.toThrow('is not to be had; versions 3 to 5 are')
  expect((await open({ at: { timestampMs: 3500 } })).state.version).toBe(3n)
})

test('where commits say when they were made, that counts, from the version on that began with it', async () => {
  const stamp = (version: number, ms: number): Action => ({ commitInfo: { timestamp: 1, inCommitTimestamp: ms, later: version } })
  const configuration = {
    'delta.enableInCommitTimestamps': 'true',
    'delta.inCommitTimestampEnablementVersion': '2',
    'delta.inCommitTimestampEnablementTimestamp': '5000',
  }
  const protocol = { protocol: { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['inCommitTimestamp'] } }
  writeCommit(root, 0, [PROTOCOL, metaData(), add('0')])
  writeCommit(root, 1, [add('1')])
  writeCommit(root, 2, [stamp(2, 5000), protocol, metaData({ configuration }), add('2')])
  for (const [version, ms] of [
    [3, 6000],
    [4, 7000],
    [5, 8000],
    [6, 9000],
  ] as const)
    writeCommit(root, version, [stamp(version, ms), add(String(version))])
  // The files were copied later than all that.
  setTime(0, 1000)
  setTime(1, 2000)
  for (let version = 2; version <= 6; version += 1) setTime(version, 100_000 + version)
  const at = async (timestampMs: number) => (await open({ at: { timestampMs }, gate: 'read' })).state.version
  expect([await at(1000), await at(4999), await at(5000), await at(6999), await at(8000), await at(9000), await at(50_000)]).toEqual([
    0n,
    1n,
    2n,
    3n,
    5n,
    6n,
    6n,
  ])
  const { metadata, committedAtMs } = (await open({ gate: 'read' })).state
  expect(committedAtMs).toBe(9000)
  const times = await commitTimes(metadata, { blobs: localBlobs(root), session })
  expect(times.map(({ atMs }) => atMs)).toEqual([1000, 2000, 5000, 6000, 7000, 8000, 9000])
})
