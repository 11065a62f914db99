import { readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sql } from '../../../src/engine/sql.ts'
import { commitFile, readCommit } from '../delta/support.ts'
import { type Bench, batchIdOf, benchForEach, COLUMNS, load, staged } from './support.ts'

let bench: Bench
benchForEach((made) => {
  bench = made
})

function log(version: number) {
  return readCommit(bench.root, version)
}

test('the first commit makes the table with its tracker, and the rows read back', async () => {
  const table = await bench.open()
  expect(table.state).toBeNull()
  const outcome = await load(table, { batch: 1n, add: sql`select 9007199254740993::bigint, 'a''"\n😀' union all select null, null` })
  expect(outcome).toEqual({ kind: 'committed', version: 0n })
  expect(table.state).toMatchObject({
    version: 0n,
    tableId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    trackerId: '11111111-1111-4111-8111-111111111111',
    columns: COLUMNS,
    partitionColumns: [],
  })
  expect(await bench.rowsOf(table)).toEqual(['{"id":9007199254740993,"name":"a\'\\"\\n😀"}', '{"id":null,"name":null}'])
  const [info, protocol, metadata, txn, add] = log(0)
  expect(info?.['commitInfo']).toMatchObject({
    operation: 'WRITE',
    operationParameters: { mode: 'Append', partitionBy: '[]', strategy: 'append' },
    isBlindAppend: true,
    isolationLevel: 'Serializable',
    engineInfo: 'ingestd/0.0.0-test',
    ingestd: { batch: 1, batchId: batchIdOf(1n) },
  })
  expect(protocol?.['protocol']).toEqual({ minReaderVersion: 1, minWriterVersion: 2 })
  expect(metadata?.['metaData']).toMatchObject({
    partitionColumns: [],
    configuration: { 'ingestd.tracker': '11111111-1111-4111-8111-111111111111' },
  })
  expect(txn?.['txn']).toMatchObject({ version: 1 })
  expect(String(add?.['add']?.['stats'])).toBe(
    '{"numRecords":2,"minValues":{"id":9007199254740993,"name":"a\'\\"\\n😀"},"maxValues":{"id":9007199254740993,"name":"a\'\\"\\n😀"},"nullCount":{"id":1,"name":1}}',
  )
})

test('twelve appends write a checkpoint, from which the table opens when the older log is gone', async () => {
  const table = await bench.open()
  for (let batch = 1n; batch <= 12n; batch += 1n) {
    expect(await load(table, { batch, add: sql`select ${100n + batch}, 'x'` })).toEqual({ kind: 'committed', version: batch - 1n })
  }
  const names = readdirSync(join(bench.root, '_delta_log')).toSorted()
  expect(names).toContain('00000000000000000010.checkpoint.parquet')
  expect(JSON.parse(readFileSync(join(bench.root, '_delta_log/_last_checkpoint'), 'utf8'))).toMatchObject({
    version: 10,
    size: 14,
    numOfAddFiles: 11,
  })
  for (let version = 0; version < 10; version += 1) unlinkSync(commitFile(bench.root, version))
  const again = await bench.open()
  expect(again.state).toMatchObject({ version: 11n, columns: COLUMNS })
  expect(await again.lastBatch('ingestd/11111111-1111-4111-8111-111111111111/22222222-2222-4222-8222-222222222222')).toBe(12n)
  expect(await bench.rowsOf(again)).toEqual(Array.from({ length: 12 }, (_, index) => `{"id":${index + 101},"name":"x"}`))
  expect(await load(again, { batch: 13n, add: sql`select 113, 'y'` })).toEqual({ kind: 'committed', version: 12n })
  await table.refresh()
  expect(await bench.rowsOf(table)).toHaveLength(13)
})

test('a batch without rows commits its number alone', async () => {
  const table = await bench.open()
  expect(await load(table, { batch: 1n, add: sql`select 1, 'x' where false` })).toEqual({ kind: 'committed', version: 0n })
  expect(await bench.rowsOf(table)).toEqual([])
  expect(log(0).map((line) => Object.keys(line)[0])).toEqual(['commitInfo', 'protocol', 'metaData', 'txn'])
})

test('an overwrite removes all that was there and can be read in the same breath', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 1, 'x'`, tags: { 'ingestd.sequence': '1' } })
  await load(table, { batch: 2n, add: sql`select 2, 'y'` })
  expect(await load(table, { batch: 3n, add: sql`select 3, 'z'`, remove: 'everything' })).toEqual({ kind: 'committed', version: 2n })
  expect(await bench.rowsOf(table)).toEqual(['{"id":3,"name":"z"}'])
  const removes = log(2).flatMap((line) => (line['remove'] ? [line['remove']] : []))
  expect(removes).toHaveLength(2)
  expect(removes[0]).toMatchObject({ dataChange: true, extendedFileMetadata: true, partitionValues: {} })
  expect(log(2)[0]?.['commitInfo']).toMatchObject({ isBlindAppend: false, operationParameters: { mode: 'Overwrite' } })
})

test('a new column is null in older rows and comes in the same commit as its data', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  const columns = [...COLUMNS, { name: 'more', type: 'STRUCT("a" BIGINT, "b" VARCHAR[])', nullable: true }]
  expect(await load(table, { batch: 2n, columns, add: sql`select 2, 'y', {'a': 1::bigint, 'b': ['q']}` })).toEqual({
    kind: 'committed',
    version: 1n,
  })
  expect(await bench.rowsOf(table)).toEqual(['{"id":1,"name":"x","more":null}', '{"id":2,"name":"y","more":{"a":1,"b":["q"]}}'])
  expect(log(1).map((line) => Object.keys(line)[0])).toEqual(['commitInfo', 'metaData', 'txn', 'add'])
  const reopened = await bench.open()
  expect(reopened.state?.columns).toEqual(columns)
})

test('a nested field that is new is null in older rows', async () => {
  const table = await bench.open()
  const before = [{ name: 's', type: 'STRUCT("a" BIGINT)[]', nullable: true }]
  const after = [{ name: 's', type: 'STRUCT("a" BIGINT, "b" VARCHAR)[]', nullable: true }]
  await load(table, { batch: 1n, columns: before, add: sql`select [{'a': 1::bigint}]` })
  await load(table, { batch: 2n, columns: after, add: sql`select [{'a': 2::bigint, 'b': 'x'}]` })
  expect(await bench.rowsOf(table)).toEqual(['{"s":[{"a":1,"b":null}]}', '{"s":[{"a":2,"b":"x"}]}'])
})

test('a column of another type than the table has is refused', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  const columns = [{ name: 'id', type: 'VARCHAR', nullable: true }]
  await expect(load(table, { batch: 2n, columns, add: sql`select 'a'` })).rejects.toThrow(
    'column id has type BIGINT in the table, and VARCHAR was to be written',
  )
})

test('a naive timestamp column raises the protocol, and nothing else does', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  const columns = [...COLUMNS, { name: 'at', type: 'TIMESTAMP', nullable: true }]
  await load(table, { batch: 2n, columns, add: sql`select 2, 'y', timestamp '2024-01-02 03:04:05.123456'` })
  const protocol = log(1).find((line) => line['protocol'])
  expect(protocol?.['protocol']).toEqual({
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: ['timestampNtz'],
    writerFeatures: ['appendOnly', 'invariants', 'timestampNtz'],
  })
  expect(await bench.rowsOf(await bench.open())).toEqual([
    '{"id":1,"name":"x","at":null}',
    '{"id":2,"name":"y","at":"2024-01-02 03:04:05.123456"}',
  ])
})

test('a data file that is gone is named', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  const [file] = readdirSync(bench.root).filter((name) => name.endsWith('.parquet'))
  rmSync(join(bench.root, file ?? ''))
  await expect(table.current()).rejects.toMatchObject({ code: 'ING-TABLE-DATA-FILE' })
})

test('a data file of another size is named', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  const [file] = readdirSync(bench.root).filter((name) => name.endsWith('.parquet'))
  writeFileSync(join(bench.root, file ?? ''), 'PAR1')
  await expect(table.current()).rejects.toThrow(`the data file ${file} has another size than the log says`)
})

test('staged files bear no name that a reader of Parquet takes, and are gone after they were discarded', async () => {
  const table = await bench.open()
  const request = await staged(table, { batch: 1n, add: sql`select 1, 'x'` })
  expect(readdirSync(bench.root, { recursive: true }).filter((name) => String(name).endsWith('.parquet'))).toEqual([])
  const rows = await bench.session.rows(sql`select * from read_parquet(${request.staged[0]?.localPaths[0] ?? ''})`)
  expect(rows).toEqual([{ id: 1n, name: 'x' }])
  await table.discard(request.staged)
  expect(readdirSync(join(bench.root, '_ingestd/stage'))).toEqual([])
})

test('history tells batches, files and rows, newest first', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 1, 'x' union all select 2, 'y'` })
  await load(table, { batch: 2n, add: sql`select 3, 'z'`, remove: 'everything' })
  await using version = await bench.openAt()
  expect(await version.history(10)).toMatchObject([
    {
      version: 1n,
      operation: 'WRITE',
      batch: 2n,
      batchId: batchIdOf(2n),
      files: { added: 1, removed: 1 },
      rows: 1n,
      engine: 'ingestd/0.0.0-test',
    },
    { version: 0n, operation: 'WRITE', batch: 1n, batchId: batchIdOf(1n), files: { added: 1, removed: 0 }, rows: 2n },
  ])
  expect(await version.history(1)).toHaveLength(1)
})
