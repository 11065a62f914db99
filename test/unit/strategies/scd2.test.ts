import { expect, test } from 'vitest'
import type { Session } from '../../../src/engine/engine.ts'
import type { TableConfig } from '../../../src/model/table.ts'
import { scd2 } from '../../../src/strategies/scd2.ts'
import type { Delivered } from '../../oracle/model.ts'
import { PlanTable } from '../../oracle/plan-table.ts'
import { session } from '../../support/session.ts'
import { tableConfig } from '../../support/table.ts'

/** `key@time value`, as `1@3 a`; `-` for a delete, `/x` behind the value for the untracked column. */
function rows(text: string, time = 1): readonly Delivered[] {
  return text.split(', ').map((one, index) => {
    const [place = '', value = '-'] = one.split(' ')
    const [key, at] = place.split('@')
    const [tracked = '', untracked = null] = value.split('/')
    const file = { modified: 1_700_000_000 + time, path: `/landing/${time}.csv` }
    return {
      key: Number(key),
      sequence: [Number(at)],
      tracked: tracked === '-' ? null : tracked,
      untracked,
      deleted: tracked === '-',
      file,
      row: index,
    }
  })
}

async function open(
  changes: Partial<TableConfig['keyed']> = {},
  config: Partial<TableConfig> = {},
  type = 'BIGINT',
  engine?: Session,
): Promise<PlanTable> {
  const keyed = { ...tableConfig().keyed, ...changes }
  return new PlanTable(
    engine ?? (await session()),
    scd2,
    tableConfig({ strategy: 'scd2', primaryKeys: ['id'], sequenceBy: ['s0'], ...config, keyed }),
    type,
  )
}

/** `key[from,until) value`, current ones with a star. */
async function versions(table: PlanTable): Promise<readonly string[]> {
  const held = await table.rows(
    "id || '[' || effective_date || ',' || coalesce(end_date::varchar, '') || ') ' || coalesce(a, '') || coalesce('/' || u, '') || if(is_current, '*', '') as version",
  )
  return held.map(({ version }) => String(version))
}

test('a late version splits the one that covers it, also where a row that changed nothing came before', async () => {
  const table = await open()
  await table.load(rows('1@1 a'))
  await table.load(rows('1@3 a', 2))
  await table.load(rows('1@2 b', 3))
  expect(await versions(table)).toEqual(['1[1,2) a', '1[2,3) b', '1[3,) a*'])
})

test('a row that changes nothing writes nothing', async () => {
  const table = await open()
  await table.load(rows('1@1 a, 2@1 b'))
  const { counts, added, removed } = await table.load(rows('1@3 a, 2@1 b', 2))
  expect({ counts, added, removed }).toEqual({
    counts: { inserted: 0, updated: 0, deleted: 0, unchanged: 2, superseded: 0, missing: 0 },
    added: 0,
    removed: 0,
  })
})

test('a late version that equals the next one begins it earlier', async () => {
  const table = await open()
  await table.load(rows('1@5 a'))
  const { changes } = await table.load(rows('1@2 a', 2))
  expect(await versions(table)).toEqual(['1[2,) a*'])
  expect(changes).toEqual({ delete: 1, insert: 1 })
})

test('a delete ends the current version, and a key that comes back opens another', async () => {
  const table = await open()
  await table.load(rows('1@1 a'))
  const deleted = await table.load(rows('1@4 -', 2))
  const back = await table.load(rows('1@6 a', 3))
  expect(await versions(table)).toEqual(['1[1,4) a', '1[6,) a*'])
  expect([deleted.counts['deleted'], back.counts['inserted']]).toEqual([1, 1])
  expect(deleted.changes).toEqual({ update_preimage: 1, update_postimage: 1 })
})

test('a delete of an unseen key is remembered: an older row of it ends there', async () => {
  const table = await open()
  const { counts } = await table.load(rows('1@4 -'))
  await table.load(rows('1@2 a', 2))
  expect(await versions(table)).toEqual(['1[2,4) a'])
  expect(counts).toMatchObject({ unchanged: 1, deleted: 0 })
})

test('an untracked column is brought up to date in place, and a late row brings back what the version showed before', async () => {
  const table = await open({}, { trackingColumns: ['a'] })
  await table.load(rows('1@1 a/x'))
  const { counts } = await table.load(rows('1@3 a/y', 2))
  expect(await versions(table)).toEqual(['1[1,) a/y*'])
  expect(counts).toMatchObject({ updated: 1 })
  await table.load(rows('1@2 b/z', 3))
  expect(await versions(table)).toEqual(['1[1,2) a/x', '1[2,3) b/z', '1[3,) a/y*'])
})

test('of two rows of a key with one time the later file stays, whichever comes first', async () => {
  const table = await open()
  const { ties } = await table.load(rows('1@1 b', 2))
  const late = await table.load(rows('1@1 a', 1))
  expect(await versions(table)).toEqual(['1[1,) b*'])
  expect(late.counts).toMatchObject({ superseded: 1 })
  expect(ties).toEqual([])
  expect(late.ties).toEqual([
    { key: '{"id":1}', chosen: false },
    { key: '{"id":1}', chosen: true },
  ])
})

test('rows of one batch that tie and differ are told', async () => {
  const table = await open()
  const { ties } = await table.load(rows('1@1 a, 1@1 b, 2@1 c, 2@1 c'))
  expect(ties).toEqual([
    { key: '{"id":1}', chosen: false },
    { key: '{"id":1}', chosen: true },
  ])
})

test('scd2_open_end takes the place of null, and what is open by either setting ends by the other', async () => {
  const engine = await session()
  const table = await open({ openEnd: '9999-12-31' }, {}, 'DATE', engine)
  await table.load(rows('1@1 a, 2@1 b'))
  expect(await versions(table)).toEqual(['1[1970-01-02,9999-12-31) a*', '2[1970-01-02,9999-12-31) b*'])
  const other = await open({}, {}, 'DATE', engine)
  await other.load(rows('1@3 c', 2))
  expect(await versions(other)).toEqual(['1[1970-01-02,1970-01-04) a', '1[1970-01-04,) c*', '2[1970-01-02,9999-12-31) b*'])
})

test('scd2_open_end is refused where the dates are numbers', async () => {
  const table = await open({ openEnd: '9999-12-31' })
  await expect(table.load(rows('1@1 a'))).rejects.toThrow('scd2_open_end needs dates, but sequence_by is BIGINT')
})
