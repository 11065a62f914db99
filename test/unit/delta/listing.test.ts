import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Blobs } from '../../../src/blobs/blobs.ts'
import { localBlobs } from '../../../src/blobs/local.ts'
import { commitsAfter, filesOf, listWhole, rangeOf, segmentsOf } from '../../../src/delta/listing.ts'
import { parseLogName } from '../../../src/delta/log-names.ts'

const UUID = '80a083e8-7026-4e79-81be-64bd76c43a11'

function log(...names: readonly string[]): Blobs {
  const root = mkdtempSync(join(tmpdir(), 'ingestd-listing-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  mkdirSync(join(root, '_delta_log'))
  for (const name of names) writeFileSync(join(root, '_delta_log', name), 'x')
  return localBlobs(root)
}

const padded = (version: number) => String(version).padStart(20, '0')
const commits = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `${padded(from + index)}.json`)

async function segments(blobs: Blobs, at?: bigint): Promise<readonly string[]> {
  return segmentsOf(await listWhole(blobs), blobs, at).map(
    (segment) =>
      `${segment.checkpoint?.version ?? 'log'}: ${filesOf(segment).map(({ path }) => path.replace(/^_delta_log\/0*(?=\d)/, '').replace(/\.0*(?=\d)/, '.'))}`,
  )
}

test('names in the log folder are told apart', () => {
  expect(parseLogName(`${padded(3)}.json`)).toEqual({ kind: 'commit', version: 3n })
  expect(parseLogName(`${padded(3)}.checkpoint.parquet`)).toEqual({ kind: 'checkpoint', version: 3n, part: 1, parts: 1 })
  expect(parseLogName(`${padded(3)}.checkpoint.0000000002.0000000005.parquet`)).toEqual({
    kind: 'checkpoint',
    version: 3n,
    part: 2,
    parts: 5,
  })
  for (const end of ['json', 'parquet'])
    expect(parseLogName(`${padded(3)}.checkpoint.${UUID}.${end}`)).toEqual({ kind: 'checkpointV2', version: 3n })
  expect(parseLogName(`${padded(3)}.${padded(7)}.compacted.json`)).toEqual({ kind: 'compaction', from: 3n, version: 7n })
  for (const stray of [
    `${padded(7)}.${padded(3)}.compacted.json`,
    `${padded(3)}.json.tmp`,
    `.${padded(3)}.json.crc`,
    '3.json',
    `${padded(3)}.crc`,
  ])
    expect(parseLogName(stray)).toBeUndefined()
})

test('a compaction stands for its commits, and they are the way round it', async () => {
  const blobs = log(...commits(0, 6), `${padded(1)}.${padded(4)}.compacted.json`)
  expect(await segments(blobs)).toEqual([
    'log: 0.json,1.4.compacted.json,5.json,6.json',
    'log: 0.json,1.json,2.json,3.json,4.json,5.json,6.json',
  ])
})

test('of compactions that overlap one is taken, and none beyond the version or before the checkpoint', async () => {
  const range = (from: number, to: number) => `${padded(from)}.${padded(to)}.compacted.json`
  const blobs = log(...commits(0, 9), `${padded(2)}.checkpoint.parquet`, range(0, 4), range(3, 4), range(3, 5), range(4, 8), range(8, 12))
  expect((await segments(blobs))[0]).toBe('2: 3.5.compacted.json,6.json,7.json,8.json,9.json')
  expect((await segments(blobs, 4n))[0]).toBe('2: 3.4.compacted.json')
})

test('a version is reached from every checkpoint below it, and from none above', async () => {
  const blobs = log(...commits(0, 9), `${padded(3)}.checkpoint.parquet`, `${padded(7)}.checkpoint.${UUID}.json`)
  expect(await segments(blobs, 5n)).toEqual(['3: 4.json,5.json', 'log: 0.json,1.json,2.json,3.json,4.json,5.json'])
  expect((await segments(blobs, 7n))[0]).toBe('7: ')
  expect(await segments(blobs, 10n)).toEqual([])
})

test('the range of versions reaches back over commits without a gap to a checkpoint or the first commit', async () => {
  const range = async (...names: readonly string[]) => rangeOf(await listWhole(log(...names)))
  expect(await range(...commits(0, 3))).toEqual({ oldest: 0n, newest: 3n })
  expect(await range(...commits(4, 9), `${padded(5)}.checkpoint.parquet`)).toEqual({ oldest: 5n, newest: 9n })
  expect(await range(...commits(6, 9), `${padded(5)}.checkpoint.parquet`)).toEqual({ oldest: 5n, newest: 9n })
  expect(await range(`${padded(5)}.checkpoint.parquet`)).toEqual({ oldest: 5n, newest: 5n })
  expect(await range(...commits(0, 2), ...commits(4, 6), `${padded(5)}.checkpoint.parquet`)).toEqual({ oldest: 5n, newest: 6n })
  expect(await range(...commits(2, 4))).toBeUndefined()
})

test('a checkpoint without all of its parts is none', async () => {
  const blobs = log(...commits(0, 4), `${padded(3)}.checkpoint.0000000001.0000000002.parquet`)
  expect(await segments(blobs)).toEqual(['log: 0.json,1.json,2.json,3.json,4.json'])
})

test('commits that come later are told, and the last one as it is listed by then', async () => {
  const blobs = log(...commits(0, 3))
  const { again, newer } = await commitsAfter({ version: 1n, listed: null }, blobs)
  expect(again?.version).toBe(1n)
  expect(newer.map(({ version }) => version)).toEqual([2n, 3n])
})

test('a log that was cleaned up behind a checkpoint goes on, one that lost its end does not', async () => {
  const cleaned = log(...commits(5, 6), `${padded(5)}.checkpoint.parquet`)
  expect((await commitsAfter({ version: 4n, listed: null }, cleaned)).newer.map(({ version }) => version)).toEqual([5n, 6n])
  await expect(commitsAfter({ version: 7n, listed: null }, cleaned)).rejects.toMatchObject({
    code: 'ING-TABLE-LOG',
    message: expect.stringContaining('was replaced while the table was open: version 7 is gone'),
  })
})

test.each([
  ['other bytes', (path: string) => writeFileSync(path, 'yy')],
  ['another time', (path: string) => utimesSync(path, 1, 1)],
])('a commit that was read before and has %s by now is of another log', async (_, change) => {
  const blobs = log(...commits(0, 3))
  const [listed = null] = (await listWhole(blobs)).commits.filter(({ version }) => version === 2n)
  expect((await commitsAfter({ version: 2n, listed }, blobs)).newer).toHaveLength(1)
  change(blobs.localPath(`_delta_log/${padded(2)}.json`))
  await expect(commitsAfter({ version: 2n, listed }, blobs)).rejects.toThrow('version 2 was written again')
})
