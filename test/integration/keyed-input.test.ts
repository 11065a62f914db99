import { describe, expect, test } from 'vitest'
import { Landing } from '../support/landing.ts'

type Report = Awaited<ReturnType<Landing['run']>>

function only(report: Report) {
  const [table] = report.tables
  if (table === undefined) throw new Error('no table')
  return table
}

function keyed(strategy: 'merge' | 'scd2', changes: Record<string, unknown> = {}): Landing {
  return new Landing({ loading_strategy: strategy, primary_keys: ['id'], sequence_by: 'at', ...changes })
}

const VERSION = "id, name, effective_date::varchar as f, coalesce(end_date::varchar, '') as t"

describe.each(['merge', 'scd2'] as const)('%s', (strategy) => {
  test('keys of several columns: rows that agree in one alone are of two keys', async () => {
    const landing = keyed(strategy, { primary_keys: ['shop', 'id'] })
    landing.land('1.csv', 'shop,id,name,at\nn,1,a,1\ns,1,b,1\nn,2,c,1\n', 1)
    await landing.run()
    landing.land('2.csv', 'shop,id,name,at\ns,1,B,2\nn,3,d,2\n', 2)
    expect(only(await landing.run()).rows).toMatchObject({ inserted: 1, updated: 1 })
    const where = strategy === 'scd2' ? "if(is_current, '*', '')" : "'*'"
    expect((await landing.rows(`shop || id || name || ${where} as row`)).map(({ row }) => row)).toEqual(
      strategy === 'scd2' ? ['n1a*', 'n2c*', 'n3d*', 's1B*', 's1b'] : ['n1a*', 'n2c*', 'n3d*', 's1B*'],
    )
  })

  test('a row without a value to order it by is rejected with its line', async () => {
    const landing = keyed(strategy)
    landing.land('1.csv', 'id,name,at\n1,a,1\n2,b,\n', 1)
    landing.land('2.csv', 'id,name,at\n3,c,1\n', 2)
    const report = only(await landing.run())
    expect(report.files).toMatchObject({ loaded: 1, failed: 1 })
    expect(report.errors).toMatchObject([{ code: 'ING-FILE-BAD-ROWS', message: expect.stringContaining('line 3') }])
    expect(report.errors[0]?.message).toContain('at, which orders the versions of a key, is null')
  })

  test('a value to order by that is of another type fails its file', async () => {
    const landing = keyed(strategy)
    landing.land('1.csv', 'id,name,at\n1,a,1\n', 1)
    await landing.run()
    landing.land('2.csv', 'id,name,at\n1,b,2\n1,c,soon\n', 2)
    landing.land('3.csv', 'id,name,at\n2,d,2\n', 3)
    expect(only(await landing.run())).toMatchObject({ status: 'error', files: { loaded: 1, failed: 1 } })
  })

  test('a batch of deletes alone takes the keys out, and is remembered of those that were never seen', async () => {
    const landing = keyed(strategy, { delete_when: "name = 'gone'" })
    landing.land('1.csv', 'id,name,at\n1,a,1\n2,b,1\n', 1)
    await landing.run()
    landing.land('2.csv', 'id,name,at\n1,gone,5\n3,gone,5\n', 2)
    expect(only(await landing.run())).toMatchObject({ status: 'pass', rows: { deleted: 1, unchanged: 1, loaded: 2 } })
    landing.land('3.csv', 'id,name,at\n3,late,4\n', 3)
    await landing.run()
    const live = strategy === 'scd2' ? 'count(*) filter (is_current)' : 'count(*)'
    expect(await landing.rows(`${live} as live, max(id) filter (name = 'b') as id`)).toEqual([{ live: '1', id: '2' }])
  })

  test('a table that another strategy filled, which lacks the columns of its own, is refused or its rows are the older ones', async () => {
    const landing = keyed(strategy)
    landing.land('1.csv', 'id,name,at\n1,a,1\n', 1)
    await landing.run({}, { loading_strategy: 'append', primary_keys: [], sequence_by: null })
    landing.land('2.csv', 'id,name,at\n1,b,2\n', 2)
    const report = only(await landing.run())
    if (strategy === 'scd2') expect(report.errors).toMatchObject([{ code: 'ING-TABLE-KEYS' }])
    else expect(await landing.rows('id, name')).toEqual([{ id: '1', name: 'b' }])
  })

  test('thousands of versions of one key, and one that comes late', { timeout: 120_000 }, async () => {
    const landing = keyed(strategy)
    const rows = Array.from({ length: 30_000 }, (_, index) => `1,n${index},${index * 2}`)
    landing.land('1.csv', `id,name,at\n${rows.join('\n')}\n`, 1)
    expect(only(await landing.run())).toMatchObject({ status: 'pass', rows: { loaded: 30_000, inserted: 1 } })
    landing.land('2.csv', 'id,name,at\n1,late,20001\n', 2)
    expect(only(await landing.run()).rows).toMatchObject(strategy === 'scd2' ? { updated: 1 } : { updated: 0 })
    if (strategy === 'merge') expect(await landing.rows('name')).toEqual([{ name: 'n29999' }])
    else {
      expect(await landing.rows('count(*) as n, count(*) filter (is_current) as c')).toEqual([{ n: '30001', c: '1' }])
      const around = await landing.rows(
        `list(name || effective_date || '-' || end_date order by "at") filter ("at" between 20000 and 20002) as n`,
      )
      expect(around).toEqual([{ n: ['n1000020000-20001', 'late20001-20002', 'n1000120002-20004'] }])
    }
  })
})

test('a dry run of scd2 tells which versions close and which open', async () => {
  const landing = keyed('scd2', { delete_when: "name = 'gone'" })
  landing.land('1.csv', 'id,name,at\n1,a,1\n2,b,1\n', 1)
  await landing.run()
  landing.land('2.csv', 'id,name,at\n1,x,2\n2,gone,3\n3,c,2\n', 2)
  const { plan } = only(await landing.run({ dryRun: true, verbose: true }))
  expect(plan?.difference).toMatchObject({ closed: { rows: 2 }, opened: { rows: 2 } })
  expect(await landing.rows(VERSION)).toHaveLength(2)
  await landing.run()
  expect(await landing.rows(VERSION)).toEqual([
    { id: '1', name: 'a', f: '1', t: '2' },
    { id: '1', name: 'x', f: '2', t: '' },
    { id: '2', name: 'b', f: '1', t: '3' },
    { id: '3', name: 'c', f: '2', t: '' },
  ])
})
