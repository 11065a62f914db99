import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sql } from '../../../src/engine/sql.ts'
import { metaData, PROTOCOL, remove, writeCommit } from '../delta/support.ts'
import { type Bench, benchForEach, load } from './support.ts'

let bench: Bench
benchForEach((made) => {
  bench = made
})

function pathOf(version: number): string {
  return join(bench.root, '_delta_log', `${String(version).padStart(20, '0')}.crc`)
}

function checksum(version: number): Record<string, unknown> | undefined {
  return existsSync(pathOf(version)) ? (JSON.parse(readFileSync(pathOf(version), 'utf8')) as Record<string, unknown>) : undefined
}

/** Files and bytes of the current version, counted on the disk by the paths in the log. */
async function counted(): Promise<unknown> {
  const [row] =
    await bench.session.rows(sql`with actions as (select unnest(["add".path, "remove".path]) as path, "add".path is not null as added, filename
      from read_json(${`${bench.root}/_delta_log/*.json`}, format = 'newline_delimited', filename = true,
        columns = {add: 'STRUCT(path VARCHAR)', remove: 'STRUCT(path VARCHAR)'}))
    select count(*) as "numFiles", sum(size) as "tableSizeBytes" from (
      select ${`${bench.root}/`} || path as file from actions where path is not null group by path having arg_max(added, filename)
    ) as active join read_blob(${`${bench.root}/*.parquet`}) as b on b.filename = active.file`)
  return { numFiles: Number(row?.['numFiles']), tableSizeBytes: Number(row?.['tableSizeBytes']) }
}

test('each version says how many files and bytes it has, whatever the commit did', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  expect(checksum(0)).toMatchObject({ ...((await counted()) as object), numMetadata: 1, numProtocol: 1 })
  await load(table, { batch: 2n, add: sql`select 2, 'y'` })
  expect(checksum(1)).toMatchObject({ ...((await counted()) as object), numFiles: 2 })
  await load(table, { batch: 3n, add: sql`select 3, 'z'`, remove: 'everything' })
  expect(checksum(2)).toMatchObject({ ...((await counted()) as object), numFiles: 1 })
})

test('a checksum repeats protocol, metadata, transactions and the id of its commit', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  const [info, protocol, metadata, txn] = readFileSync(join(bench.root, '_delta_log/00000000000000000000.json'), 'utf8')
    .split('\n')
    .slice(0, 4)
    .map((line) => Object.values(JSON.parse(line) as object)[0] as Record<string, unknown>)
  expect(checksum(0)).toMatchObject({ txnId: info?.['txnId'], protocol, metadata, setTransactions: [txn], domainMetadata: [] })
  expect(checksum(0)).not.toHaveProperty('inCommitTimestampOpt')
})

test('after a commit that has none, or a senseless one, nothing is claimed until the files are counted at a checkpoint', async () => {
  const table = await bench.open({ delta: { ...bench.table().delta, checkpointInterval: 4 } })
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  rmSync(pathOf(0))
  await load(table, { batch: 2n, add: sql`select 2, 'x'` })
  expect(checksum(1)).toBeUndefined()
  writeFileSync(pathOf(1), '{"numFiles":"many","tableSizeBytes":-1}')
  await load(table, { batch: 3n, add: sql`select 3, 'x'` })
  await load(table, { batch: 4n, add: sql`select 4, 'x'` })
  expect(checksum(3)).toBeUndefined()
  await load(table, { batch: 5n, add: sql`select 5, 'x'` })
  expect(checksum(4)).toMatchObject({ ...((await counted()) as object), numFiles: 5 })
})

test('a checksum of another writer is continued, and never replaced', async () => {
  writeCommit(bench.root, 0, [PROTOCOL, metaData()])
  writeFileSync(pathOf(0), '{"numFiles":0,"tableSizeBytes":0}\n')
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  expect(checksum(1)).toMatchObject({ numFiles: 1 })
  expect(readFileSync(pathOf(0), 'utf8')).toBe('{"numFiles":0,"tableSizeBytes":0}\n')
})

test('a removed file of unknown size ends the chain', async () => {
  writeCommit(bench.root, 0, [
    PROTOCOL,
    metaData(),
    { add: { path: 'a.parquet', partitionValues: {}, modificationTime: 1, dataChange: true } },
  ])
  writeFileSync(pathOf(0), '{"numFiles":1,"tableSizeBytes":10}')
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 1, 'x'`, remove: 'everything' })
  expect(checksum(1)).toBeUndefined()
})

test('with in-commit timestamps the checksum has that of its version', async () => {
  writeCommit(bench.root, 0, [
    { commitInfo: { inCommitTimestamp: 5_000_000_000_000, timestamp: 1, operation: 'CREATE TABLE' } },
    { protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: [], writerFeatures: ['inCommitTimestamp'] } },
    metaData({ configuration: { 'delta.enableInCommitTimestamps': 'true' } }),
    remove('gone.parquet', { size: 1 }),
  ])
  writeFileSync(pathOf(0), '{"numFiles":0,"tableSizeBytes":0}')
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  expect(checksum(1)).toMatchObject({ inCommitTimestampOpt: 5_000_000_000_001 })
  await load(table, { batch: 2n, add: sql`select 1, 'x'` })
  expect(checksum(2)).toMatchObject({ inCommitTimestampOpt: 5_000_000_000_002, numFiles: 2 })
})

test('a checksum that a version left behind when it was taken back is not believed', async () => {
  const table = await bench.open()
  for (const batch of [1n, 2n, 3n]) await load(table, { batch, add: sql`select ${batch}, 'x'` })
  for (const version of [1, 2]) rmSync(pathOf(version).replace('.crc', '.json'))
  const again = await bench.open()
  await load(again, { batch: 4n, add: sql`select 4, 'y' union all select 5, 'z'` })
  expect(checksum(1)).toMatchObject((await counted()) as object)
  expect(checksum(1)).toMatchObject({ setTransactions: [{ version: 4 }] })
  rmSync(pathOf(1))
  await load(again, { batch: 5n, add: sql`select 6, 'w'` })
  expect(checksum(2)).toBeUndefined()
})
