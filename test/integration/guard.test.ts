import { describe, expect, test } from 'vitest'
import { Landing } from '../support/landing.ts'

type Report = Awaited<ReturnType<Landing['run']>>

function only(report: Report) {
  const [table] = report.tables
  if (table === undefined) throw new Error('no table')
  return table
}

const ROWS = 'id, name, "at"'

describe('full snapshots and the guard', () => {
  const snapshots = (changes: Record<string, unknown> = {}) =>
    new Landing({ loading_strategy: 'merge', primary_keys: ['id'], missing_means_deleted: true, ...changes })
  const approve = (landing: Landing) => landing.use((ingest) => ingest.approve({ tables: ['t'] }))

  test('a key that the newest snapshot lacks is deleted, and older snapshots are skipped', async () => {
    const landing = snapshots()
    landing.land('1.csv', 'id,name,at\n1,a,0\n2,b,0\n3,c,0\n', 1)
    await landing.run()
    landing.land('2.csv', 'id,name,at\n9,never,0\n', 2)
    landing.land('3.csv', 'id,name,at\n1,a,0\n3,C,0\n', 3)
    expect(only(await landing.run())).toMatchObject({
      files: { loaded: 1, skipped: 1 },
      rows: { read: 2, updated: 1, deleted: 1, unchanged: 1 },
    })
    expect(await landing.rows(ROWS)).toEqual([
      { id: '1', name: 'a', at: '0' },
      { id: '3', name: 'C', at: '0' },
    ])
    landing.land('0.csv', 'id,name,at\n2,late,0\n', 0)
    expect(only(await landing.run())).toMatchObject({ files: { loaded: 0, skipped: 1 } })
    expect((await landing.files())[0]?.status_reason).toBe(`an older snapshot than ${landing.path('landing/3.csv')}`)
  })

  test('an empty snapshot is held without any guard, until it is approved', async () => {
    const landing = snapshots()
    landing.land('1.csv', 'id,name,at\n1,a,0\n2,b,0\n', 1)
    await landing.run()
    landing.land('2.csv', 'id,name,at\n', 2)
    const report = only(await landing.run())
    expect(report).toMatchObject({ status: 'warn', version: null, files: { loaded: 0, pending: 1 } })
    expect(report.warnings).toEqual([
      {
        code: 'ING-FILE-HELD',
        file: landing.path('landing/2.csv'),
        message: `${landing.path('landing/2.csv')} is held: it is empty, and would delete all of 2 rows; let it load with: ingest approve FILE`,
      },
    ])
    expect((await landing.files())[1]).toMatchObject({ status: 'pending', held_reason: 'it is empty, and would delete all of 2 rows' })
    expect(only(await landing.run())).toMatchObject({ status: 'pass', files: { loaded: 0 } })
    expect(await landing.rows(ROWS)).toHaveLength(2)
    expect(await approve(landing)).toBe(1)
    expect(only(await landing.run())).toMatchObject({ status: 'pass', rows: { deleted: 2 } })
    expect(await landing.rows(ROWS)).toEqual([])
  })

  test('a snapshot without bytes fails', async () => {
    const landing = snapshots()
    landing.land('1.csv', 'id,name,at\n1,a,0\n', 1)
    await landing.run()
    landing.land('2.csv', '', 2)
    expect(only(await landing.run()).errors[0]).toMatchObject({ code: 'ING-FILE-EMPTY' })
    expect(await landing.rows(ROWS)).toHaveLength(1)
  })

  test('a snapshot that would delete too much is held; new content at its path is judged anew', async () => {
    const landing = snapshots({ guard: { max_delete_ratio: 0.5 } })
    landing.land('1.csv', 'id,name,at\n1,a,0\n2,b,0\n3,c,0\n', 1)
    await landing.run()
    landing.land('2.csv', 'id,name,at\n1,a,0\n', 2)
    await landing.run()
    expect((await landing.files())[1]?.held_reason).toBe('it would delete 2 of 3 rows, and guard.max_delete_ratio is 0.5')
    landing.land('2.csv', 'id,name,at\n1,a,0\n2,b,0\n', 3)
    expect(only(await landing.run())).toMatchObject({ status: 'pass', rows: { deleted: 1 } })
    expect(await landing.rows('id')).toEqual([{ id: '1' }, { id: '2' }])
  })

  test.for([
    [{ min_rows: 2 }, 'it has 1 row, and guard.min_rows is 2'],
    [{ max_row_change_ratio: 0.5 }, 'it has 1 row where the file before had 3, and guard.max_row_change_ratio is 0.5'],
  ] as const)('a file with other numbers of rows is held by %j, and its neighbour loads', async ([guard, reason]) => {
    const landing = new Landing({ guard })
    landing.land('1.csv', 'id\n1\n2\n3\n', 1)
    await landing.run()
    landing.land('2.csv', 'id\n4\n', 2)
    landing.land('3.csv', 'id\n5\n6\n', 3)
    expect(only(await landing.run())).toMatchObject({ status: 'warn', files: { loaded: 1, pending: 1 } })
    expect((await landing.files())[1]?.held_reason).toBe(reason)
    expect(await landing.rows('count(*)::varchar as n')).toEqual([{ n: '5' }])
    await approve(landing)
    await landing.run()
    expect(await landing.rows('count(*)::varchar as n')).toEqual([{ n: '6' }])
  })

  test('an overwrite that shrinks the table is held, and the table stays', async () => {
    const landing = new Landing({ loading_strategy: 'overwrite', guard: { max_delete_ratio: 0.5 } })
    landing.land('1.csv', 'id\n1\n2\n3\n', 1)
    await landing.run()
    landing.land('2.csv', 'id\n1\n', 2)
    expect(only(await landing.run())).toMatchObject({ status: 'warn', files: { pending: 1 } })
    expect(await landing.rows('count(*)::varchar as n')).toEqual([{ n: '3' }])
  })
})
