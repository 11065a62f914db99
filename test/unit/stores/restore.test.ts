import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Blobs } from '../../../src/blobs/blobs.ts'
import { type Sql, sql } from '../../../src/engine/sql.ts'
import type { Manifest } from '../../../src/model/manifest.ts'
import type { TableConfig } from '../../../src/model/table.ts'
import type { CommitOutcome, Loader, OpenTable, TableRestore } from '../../../src/stores/store.ts'
import { actionsOf, metaData, writeCommit } from '../delta/support.ts'
import { hookedBlobs } from './hooked-blobs.ts'
import { type Bench, benchForEach, COLUMNS, load, manifestOf, staged } from './support.ts'

let bench: Bench
benchForEach((made) => {
  bench = made
})

const LOADER: Loader = {
  trackerId: '11111111-1111-4111-8111-111111111111',
  appId: 'ingestd/11111111-1111-4111-8111-111111111111/22222222-2222-4222-8222-222222222222',
}

function actions(version: number, kind: string) {
  return actionsOf(bench.root, version, kind)
}

function restoreManifest(batch: bigint, restore: TableRestore): Manifest {
  const point = { version: restore.plan.to, batch: restore.batch, files: 'pending' as const }
  return { ...manifestOf({ batch, add: sql`select 1` }), format: 2, restore: point }
}

/** Plans a restore, and commits it as the batch. */
async function restore(table: OpenTable, version: bigint, batch: bigint): Promise<CommitOutcome> {
  await table.refresh()
  await using planned = await table.planRestore({ version }, LOADER)
  const manifest = restoreManifest(batch, planned)
  expect(await table.writeManifest(manifest)).toBe('created')
  return await table.restore(planned, manifest, LOADER)
}

/** Removes rows by a condition, and adds none. */
async function removeRows(table: OpenTable, batch: bigint, where: Sql): Promise<void> {
  const request = await staged(table, { batch, add: sql`select null::bigint, null::varchar where false` })
  const removal = await table.stageRemoval({
    positions: sql`select __file, __position from (${await table.located()}) where ${where}`,
    added: sql`select null::bigint, null::varchar where false`,
    addedRows: 0n,
    changes: null,
    columns: COLUMNS,
    batchId: request.manifest.batchId,
  })
  const removing = { ...request, staged: [...request.staged, ...removal.staged], remove: 'positions' as const, removal, blindAppend: false }
  expect((await table.commit(removing)).kind).toBe('committed')
}

const VECTORS = { deletionVectors: true } as Partial<TableConfig['delta']>

function withVectors(): Promise<OpenTable> {
  return bench.open({ delta: { ...bench.table().delta, ...VECTORS } })
}

async function ids(table: OpenTable): Promise<readonly number[]> {
  await table.refresh()
  const rows = await bench.session.rows(sql`select id from (${await table.current()}) order by id`)
  return rows.map((row) => Number(row['id']))
}

describe('deletion vectors', () => {
  test('a file comes back with the vector that it had', async () => {
    const table = await withVectors()
    await load(table, { batch: 1n, add: sql`select i, 'x' from range(10) as r(i)` })
    await removeRows(table, 2n, sql`id < 3`)
    await removeRows(table, 3n, sql`id > 7`)
    expect(await ids(table)).toEqual([3, 4, 5, 6, 7])
    expect(await restore(table, 1n, 4n)).toEqual({ kind: 'committed', version: 3n })
    expect(await ids(table)).toEqual([3, 4, 5, 6, 7, 8, 9])
    const [removed] = actions(3, 'remove')
    const [added] = actions(3, 'add')
    // One file: the newer vector goes, the older one comes.
    expect(removed?.['path']).toBe(added?.['path'])
    expect(added?.['deletionVector']).toMatchObject({ ...(actions(1, 'add')[0]?.['deletionVector'] as object) })
    expect(removed?.['deletionVector']).toMatchObject({ ...(actions(2, 'add')[0]?.['deletionVector'] as object) })
    expect(await restore(table, 0n, 5n)).toEqual({ kind: 'committed', version: 4n })
    expect(await ids(table)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(actions(4, 'add')[0]).not.toHaveProperty('deletionVector')
  })

  test('a vector whose file is gone is named', async () => {
    const table = await withVectors()
    await load(table, { batch: 1n, add: sql`select i, 'x' from range(10) as r(i)` })
    await removeRows(table, 2n, sql`id < 3`)
    await restore(table, 0n, 3n)
    const [vectors] = readdirSync(bench.root).filter((name) => name.startsWith('deletion_vector_'))
    rmSync(join(bench.root, vectors ?? '-'))
    await expect(table.planRestore({ version: 1n }, LOADER)).rejects.toMatchObject({
      code: 'ING-TABLE-RESTORE',
      message: expect.stringContaining(vectors ?? '-') as string,
    })
  })
})

describe('files', () => {
  test('they come back with their partition, statistics and tags', async () => {
    const table = await bench.open({ partitionColumns: ['name'] })
    await load(table, { batch: 1n, add: sql`select 1, 'a b%/ü' union all select 2, null`, tags: { 'ingestd.sequence': '7' } })
    await load(table, { batch: 2n, add: sql`select 3, 'c'`, remove: 'everything' })
    expect(await restore(table, 0n, 3n)).toEqual({ kind: 'committed', version: 2n })
    expect(await bench.rowsOf(table)).toEqual(['{"id":1,"name":"a b%/ü"}', '{"id":2,"name":null}'])
    const first = actions(0, 'add').map(({ modificationTime: _, ...rest }) => rest)
    const back = actions(2, 'add').map(({ modificationTime: _, ...rest }) => rest)
    const byPath = (one: Record<string, unknown>, other: Record<string, unknown>) =>
      String(one['path']).localeCompare(String(other['path']))
    expect(back.toSorted(byPath)).toEqual(first.toSorted(byPath))
    const again = await bench.open({ partitionColumns: ['name'] })
    expect(await bench.rowsOf(again)).toHaveLength(2)
  })

  test('what both versions have is not touched', async () => {
    const table = await bench.open()
    await load(table, { batch: 1n, add: sql`select 1, 'a'` })
    await load(table, { batch: 2n, add: sql`select 2, 'b'` })
    await restore(table, 0n, 3n)
    expect([actions(2, 'add').length, actions(2, 'remove').length]).toEqual([0, 1])
    expect(actions(2, 'commitInfo')[0]?.['operationMetrics']).toMatchObject({ numOfFilesAfterRestore: '1', numRestoredFiles: '0' })
  })

  test('a file that has another size than the log says counts as gone', async () => {
    const table = await bench.open()
    await load(table, { batch: 1n, add: sql`select 1, 'a'` })
    await load(table, { batch: 2n, add: sql`select 2, 'b'`, remove: 'everything' })
    writeFileSync(join(bench.root, decodeURIComponent(String(actions(0, 'add')[0]?.['path']))), 'cut')
    await expect(table.planRestore({ version: 0n }, LOADER)).rejects.toMatchObject({ code: 'ING-TABLE-RESTORE' })
  })
})

describe('protocol and metadata', () => {
  test('the protocol is never lowered, and the properties are those of the version', async () => {
    const table = await bench.open({ tableProperties: { 'x.y': '1' } })
    await load(table, { batch: 1n, add: sql`select 1, 'a'` })
    const wider = [...COLUMNS, { name: 'at', type: 'TIMESTAMP', nullable: true }]
    await load(table, { batch: 2n, columns: wider, add: sql`select 2, 'b', timestamp '2024-01-01 00:00:00'` })
    expect(actions(1, 'protocol')[0]).toMatchObject({ minReaderVersion: 3, minWriterVersion: 7 })
    await restore(table, 0n, 3n)
    expect(actions(2, 'protocol')).toEqual([])
    expect(actions(2, 'metaData')[0]).toMatchObject({ configuration: { 'x.y': '1', 'ingestd.tracker': LOADER.trackerId } })
    expect(table.state?.columns).toEqual(COLUMNS)
    // And forward again: the column is back.
    await restore(table, 1n, 4n)
    expect(table.state?.columns).toEqual(wider)
    expect(await bench.rowsOf(table)).toEqual(['{"id":1,"name":"a","at":null}', '{"id":2,"name":"b","at":"2024-01-01 00:00:00"}'])
  })

  test('how the log tells its time stays as it is', async () => {
    const table = await bench.open()
    await load(table, { batch: 1n, add: sql`select 1, 'a'` })
    const [made] = actions(0, 'metaData')
    const configuration = {
      ...(made?.['configuration'] as Record<string, string>),
      'delta.enableInCommitTimestamps': 'true',
      'delta.inCommitTimestampEnablementVersion': '1',
      'delta.inCommitTimestampEnablementTimestamp': String(Date.now()),
    }
    writeCommit(bench.root, 1, [
      { commitInfo: { inCommitTimestamp: Date.now(), timestamp: Date.now(), operation: 'SET TBLPROPERTIES' } },
      { protocol: { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['appendOnly', 'invariants', 'inCommitTimestamp'] } },
      { metaData: { ...made, configuration } },
    ])
    await restore(table, 0n, 2n)
    expect(actions(2, 'commitInfo')[0]).toHaveProperty('inCommitTimestamp')
    expect(actions(2, 'metaData')).toEqual([])
    const again = await bench.open()
    expect(again.state?.properties).toMatchObject(configuration)
  })

  test('a step across a change of the column mapping is refused', async () => {
    const field = (metadata: Record<string, unknown>) => [{ name: 'id', type: 'long', nullable: true, metadata }]
    const schema = (metadata: Record<string, unknown>) => JSON.stringify({ type: 'struct', fields: field(metadata) })
    writeCommit(bench.root, 0, [{ protocol: { minReaderVersion: 2, minWriterVersion: 5 } }, metaData({ schemaString: schema({}) })])
    writeCommit(bench.root, 1, [
      metaData({
        schemaString: schema({ 'delta.columnMapping.id': 1, 'delta.columnMapping.physicalName': 'id' }),
        configuration: { 'delta.columnMapping.mode': 'name', 'delta.columnMapping.maxColumnId': '1' },
      }),
    ])
    const table = await bench.open()
    await expect(table.planRestore({ version: 0n }, LOADER)).rejects.toMatchObject({ code: 'ING-TABLE-RESTORE' })
  })

  test('a version that we loaded and that does not tell its batch any more is refused', async () => {
    const table = await bench.open()
    await load(table, { batch: 1n, add: sql`select 1, 'a'` })
    const [made] = actions(0, 'metaData')
    const [protocol] = actions(0, 'protocol')
    rmSync(join(bench.root, '_delta_log'), { recursive: true })
    writeCommit(bench.root, 0, [{ protocol }, { metaData: made }])
    writeCommit(bench.root, 1, [{ commitInfo: { operation: 'ELSEWHERE' } }])
    const again = await bench.open()
    await expect(again.planRestore({ version: 0n }, LOADER)).rejects.toMatchObject({ code: 'ING-TABLE-RESTORE' })
  })
})

describe('beside other writers', () => {
  async function planned(blobs?: (root: string) => Blobs) {
    const table = await bench.open({}, blobs)
    await load(table, { batch: 1n, add: sql`select 1, 'a'` })
    await load(table, { batch: 2n, add: sql`select 2, 'b'` })
    const restoring = await table.planRestore({ version: 0n }, LOADER)
    const manifest = restoreManifest(3n, restoring)
    await table.writeManifest(manifest)
    return { table, restoring, manifest }
  }

  test('any change since the plan is a conflict', async () => {
    const { table, restoring, manifest } = await planned()
    const add = { ...actions(1, 'add')[0], path: 'elsewhere.parquet' }
    writeCommit(bench.root, 2, [{ commitInfo: { operation: 'WRITE', isBlindAppend: true } }, { add }])
    expect(await table.restore(restoring, manifest, LOADER)).toMatchObject({ kind: 'conflict', version: 2n })
    expect(readdirSync(join(bench.root, '_delta_log')).filter((name) => name.endsWith('.json'))).toHaveLength(3)
  })

  test('a commit that changes nothing of the table is none', async () => {
    const { table, restoring, manifest } = await planned()
    writeCommit(bench.root, 2, [{ commitInfo: { operation: 'VACUUM START' } }])
    expect(await table.restore(restoring, manifest, LOADER)).toEqual({ kind: 'committed', version: 3n })
    expect(await ids(table)).toEqual([1])
  })

  test('a batch of our own that came first overtakes it', async () => {
    const { table, restoring, manifest } = await planned()
    const other = await bench.open()
    await load(other, { batch: 3n, batchId: 'another', add: sql`select 3, 'c'` })
    expect(await table.restore(restoring, manifest, LOADER)).toMatchObject({ kind: 'overtaken', batch: 3n })
    expect(await ids(table)).toEqual([1, 2, 3])
  })

  test('a lost answer is no second commit', async () => {
    let lost = false
    const { table, restoring, manifest } = await planned((root) =>
      hookedBlobs(root, (real) => ({
        putIfAbsent: async (path, content) => {
          const answer = await real.putIfAbsent(path, content)
          if (!path.endsWith('00000000000000000002.json') || !path.startsWith('_delta_log')) return answer
          lost = true
          throw new Error('the connection was lost')
        },
      })),
    )
    expect(await table.restore(restoring, manifest, LOADER)).toEqual({ kind: 'committed', version: 2n })
    expect(lost).toBe(true)
    expect(await ids(table)).toEqual([1])
    expect(readdirSync(join(bench.root, '_delta_log')).filter((name) => name.endsWith('.json'))).toHaveLength(3)
  })
})
