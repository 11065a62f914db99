import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { localBlobs } from '../../../src/blobs/local.ts'
import { sql } from '../../../src/engine/sql.ts'
import type { TableConfig } from '../../../src/model/table.ts'
import { changedRows } from '../../../src/stores/changes.ts'
import type { ChangeRange, OpenTable } from '../../../src/stores/store.ts'
import { commitFile } from '../delta/support.ts'
import { Bench, COLUMNS, load, manifestOf, staged } from './support.ts'

const DELTA = {
  targetFileSize: 128n * 1024n * 1024n,
  logRetentionMs: 30 * 86_400_000,
  fileRetentionMs: 7 * 86_400_000,
  checkpointInterval: 10,
  optimize: 'off' as const,
}
const FEEDS = [false, true].map((deletionVectors) => ({ deletionVectors, delta: { ...DELTA, deletionVectors, changeDataFeed: true } }))

async function remove(
  table: OpenTable,
  batch: bigint,
  where: string,
  add = sql`select null::bigint, null::varchar where false`,
): Promise<void> {
  const one = { batch, add }
  const request = await staged(table, one)
  const positions = sql`select __file, __position from (${await table.located()}) where regexp_matches(id::varchar, ${where})`
  const addedRows = request.staged.reduce((sum, some) => sum + some.rows, 0n)
  const removal = await table.stageRemoval({
    positions,
    added: add,
    addedRows,
    changes: null,
    columns: COLUMNS,
    batchId: manifestOf(one).batchId,
  })
  await table.commit({ ...request, staged: [...request.staged, ...removal.staged], remove: 'positions', removal, blindAppend: false })
}

async function changes(bench: Bench, settings: Partial<TableConfig>, range: ChangeRange): Promise<readonly string[]> {
  const deps = { blobs: async (root: string) => localBlobs(root) } as never
  const query = await changedRows(bench.table(settings), bench.session, range, { deps, keeps: 'all versions' })
  const rows = await bench.session.rows(sql`select * from (${query}) order by _commit_version, _change_type, id`)
  expect(rows.every((row) => row['_commit_timestamp'] !== null)).toBe(true)
  return rows.map((row) => `${row['_commit_version']} ${row['_change_type']} ${row['id']} ${row['name']}`)
}

const versions = (from: bigint, to?: bigint): ChangeRange => ({
  from: { version: from },
  to: to === undefined ? undefined : { version: to },
})

it.each(FEEDS)(
  'what versions changed is told by change files and by whole files (deletion vectors: $deletionVectors)',
  async ({ delta }) => {
    await using bench = await Bench.make()
    const table = await bench.open({ delta })
    await load(table, { batch: 1n, add: sql`select i, 'a' from range(4) as r(i)` })
    await remove(table, 2n, '1|2', sql`select 2, 'b'`)
    await load(table, { batch: 3n, add: sql`select 9, 'c'` })
    await load(table, { batch: 4n, add: sql`select 5, 'd'`, remove: 'everything' })
    const all = await changes(bench, { delta }, versions(0n))
    expect(all).toEqual([
      ...[0, 1, 2, 3].map((n) => `0 insert ${n} a`),
      '1 delete 1 a',
      '1 delete 2 a',
      '1 insert 2 b',
      '2 insert 9 c',
      '3 delete 0 a',
      '3 delete 2 b',
      '3 delete 3 a',
      '3 delete 9 c',
      '3 insert 5 d',
    ])
    expect(await changes(bench, { delta }, versions(1n, 2n))).toEqual(all.slice(4, 8))
    expect(await changes(bench, { delta }, { from: { timestampMs: 0 }, to: { timestampMs: Date.now() + 1e6 } })).toEqual(all)
  },
)

it('vectors of others without change files are told by their difference', async () => {
  await using bench = await Bench.make()
  const delta = FEEDS[1]?.delta as TableConfig['delta']
  const table = await bench.open({ delta })
  await load(table, { batch: 1n, add: sql`select i, 'a' from range(6) as r(i)` })
  await remove(table, 2n, '1')
  await remove(table, 3n, '2|3')
  // As other writers make them: the same commits without their change files.
  for (const version of [1, 2]) await withoutFeed(bench.root, version)
  expect(await changes(bench, { delta }, versions(1n))).toEqual(['1 delete 1 a', '2 delete 2 a', '2 delete 3 a'])
  await remove(table, 4n, '.')
  expect(await changes(bench, { delta }, versions(3n))).toEqual(['3 delete 0 a', '3 delete 4 a', '3 delete 5 a'])
})

async function withoutFeed(root: string, version: number): Promise<void> {
  const { readFileSync, writeFileSync } = await import('node:fs')
  const path = commitFile(root, version)
  const lines = readFileSync(path, 'utf8').split('\n')
  expect(lines.filter((line) => line.startsWith('{"cdc"'))).toHaveLength(1)
  writeFileSync(path, lines.filter((line) => !line.startsWith('{"cdc"')).join('\n'))
}

it('versions that kept no changes, or are not there, are refused', async () => {
  await using bench = await Bench.make()
  const off = await bench.open()
  await load(off, { batch: 1n, add: sql`select 1, 'a'` })
  const delta = FEEDS[0]?.delta as TableConfig['delta']
  const table = await bench.open({ delta })
  await load(table, { batch: 2n, add: sql`select 2, 'b'` })
  expect(await changes(bench, { delta }, versions(1n))).toEqual(['1 insert 2 b'])
  await expect(changes(bench, { delta }, versions(0n))).rejects.toMatchObject({
    code: 'ING-TABLE-CHANGE-FEED',
    message: expect.stringContaining('at version 0'),
  })
  for (const range of [versions(1n, 2n), versions(2n, 1n), versions(7n), { from: { timestampMs: Date.now() + 1e6 } }]) {
    await expect(changes(bench, { delta }, range)).rejects.toMatchObject({
      code: 'ING-TABLE-VERSION',
      hint: expect.stringContaining('0 to 1'),
    })
  }
  rmSync(join(bench.root, '_delta_log', '00000000000000000001.json'))
  rmSync(join(bench.root, '_delta_log', '00000000000000000001.crc'), { force: true })
  await expect(changes(bench, { delta }, versions(1n))).rejects.toMatchObject({ code: 'ING-TABLE-VERSION' })
})

it('a change file that was deleted is told by name', async () => {
  await using bench = await Bench.make()
  const delta = FEEDS[0]?.delta as TableConfig['delta']
  const table = await bench.open({ delta })
  await load(table, { batch: 1n, add: sql`select i, 'a' from range(3) as r(i)` })
  await remove(table, 2n, '1')
  rmSync(join(bench.root, '_change_data'), { recursive: true })
  await expect(changes(bench, { delta }, versions(1n))).rejects.toMatchObject({
    code: 'ING-TABLE-DATA-FILE',
    message: expect.stringContaining('_change_data/cdc-'),
  })
})

it('change files of partitions, and rows of before a column was added', async () => {
  await using bench = await Bench.make()
  const delta = FEEDS[0]?.delta as TableConfig['delta']
  const settings = { delta, partitionColumns: ['name'] }
  const table = await bench.open(settings)
  await load(table, { batch: 1n, add: sql`select i, case when i < 3 then 'a b' end from range(6) as r(i)` })
  await remove(table, 2n, '1|4', sql`select 9, 'c'`)
  await load(table, {
    batch: 3n,
    add: sql`select 7, 'a b', 'late'`,
    columns: [...COLUMNS, { name: 'extra', type: 'VARCHAR', nullable: true }],
  })
  expect(await changes(bench, settings, versions(1n))).toEqual(['1 delete 1 a b', '1 delete 4 null', '1 insert 9 c', '2 insert 7 a b'])
})
