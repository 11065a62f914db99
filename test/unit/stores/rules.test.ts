import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Sql, sql } from '../../../src/engine/sql.ts'
import type { OpenTable, TableColumn } from '../../../src/stores/store.ts'
import { metaData, PROTOCOL, schemaString, writeCommit } from '../delta/support.ts'
import { type Bench, benchForEach, COLUMNS, load } from './support.ts'

let bench: Bench
benchForEach((made) => {
  bench = made
})

/** A table of another writer with properties, and perhaps other fields. */
function foreign(configuration: Record<string, string>, changes: Record<string, unknown> = {}): void {
  writeCommit(bench.root, 0, [PROTOCOL, metaData({ configuration, ...changes })])
}

async function attempt(table: OpenTable, batch: bigint, add: Sql, columns: readonly TableColumn[] = table.state?.columns ?? COLUMNS) {
  return load(table, { batch, add, columns })
}

function dataFiles(): readonly string[] {
  return readdirSync(bench.root, { recursive: true })
    .map(String)
    .filter((name) => /\.(parquet|staged)$/.test(name))
}

test('a row that violates a CHECK constraint is not written, nor one for which it is unknown', async () => {
  foreign({ 'delta.constraints.positive': 'id > 0' })
  const table = await bench.open()
  await expect(attempt(table, 1n, sql`select 1, 'a' union all select -1, 'b'`)).rejects.toMatchObject({
    code: 'ING-TABLE-CONSTRAINT',
    message: 'db.t: a row violates the constraint positive (id > 0)',
  })
  await expect(attempt(table, 2n, sql`select null, 'b'`)).rejects.toThrow('the constraint positive')
  expect(dataFiles()).toEqual([])
  expect(await attempt(table, 3n, sql`select 1, null`)).toMatchObject({ kind: 'committed' })
})

test('the violated one of several constraints is named', async () => {
  foreign({ 'delta.constraints.a': 'id < 10', 'delta.Constraints.b': "name like 'x%'" })
  const table = await bench.open()
  await expect(attempt(table, 1n, sql`select 1, 'y'`)).rejects.toThrow("the constraint b (name like 'x%')")
  await expect(attempt(table, 2n, sql`select 10, 'x'`)).rejects.toThrow('the constraint a (id < 10)')
  expect(await attempt(table, 3n, sql`select 9, 'xy'`)).toMatchObject({ kind: 'committed' })
})

test('a constraint that we do not understand refuses the table by its name, before a file is written', async () => {
  foreign({ 'delta.constraints.odd': 'my_function(id)' })
  await expect(bench.open()).rejects.toMatchObject({
    code: 'ING-TABLE-CONSTRAINT-UNKNOWN',
    message: 'db.t has the constraint odd (my_function(id)), which ingestd cannot keep: the function my_function() is not understood',
  })
})

test('a constraint that is added while a batch is loaded stops the batch, and holds for the next plan', async () => {
  foreign({})
  const table = await bench.open()
  const other = await bench.open()
  await attempt(table, 1n, sql`select -1, 'a'`)
  const columns = table.state?.columns ?? []
  const staged = await other.stage({ add: sql`select -2, 'b'`, columns, batchId: 'late', sourceBytes: 0n })
  writeCommit(bench.root, 2, [metaData({ configuration: { 'delta.constraints.positive': 'id > 0' } })])
  await other.refresh()
  await expect(attempt(other, 2n, sql`select -3, 'c'`)).rejects.toThrow('the constraint positive')
  await other.discard([staged])
})

test('an invariant of a column, and the length of a VARCHAR, hold like a constraint', async () => {
  foreign(
    {},
    {
      schemaString: schemaString(
        { id: 'long', name: 'string' },
        {
          id: { metadata: { 'delta.invariants': '{"expression":{"expression":"id > 3"}}' } },
          name: { metadata: { __CHAR_VARCHAR_TYPE_STRING: 'varchar(3)' } },
        },
      ),
    },
  )
  const table = await bench.open()
  await expect(attempt(table, 1n, sql`select 3, 'a'`)).rejects.toThrow('the invariant of column id (id > 3)')
  await expect(attempt(table, 2n, sql`select 4, 'äöüß'`)).rejects.toThrow('varchar(3) of column name')
  expect(await attempt(table, 3n, sql`select 4, 'äöü' union all select 5, null`)).toMatchObject({ kind: 'committed' })
})

test('an empty text in a partition column is the null that the log makes of it', async () => {
  foreign({ 'delta.constraints.named': 'name is not null' }, { partitionColumns: ['name'] })
  const table = await bench.open({ partitionColumns: ['name'] })
  await expect(attempt(table, 1n, sql`select 1, ''`)).rejects.toThrow('the constraint named')
  expect(await attempt(table, 2n, sql`select 1, 'x'`)).toMatchObject({ kind: 'committed' })
})

test('rows are counted by the file that they come from and the rule that they violate', async () => {
  foreign(
    { 'delta.constraints.positive': 'id > 0' },
    { schemaString: schemaString({ id: 'long', name: 'string' }, { name: { nullable: false } }) },
  )
  const table = await bench.open()
  const rows = sql`select * from (values (1, 'a', 'good'), (-1, 'a', 'bad'), (0, 'b', 'bad'), (2, null, 'bad'), (3, null, 'worse'))
    as r(id, name, __path)`
  expect(await table.violations(rows, table.state?.columns ?? [])).toEqual([
    { path: 'bad', rule: 'NOT NULL of column name', rows: 1n },
    { path: 'bad', rule: 'the constraint positive (id > 0)', rows: 2n },
    { path: 'worse', rule: 'NOT NULL of column name', rows: 1n },
  ])
})

test('a new table may have constraints, and says so in its protocol', async () => {
  const table = await bench.open({ tableProperties: { 'delta.constraints.positive': 'id > 0' } })
  await expect(load(table, { batch: 1n, add: sql`select 0, 'a'` })).rejects.toThrow('the constraint positive')
  await load(table, { batch: 2n, add: sql`select 1, 'a'` })
  const [row] = await bench.session.rows(
    sql`select protocol from read_json(${join(bench.root, '_delta_log/00000000000000000000.json')},
      columns = {protocol: 'STRUCT("minReaderVersion" INT, "minWriterVersion" INT)'}) where protocol is not null`,
  )
  expect(row).toEqual({ protocol: { minReaderVersion: 1, minWriterVersion: 3 } })
})
