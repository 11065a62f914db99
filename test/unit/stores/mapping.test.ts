import { describe, expect, test } from 'vitest'
import { sql } from '../../../src/engine/sql.ts'
import type { TableColumn } from '../../../src/stores/store.ts'
import { activeFiles } from '../../support/project.ts'
import { actionsOf, metaData, writeCommit } from '../delta/support.ts'
import { type Bench, benchForEach, load } from './support.ts'

let bench: Bench
benchForEach((made) => {
  bench = made
})

function field(name: string, type: unknown, id: number): Record<string, unknown> {
  return {
    name,
    type,
    nullable: true,
    metadata: { 'delta.columnMapping.id': id, 'delta.columnMapping.physicalName': `col-${id}`, 'delta.typeChanges': [{ x: 1 }] },
  }
}

const STRUCT = { type: 'struct', fields: [field('a', 'long', 3), field('b', 'string', 4)] }
const FIELDS = [
  field('id', 'long', 1),
  field('who is', STRUCT, 2),
  field('list', { type: 'array', elementType: { type: 'struct', fields: [field('n', 'integer', 6)] }, containsNull: true }, 5),
  field(
    'map',
    { type: 'map', keyType: 'string', valueType: { type: 'struct', fields: [field('v', 'double', 8)] }, valueContainsNull: true },
    7,
  ),
  field('part', 'string', 9),
]

function mapped(mode: 'name' | 'id', configuration: Record<string, string> = {}): void {
  writeCommit(bench.root, 0, [
    { protocol: { minReaderVersion: 2, minWriterVersion: 5 } },
    metaData({
      schemaString: JSON.stringify({ type: 'struct', fields: FIELDS }),
      partitionColumns: ['part'],
      configuration: { 'delta.columnMapping.mode': mode, 'delta.columnMapping.maxColumnId': '12', ...configuration },
    }),
  ])
}

function actions(version: number, kind: string) {
  return actionsOf(bench.root, version, kind)
}

const ROW = sql`select 7, {'a': 1, 'b': 'x'}, [{'n': 5}, null], map {'k': {'v': 0.5}}, 'p 1' union all select 8, null, null, null, null`
const ROWS = [
  '{"id":7,"who is":{"a":1,"b":"x"},"list":[{"n":5},null],"map":{"k":{"v":0.5}},"part":"p 1"}',
  '{"id":8,"who is":null,"list":null,"map":null,"part":null}',
]

describe.each(['name', 'id'] as const)('mapping by %s', (mode) => {
  test('data files, statistics and partition values go by physical names, and fields have their ids', async () => {
    mapped(mode)
    const table = await bench.open({ partitionColumns: ['part'] })
    await load(table, { batch: 1n, columns: table.state?.columns ?? [], add: ROW })
    expect(await bench.rowsOf(await bench.open({ partitionColumns: ['part'] }))).toEqual(ROWS)
    const add = actions(1, 'add').find((one) => (one['partitionValues'] as Record<string, unknown>)['col-9'] === 'p 1')
    expect(JSON.parse(String(add?.['stats']))).toEqual({
      numRecords: 1,
      minValues: { 'col-1': 7, 'col-2': { 'col-3': 1, 'col-4': 'x' } },
      maxValues: { 'col-1': 7, 'col-2': { 'col-3': 1, 'col-4': 'x' } },
      nullCount: { 'col-1': 0, 'col-2': { 'col-3': 0, 'col-4': 0 } },
    })
    const [file] = activeFiles(bench.root)
    const columns = await bench.session.rows(
      sql`select name, field_id from parquet_schema(${file ?? ''}) where name like 'col-%' order by field_id`,
    )
    expect(columns).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((id) => ({ name: `col-${id}`, field_id: BigInt(id) })))
  })

  test('a new column gets the next id and a name of its own; what we do not know of the others stays', async () => {
    mapped(mode)
    const table = await bench.open({ partitionColumns: ['part'] })
    await load(table, { batch: 1n, columns: table.state?.columns ?? [], add: ROW })
    const more: TableColumn = { name: 'more', type: 'STRUCT("x" BIGINT)', nullable: true }
    await load(table, {
      batch: 2n,
      columns: [...(table.state?.columns ?? []), more],
      add: sql`select 9, null, null, null, 'q', {'x': 3}`,
    })
    const [metadata] = actions(2, 'metaData')
    expect(metadata?.['configuration']).toMatchObject({ 'delta.columnMapping.maxColumnId': '14', 'delta.columnMapping.mode': mode })
    const { fields } = JSON.parse(String(metadata?.['schemaString'])) as { fields: Record<string, never>[] }
    expect(fields.slice(0, 5)).toEqual(FIELDS)
    expect(fields[5]).toMatchObject({
      name: 'more',
      metadata: {
        'delta.columnMapping.id': 13,
        'delta.columnMapping.physicalName': expect.stringMatching(/^col-[0-9a-f]{8}-/),
      },
      type: { fields: [{ name: 'x', metadata: { 'delta.columnMapping.id': 14 } }] },
    })
    const again = await bench.open({ partitionColumns: ['part'] })
    expect(await bench.rowsOf(again)).toEqual([
      ...ROWS.map((row) => row.replace(/\}$/, ',"more":null}')),
      '{"id":9,"who is":null,"list":null,"map":null,"part":"q","more":{"x":3}}',
    ])
  })

  test('an overwrite of a partition finds it by its physical name', async () => {
    mapped(mode)
    const table = await bench.open({ partitionColumns: ['part'] })
    const columns = table.state?.columns ?? []
    await load(table, { batch: 1n, columns, add: ROW })
    await load(table, { batch: 2n, columns, add: sql`select 10, null, null, null, 'p 1'`, remove: 'partitions' })
    expect(actions(2, 'remove')).toHaveLength(1)
    expect(await bench.rowsOf(table)).toEqual(['{"id":10,"who is":null,"list":null,"map":null,"part":"p 1"}', ROWS[1]])
  })

  test('a new table may map its columns from the start', async () => {
    const table = await bench.open({ tableProperties: { 'delta.columnMapping.mode': mode } })
    await load(table, { batch: 1n, add: sql`select 1, 'x'` })
    const [metadata] = actions(0, 'metaData')
    expect(metadata?.['configuration']).toMatchObject({ 'delta.columnMapping.maxColumnId': '2' })
    expect(actions(0, 'protocol')).toEqual([{ minReaderVersion: 2, minWriterVersion: 5 }])
    expect(await bench.rowsOf(await bench.open())).toEqual(['{"id":1,"name":"x"}'])
  })
})

test('named statistics columns are found by the names that users see', async () => {
  mapped('name', { 'delta.dataSkippingStatsColumns': 'id,`who is`.a' })
  const table = await bench.open({ partitionColumns: ['part'] })
  await load(table, { batch: 1n, columns: table.state?.columns ?? [], add: ROW })
  const stats = JSON.parse(String(actions(1, 'add')[0]?.['stats'])) as Record<string, object>
  expect(stats['nullCount']).toEqual({ 'col-1': expect.any(Number), 'col-2': { 'col-3': expect.any(Number) } })
})
