import { expect, test } from 'vitest'
import { id, inlined, raw, sql } from '../../../src/engine/sql.ts'
import { append } from '../../../src/strategies/append.ts'
import { overwrite } from '../../../src/strategies/overwrite.ts'
import type { PlanInput, Strategy } from '../../../src/strategies/strategy.ts'
import { session } from '../../support/session.ts'
import { tableConfig } from '../../support/table.ts'

const columns = [
  { name: 'id', type: 'BIGINT' },
  { name: 'p', type: 'VARCHAR' },
  { name: '_source_file', type: 'VARCHAR' },
]

/** Plans over literal rows and answers what the plan adds, sorted. */
async function added(strategy: Strategy, rows: string, input: Partial<PlanInput>) {
  const engine = await session()
  await engine.run(
    raw(`create temp table records as select * from (values ${rows}) as t(id, p, _source_file, __path, __ordinal, __row, __sequence)`),
  )
  const plan = strategy.plan({
    table: tableConfig(),
    records: id('records'),
    current: null,
    observations: null,
    files: id('files'),
    partitionSequences: null,
    columns,
    auditColumns: ['_source_file'],
    ...input,
  })
  return {
    plan,
    rows: (await engine.rows(inlined(sql`select id, p, __path from (${plan.add}) order by all`))).map((row) =>
      Object.values(row).join(' '),
    ),
  }
}

const DUPLICATES = `(1, 'a', 'f2', 'f2', 1, 3, ''), (1, 'a', 'f1', 'f1', 0, 1, ''), (1, 'b', 'f1', 'f1', 0, 2, ''), (null, null, 'f1', 'f1', 0, 4, ''), (null, null, 'f2', 'f2', 1, 5, '')`

test('append adds every row and commutes with other appends', async () => {
  const { plan, rows } = await added(append, DUPLICATES, {})
  expect(rows).toHaveLength(5)
  expect(plan).toMatchObject({ remove: { kind: 'nothing' }, blindAppend: true })
})

test('of equal rows the first in file order stays, and nulls are equal', async () => {
  const { plan, rows } = await added(append, DUPLICATES, { table: tableConfig({ deduplicate: true }) })
  expect(rows).toEqual(['1 a f1', '1 b f1', '  f1'])
  expect(plan.blindAppend).toBe(false)
})

test('a list of columns decides which rows are the same', async () => {
  expect((await added(append, DUPLICATES, { table: tableConfig({ deduplicate: ['id'] }) })).rows).toEqual(['1 a f1', '  f1'])
})

test('a row that the table has already stays before a later one', async () => {
  const current = raw(`select 1 as id, 'a' as p, 'old' as _source_file union all select null, null, 'old'`)
  expect((await added(append, DUPLICATES, { table: tableConfig({ deduplicate: true }), current })).rows).toEqual(['1 b f1'])
})

test('overwrite replaces everything', async () => {
  const { plan, rows } = await added(overwrite, `(1, 'a', 'f', 'f', 0, 0, '')`, {})
  expect(rows).toEqual(['1 a f'])
  expect(plan).toMatchObject({ remove: { kind: 'everything' }, blindAppend: false, dropped: 'superseded' })
})

const SNAPSHOTS = `(1, 'x', 'f1', 'f1', 0, 0, '01 f1'), (2, 'y', 'f1', 'f1', 0, 1, '01 f1'), (3, 'y', 'f2', 'f2', 1, 2, '02 f2'), (4, null, 'f2', 'f2', 1, 3, '02 f2')`
const byPartition = tableConfig({ strategy: 'overwrite', overwriteScope: 'partition', partitionColumns: ['p'] })

test('each partition comes from the newest snapshot that has it', async () => {
  const { plan, rows } = await added(overwrite, SNAPSHOTS, { table: byPartition })
  expect(rows).toEqual(['1 x f1', '3 y f2', '4  f2'])
  expect(plan.remove).toEqual({ kind: 'partitions' })
})

test('a partition that the table holds from a newer snapshot stays', async () => {
  const partitionSequences = raw(`select 'y' as p, '03 f3' as sequence union all select null, '01 f1' union all select 'x', null`)
  expect((await added(overwrite, SNAPSHOTS, { table: byPartition, partitionSequences })).rows).toEqual(['1 x f1', '4  f2'])
})
