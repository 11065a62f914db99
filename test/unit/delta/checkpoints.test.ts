import { appendFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { beforeEach, expect, test } from 'vitest'
import { isCheckpointDue } from '../../../src/delta/checkpoint.ts'
import { literal, raw, sql } from '../../../src/engine/sql.ts'
import { begin, checkpoint, files, inLog, open, padded, paths, root, session, simpleLog, UUID } from './log-support.ts'
import { type Action, add, metaData, PROTOCOL, remove, writeCommit } from './support.ts'

beforeEach(begin)

/** A checkpoint of the new kind, at version 3, with its files in two sidecars. */
async function writeV2(end: 'json' | 'parquet', embedded: readonly Action[] = []): Promise<void> {
  mkdirSync(inLog('_sidecars'), { recursive: true })
  const sidecars: Action[] = []
  for (const [name, query] of [
    [
      'one',
      "select {'path': i::varchar, 'partitionValues': map {}::map(varchar, varchar), 'size': 1::bigint, 'stats': 'sidecar'} as add from range(3) t(i)",
    ],
    [
      'two',
      "select {'path': '3', 'size': 1::bigint, 'modificationTime': 5::bigint} as add, null::struct(path varchar, \"deletionTimestamp\" bigint) as remove union all select null, {'path': 'gone', 'deletionTimestamp': 7}",
    ],
  ] as const) {
    const file = inLog(`_sidecars/${name}.parquet`)
    await session.run(sql`copy (${raw(query)}) to ${literal(file)} (format parquet)`)
    // One is logged by its name, one by its whole path.
    const path = name === 'one' ? 'one.parquet' : `file:${root}/_delta_log/_sidecars/two.parquet`
    sidecars.push({ sidecar: { path, sizeInBytes: statSync(file).size, modificationTime: 1 } })
  }
  const txn = { txn: { appId: 'other', version: 7 } }
  const actions = [{ checkpointMetadata: { version: 3 } }, PROTOCOL, metaData(), txn, ...(embedded.length > 0 ? embedded : sidecars)]
  const json = inLog(`${padded(3)}.checkpoint.${UUID}.json`)
  writeFileSync(json, actions.map((action) => JSON.stringify(action)).join('\n'))
  if (end === 'json') return
  await session.run(
    sql`copy (select * from read_json(${literal(json)}, format = 'newline_delimited', union_by_name = true)) to ${literal(json.replace(/json$/, 'parquet'))} (format parquet)`,
  )
  rmSync(json)
}

test.each(['json', 'parquet'] as const)('a v2 checkpoint in %s is read with its sidecars', async (end) => {
  await writeV2(end)
  writeCommit(root, 4, [add('4'), remove('1')])
  const snapshot = await open()
  expect(snapshot.state.txns.get('other')?.version).toBe(7n)
  expect(await paths(snapshot)).toEqual(['0', '2', '3', '4'])
  expect(await session.rows(sql`select path from ${await snapshot.tombstones()} order by path`)).toEqual([{ path: '1' }, { path: 'gone' }])
})

test('a v2 checkpoint may hold its files itself', async () => {
  await writeV2('json', [add('a'), add('b')])
  expect(await paths()).toEqual(['a', 'b'])
})

test('a classic checkpoint may have sidecars too', async () => {
  await writeV2('parquet')
  const name = inLog(`${padded(3)}.checkpoint.${UUID}.parquet`)
  writeFileSync(inLog(`${padded(3)}.checkpoint.parquet`), readFileSync(name))
  rmSync(name)
  expect(await paths()).toEqual(files(3))
})

test.each([
  ['is missing', () => rmSync(inLog('_sidecars/two.parquet')), 'needs _delta_log/_sidecars/two.parquet, which is missing'],
  ['has other bytes', () => appendFileSync(inLog('_sidecars/two.parquet'), 'x'), /two.parquet has \d+ bytes, the checkpoint says \d+/],
] as const)('a sidecar that %s is told, and passed over while the commits are all there', async (_, harm, message) => {
  await writeV2('json')
  harm()
  writeCommit(root, 4, [add('4')])
  await expect(open()).rejects.toMatchObject({ code: 'ING-TABLE-LOG', message: expect.stringMatching(message) })
  simpleLog(4)
  expect(await paths()).toEqual(files(4))
})

test('statistics that a checkpoint keeps as a struct alone become text, but for bounds that have no certain one', async () => {
  mkdirSync(inLog(''), { recursive: true })
  const bounds = `{'id': 9007199254740993, 'd': 1.50::decimal(10,2), 't': 'q"', 'day': date '2024-02-29', 'at': timestamptz '2024-01-02 03:04:05.123999+00', 'ntz': timestamp '2024-01-02 03:04:05', 'f': 'nan'::double, 's': {'b': true}}`
  const stats = `{'numRecords': 3, 'minValues': ${bounds}, 'nullCount': {'id': 0, 's': {'b': 1}}, 'tightBounds': false}`
  const query = `select {'path': 'a', 'size': 1::bigint, 'stats': null::varchar, 'stats_parsed': ${stats}} as add union all select {'path': 'b', 'size': 1, 'stats': '{"numRecords":2}', 'stats_parsed': ${stats}} union all select {'path': 'c', 'size': 1, 'stats': null, 'stats_parsed': null}`
  const struct = (action: unknown, types: string) => `json_transform('${JSON.stringify(action).replaceAll("'", "''")}', '${types}')`
  const protocol = struct(PROTOCOL['protocol'], '{"minReaderVersion":"INT","minWriterVersion":"INT"}')
  const metadata = struct(metaData()['metaData'], '{"id":"VARCHAR","schemaString":"VARCHAR"}')
  const rest = `union all select null, ${protocol}, null union all select null, null, ${metadata}`
  await session.run(
    sql`copy (select add, null as protocol, null as "metaData" from (${raw(query)}) ${raw(rest)}) to ${literal(inLog(`${padded(3)}.checkpoint.parquet`))} (format parquet)`,
  )
  const rows = await session.rows(sql`select "add".stats as stats from ${await (await open()).files()} order by path`)
  expect(rows.map((row) => row['stats'])).toEqual([
    '{"numRecords":3,"minValues":{"id":9007199254740993,"d":1.50,"t":"q\\"","day":"2024-02-29","at":"2024-01-02T03:04:05.123Z","s":{"b":true}},"nullCount":{"id":0,"s":{"b":1}},"tightBounds":false}',
    '{"numRecords":2}',
    null,
  ])
})

test('a checkpoint of which the part with the files is damaged is passed over when they are asked for', async () => {
  simpleLog(4)
  await checkpoint(await open({ at: { version: 3n } }))
  const file = inLog(`${padded(3)}.checkpoint.parquet`)
  const [chunk] = await session.rows(
    sql`select min(coalesce(dictionary_page_offset, data_page_offset))::int as first from parquet_metadata(${file}) where path_in_schema = 'add, path'`,
  )
  const bytes = readFileSync(file)
  bytes.fill(0xff, Number(chunk?.['first']), Number(chunk?.['first']) + 24)
  writeFileSync(file, bytes)
  expect(await paths()).toEqual(files(4))
})

test('a compaction is read in the place of its commits, and they where it is damaged', async () => {
  simpleLog(5)
  const compaction = inLog(`${padded(1)}.${padded(4)}.compacted.json`)
  const action = (one: Action) => JSON.stringify(one)
  writeFileSync(compaction, [add('1'), add('2'), add('3'), add('compacted')].map(action).join('\n'))
  expect(await paths()).toEqual(['0', '1', '2', '3', '5', 'compacted'])
  expect((await open({ at: { version: 4n } })).state.version).toBe(4n)
  writeFileSync(compaction, '{"add":')
  expect(await paths()).toEqual(files(5))
})

test('a checkpoint is due at the configured interval, and more rarely where the table has many files', async () => {
  simpleLog(20)
  const snapshot = await open()
  expect([isCheckpointDue(snapshot, 20), isCheckpointDue(snapshot, 21), isCheckpointDue(snapshot, Number.NaN)]).toEqual([true, false, true])
  const after = (version: bigint, count: bigint | null) => {
    snapshot.checkpointed({ version, files: count })
    return isCheckpointDue(snapshot, 10)
  }
  expect([
    after(10n, 20_000n),
    after(11n, 20_000n),
    after(10n, null),
    after(10n, 20_001n),
    after(0n, 20_001n),
    after(0n, 1_000_000n),
  ]).toEqual([true, false, true, false, true, false])
})

test('the interval that the table asks for is kept to the letter', async () => {
  writeCommit(root, 0, [PROTOCOL, metaData({ configuration: { 'delta.checkpointInterval': '2' } })])
  for (const version of [1, 2]) writeCommit(root, version, [add(String(version))])
  const snapshot = await open()
  snapshot.checkpointed({ version: 0n, files: 1_000_000n })
  expect(isCheckpointDue(snapshot, 10)).toBe(true)
})

test('of two writers who make the same checkpoint the second leaves it as it is', async () => {
  simpleLog(3)
  const second = await open()
  await checkpoint(await open())
  const made = readFileSync(inLog(`${padded(3)}.checkpoint.parquet`))
  await checkpoint(second)
  expect(readFileSync(inLog(`${padded(3)}.checkpoint.parquet`))).toEqual(made)
  expect((await open()).checkpoint).toEqual({ version: 3n, files: 4n })
})
