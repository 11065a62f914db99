import { expect, test } from 'vitest'
import type { Session } from '../../../src/engine/engine.ts'
import { id, inlined, raw, type Sql, sql } from '../../../src/engine/sql.ts'
import type { TableConfig } from '../../../src/model/table.ts'
import { merge } from '../../../src/strategies/merge.ts'
import { session } from '../../support/session.ts'
import { tableConfig } from '../../support/table.ts'

const COLUMNS = [
  { name: 'id', type: 'BIGINT' },
  { name: 'name', type: 'VARCHAR' },
  { name: 'at', type: 'BIGINT' },
  { name: '_source_file', type: 'VARCHAR' },
  { name: '_sequence', type: 'VARCHAR' },
]

/** A table in memory that plans are carried out on. */
class Target {
  readonly engine: Session
  readonly table: TableConfig
  /** A table that has no version yet. */
  isNew = true
  #file = 0

  constructor(engine: Session, table: TableConfig) {
    this.engine = engine
    this.table = table
  }

  static async open(
    changes: Partial<Omit<TableConfig, 'keyed'>> & { readonly keyed?: Partial<TableConfig['keyed']> } = {},
  ): Promise<Target> {
    const engine = await session()
    const plain = tableConfig()
    const table = tableConfig({
      strategy: 'merge',
      primaryKeys: ['id'],
      sequenceBy: ['at'],
      ...changes,
      keyed: { ...plain.keyed, ...changes.keyed },
    })
    await engine.run(raw('create temp table t (id bigint, name varchar, "at" bigint, _source_file varchar, _sequence varchar)'))
    await engine.run(
      sql`create temp table o as select id, ${table.sequenceBy.includes('at') ? raw('"at",') : raw('')} _sequence, false as __deleted from t`,
    )
    return new Target(engine, table)
  }

  /** Loads one file: rows of `id, name, at, deleted`. */
  async load(...rows: readonly (readonly [number, string | null, number, boolean?])[]) {
    this.#file += 1
    return this.loadAs(this.#file, ...rows)
  }

  async loadAs(file: number, ...rows: readonly (readonly [number, string | null, number, boolean?])[]) {
    const { engine } = this
    const values = rows.map(
      ([key, name, at, deleted], row) => `(${key}, ${name === null ? 'null' : `'${name}'`}, ${at}, ${row}, ${deleted === true})`,
    )
    const listed = rows.length === 0 ? '(null, null, null, null, null)' : values.join(', ')
    await engine.run(
      raw(`create or replace temp table records as select id::bigint as id, name::varchar as name, "at"::bigint as "at", 'f${file}' as _source_file,
        '${String(file).padStart(4, '0')} ' || lpad(row::varchar, 4, '0') as _sequence, 'f${file}' as __path, 0 as __ordinal, row::bigint as __row, '${file}' as __sequence, d as __deleted
        from (values ${listed}) as v(id, name, "at", row, d) where id is not null`),
    )
    const [seen] = await engine.rows(raw('select count(*) as n from o'))
    const plan = merge.plan({
      table: this.table,
      records: id('records'),
      current: this.isNew ? null : raw(`select *, 'data' as __file, rowid as __position from t`),
      observations: seen?.['n'] === 0n ? null : id('o'),
      files: raw(`(select '${String(file).padStart(4, '0')}' as sequence)`),
      partitionSequences: null,
      columns: COLUMNS,
      auditColumns: ['_source_file', '_sequence'],
    })
    for (const { name, query } of plan.steps ?? []) await engine.run(inlined(sql`create or replace temp table ${id(name)} as ${query}`))
    const [counts] = await engine.rows(plan.counts ?? raw('select 1'))
    const ties = plan.ties === undefined ? [] : await engine.rows(inlined(sql`select * from (${plan.ties}) order by all`))
    const changes =
      plan.changes === undefined
        ? []
        : await engine.rows(inlined(sql`select id, name, _change_type as type from (${plan.changes}) order by all`))
    await engine.run(inlined(sql`create or replace temp table added as ${plan.add}`))
    await engine.run(inlined(sql`create or replace temp table observed as ${plan.observe ?? raw('select 1')}`))
    await engine.run(
      sql`create or replace temp table gone as ${plan.remove.kind === 'positions' ? plan.remove.positions : raw('select null as file, -1 as row')}`,
    )
    await engine.run(
      raw(
        'create or replace temp table t as select * exclude (place) from (select *, rowid as place from t) where place not in (select "row" from gone) union all by name select * exclude (__path) from added',
      ),
    )
    await engine.run(raw('insert into o by name select * from observed'))
    this.isNew = false
    return { counts: Object.values(counts ?? {}).map(Number), ties, changes }
  }

  async rows(query: Sql = raw('select id, name, "at" from t order by all')): Promise<readonly string[]> {
    return (await this.engine.rows(query)).map((row) => Object.values(row).join(' '))
  }
}

test('a row takes the place of an older one with its key, and only of an older one', async () => {
  const target = await Target.open()
  expect((await target.load([1, 'a', 1], [2, 'b', 5])).counts).toEqual([2, 0, 0, 0, 0])
  expect((await target.load([1, 'A', 2], [2, 'B', 4], [3, 'c', 1])).counts).toEqual([1, 1, 0, 0, 1, 0])
  expect(await target.rows()).toEqual(['1 A 2', '2 b 5', '3 c 1'])
})

test('of several rows of a key in a batch the newest counts, wherever it stands', async () => {
  const target = await Target.open()
  expect((await target.load([1, 'a', 1], [1, 'c', 3], [1, 'b', 2])).counts).toEqual([1, 0, 0, 0, 2])
  expect((await target.load([1, 'e', 5], [1, 'd', 4])).counts).toEqual([0, 1, 0, 0, 1, 0])
  expect(await target.rows()).toEqual(['1 e 5'])
})

test('a late older row neither revives a deleted key nor comes after an unseen one was deleted', async () => {
  const target = await Target.open()
  await target.load([1, 'a', 1])
  expect((await target.load([1, null, 5, true], [2, null, 5, true])).counts).toEqual([0, 0, 1, 1, 0, 0])
  expect((await target.load([1, 'b', 4], [2, 'b', 4])).counts).toEqual([0, 0, 0, 0, 2, 0])
  expect(await target.rows()).toEqual([])
  expect((await target.load([1, 'c', 6], [2, 'c', 6])).counts).toEqual([2, 0, 0, 0, 0, 0])
  expect(await target.rows()).toEqual(['1 c 6', '2 c 6'])
})

test('without sequence_by a newer equal row changes nothing, and still outranks a row between', async () => {
  const target = await Target.open({ sequenceBy: [] })
  await target.loadAs(1, [1, 'a', 0])
  expect((await target.loadAs(3, [1, 'a', 0])).counts).toEqual([0, 0, 0, 1, 0, 0])
  expect(await target.rows(raw('select _sequence from t'))).toEqual(['0001 0000'])
  expect((await target.loadAs(2, [1, 'b', 0])).counts).toEqual([0, 0, 0, 0, 1, 0])
  expect((await target.loadAs(4, [1, 'c', 0])).counts).toEqual([0, 1, 0, 0, 0, 0])
  expect(await target.rows()).toEqual(['1 c 0'])
})

test('rows that tie and differ are settled by file order, and all contenders are told', async () => {
  const target = await Target.open()
  const within = await target.loadAs(2, [1, 'a', 1], [1, 'b', 1], [2, 'x', 1], [2, 'x', 1], [3, 'x', 1])
  expect(within.ties).toEqual([
    { key: '{"id":1}', path: 'f2', row: 0n, chosen: false },
    { key: '{"id":1}', path: 'f2', row: 1n, chosen: true },
  ])
  const between = await target.loadAs(1, [1, 'z', 1], [3, 'x', 1])
  expect(between.ties).toEqual([
    { key: '{"id":1}', path: 'f1', row: 0n, chosen: false },
    { key: '{"id":1}', path: 'f2', row: null, chosen: true },
  ])
  expect((await target.loadAs(3, [1, 'y', 1])).counts).toEqual([0, 1, 0, 0, 0, 0])
  expect(await target.rows()).toEqual(['1 y 1', '2 x 1', '3 x 1'])
})

test('a delete and an update that tie are settled by file order', async () => {
  const target = await Target.open()
  await target.loadAs(1, [1, 'a', 1], [2, 'a', 1])
  await target.loadAs(3, [1, null, 2, true], [2, 'b', 2])
  const { ties } = await target.loadAs(2, [1, 'b', 2], [2, null, 2, true])
  expect(await target.rows()).toEqual(['2 b 2'])
  expect(ties).toHaveLength(2)
})

test('insert_only never touches a row that is there', async () => {
  const target = await Target.open({ keyed: { insertOnly: true } })
  await target.load([1, 'a', 1])
  expect((await target.load([1, 'b', 2], [2, 'b', 2], [1, null, 3, true])).counts).toEqual([1, 0, 0, 1, 1, 0])
  expect(await target.rows()).toEqual(['1 a 1', '2 b 2'])
})

test('merge_update_columns changes these alone, and what orders the row', async () => {
  const target = await Target.open({ sequenceBy: [], keyed: { mergeUpdateColumns: ['name'] } })
  await target.load([1, 'a', 7])
  await target.load([1, 'b', 8], [2, 'b', 9])
  expect(await target.rows()).toEqual(['1 b 7', '2 b 9'])
  expect((await target.load([1, 'b', 9])).counts).toEqual([0, 0, 0, 1, 0, 0])
  expect(await target.rows(raw('select _sequence from t where id = 1'))).toEqual(['0002 0000'])
})

test('a key that a full snapshot lacks is deleted', async () => {
  const target = await Target.open({ sequenceBy: [], keyed: { missingMeansDeleted: true } })
  await target.load([1, 'a', 0], [2, 'b', 0], [3, 'c', 0])
  const { counts, changes } = await target.load([2, 'b', 0], [3, 'C', 0])
  expect(counts).toEqual([0, 1, 0, 1, 0, 1])
  expect(changes).toEqual([
    { id: 1n, name: 'a', type: 'delete' },
    { id: 3n, name: 'C', type: 'update_postimage' },
    { id: 3n, name: 'c', type: 'update_preimage' },
  ])
  expect(await target.rows(raw('select id, __deleted from o order by all'))).toEqual(['1 true', '2 false'])
  expect((await target.load()).counts).toEqual([0, 0, 0, 0, 0, 2])
  expect(await target.rows()).toEqual([])
})

test('the changes of a batch tell rows before and after', async () => {
  const target = await Target.open()
  await target.load([1, 'a', 1], [2, 'b', 1], [3, 'c', 1])
  const { changes } = await target.load([1, 'A', 2], [2, null, 2, true], [4, 'd', 1], [3, 'old', 0])
  expect(changes).toEqual([
    { id: 1n, name: 'A', type: 'update_postimage' },
    { id: 1n, name: 'a', type: 'update_preimage' },
    { id: 2n, name: 'b', type: 'delete' },
    { id: 4n, name: 'd', type: 'insert' },
  ])
})

test('rows of a foreign writer without a sequence are older than all, and a key that it left twice becomes one row', async () => {
  const target = await Target.open()
  await target.load([9, 'z', 1])
  await target.engine.run(
    raw(`insert into t values (1, 'x', null, null, null), (2, 'x', 1, null, null), (2, 'y', 1, null, null), (3, 'x', 5, null, null)`),
  )
  expect((await target.load([1, 'a', 1], [2, 'a', 1], [3, 'a', 5])).counts).toEqual([0, 3, 0, 0, 0, 0])
  expect(await target.rows()).toEqual(['1 a 1', '2 a 1', '3 a 5', '9 z 1'])
})
