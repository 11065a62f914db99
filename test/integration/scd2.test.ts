import { describe, expect, test } from 'vitest'
import { Landing } from '../support/landing.ts'

type Report = Awaited<ReturnType<Landing['run']>>

function only(report: Report) {
  const [table] = report.tables
  if (table === undefined) throw new Error('no table')
  return table
}

function history(changes: Record<string, unknown> = {}): Landing {
  return new Landing({ loading_strategy: 'scd2', primary_keys: ['id'], sequence_by: 'at', columns: { at: 'DATE' }, ...changes })
}

/** `key[from,until) value` of each version, current ones with a star, as a reader sees them, deletion vectors and all. */
async function versions(landing: Landing, dates = ['effective_date', 'end_date', 'is_current']): Promise<readonly string[]> {
  const found: string[] = []
  const [from, until, current] = dates
  const day = (column: string | undefined) => `coalesce(strftime(${column}, '%m-%d'), '')`
  const version = `id || '[' || ${day(from)} || ',' || ${day(until)} || ') ' || coalesce(name, '') || if(${current}, '*', '')`
  await landing.use((ingest) =>
    ingest.query(`select ${version} from "default".t order by all`, async ({ chunks }) => {
      for await (const chunk of chunks) found.push(...chunk.map(([text]) => String(text)))
    }),
  )
  return found
}

const MODES = [[{}], [{ delta: { deletion_vectors: true } }], [{ output_format: 'parquet' }]] as const

describe('scd2', () => {
  test.for(MODES)('keeps the history of a key, also where files come late: %j', async ([changes]) => {
    const landing = history({ delete_when: "op = 'D'", exclude_columns: ['op'], ...changes })
    landing.land('1.csv', 'id,name,at,op\n1,a,2024-01-01,\n2,x,2024-01-01,\n', 1)
    expect(only(await landing.run())).toMatchObject({ status: 'pass', rows: { read: 2, loaded: 2, inserted: 2 } })
    landing.land('2.csv', 'id,name,at,op\n1,a,2024-01-05,\n2,,2024-01-04,D\n', 2)
    expect(only(await landing.run()).rows).toMatchObject({ read: 2, unchanged: 1, deleted: 1 })
    landing.land('0.csv', 'id,name,at,op\n1,b,2024-01-03,\n2,y,2024-01-02,\n', 0)
    expect(only(await landing.run()).rows).toMatchObject({ read: 2, updated: 2 })
    expect(await versions(landing)).toEqual([
      '1[01-01,01-03) a',
      '1[01-03,01-05) b',
      '1[01-05,) a*',
      '2[01-01,01-02) x',
      '2[01-02,01-04) y',
    ])
  })

  test('names of its columns, the open end and tracked columns are as configured', async () => {
    const landing = history({
      scd2_effective_date_column: 'valid_from',
      scd2_end_date_column: 'valid_to',
      scd2_current_flag_column: 'current',
      scd2_open_end: '9999-12-31',
      tracking_columns: ['name'],
    })
    landing.land('1.csv', 'id,name,note,at\n1,a,x,2024-01-01\n', 1)
    await landing.run()
    landing.land('2.csv', 'id,name,note,at\n1,a,y,2024-01-02\n', 2)
    expect(only(await landing.run()).rows).toMatchObject({ updated: 1 })
    expect(await landing.rows('valid_from::varchar as f, valid_to::varchar as t, "current" as c, note')).toEqual([
      { f: '2024-01-01', t: '9999-12-31', c: true, note: 'y' },
    ])
  })

  test('without sequence_by a version begins when its file was modified', async () => {
    const landing = history({ sequence_by: null, columns: {} })
    landing.land('b.csv', 'id,name\n1,b\n', 86_400 * 2)
    await landing.run()
    landing.land('a.csv', 'id,name\n1,a\n', 86_400)
    await landing.run()
    expect(await versions(landing)).toEqual(['1[11-15,11-16) a', '1[11-16,) b*'])
  })

  test('full snapshots end what they lack, each in its turn, and an older one changes nothing', async () => {
    const landing = history({ sequence_by: null, columns: {}, missing_means_deleted: true })
    landing.land('1.csv', 'id,name\n1,a\n2,b\n', 86_400)
    landing.land('2.csv', 'id,name\n1,a\n', 86_400 * 2)
    landing.land('3.csv', 'id,name\n1,a\n2,b\n', 86_400 * 3)
    await landing.run()
    expect(await versions(landing)).toEqual(['1[11-15,) a*', '2[11-15,11-16) b', '2[11-17,) b*'])
    landing.land('0.csv', 'id,name\n9,z\n', 1)
    await landing.run()
    expect((await landing.states()).toSorted()[0]).toBe('0.csv skipped')
    expect(await versions(landing)).toHaveLength(3)
  })

  test('a new column is a change of what had none; partitioned tables keep their history too', async () => {
    const landing = history({ partition_columns: ['name'] })
    landing.land('1.csv', 'id,name,at\n1,a,2024-01-01\n2,b,2024-01-01\n', 1)
    await landing.run()
    landing.land('2.csv', 'id,name,at,extra\n1,b,2024-01-02,x\n2,b,2024-01-03,y\n', 2)
    expect(only(await landing.run())).toMatchObject({ status: 'pass', rows: { updated: 2 } })
    expect(await versions(landing)).toEqual(['1[01-01,01-02) a', '1[01-02,) b*', '2[01-01,01-03) b', '2[01-03,) b*'])
  })

  test('a column of the files that bears a name of its own fails the file', async () => {
    const landing = history()
    landing.land('1.csv', 'id,name,at,is_current\n1,a,2024-01-01,true\n', 1)
    expect(only(await landing.run())).toMatchObject({ status: 'error', files: { failed: 1 } })
  })

  test('a table without the columns of a history is refused, and one whose dates are of another type', async () => {
    const landing = history()
    landing.land('1.csv', 'id,name,at\n1,a,2024-01-01\n', 1)
    await landing.run({}, { loading_strategy: 'append', primary_keys: [], sequence_by: null })
    landing.land('2.csv', 'id,name,at\n1,b,2024-01-02\n', 2)
    expect(only(await landing.run()).errors[0]).toMatchObject({
      code: 'ING-TABLE-KEYS',
      message: 'default.t: the table has no column effective_date, which scd2 keeps',
    })
    const other = history()
    other.land('1.csv', 'id,name,at\n1,a,2024-01-01\n', 1)
    await other.run()
    other.land('2.csv', 'id,name,at,n\n1,b,2024-01-02,7\n', 2)
    expect(only(await other.run({}, { sequence_by: 'n' })).errors[0]).toMatchObject({
      message: 'default.t: column effective_date is DATE, where BIGINT is needed',
    })
  })

  test('files without rows make no columns: the first rows do', async () => {
    const landing = history({ sequence_by: 'n', columns: {} })
    landing.land('1.csv', 'id,name,n\n', 1)
    expect(only(await landing.run())).toMatchObject({ status: 'pass', files: { loaded: 1 } })
    landing.land('2.csv', 'id,name,n\n1,a,5\n', 2)
    expect(only(await landing.run())).toMatchObject({ status: 'pass', rows: { inserted: 1 } })
    expect(await landing.rows('effective_date')).toEqual([{ effective_date: '5' }])
  })

  test('a file of one key with several versions, and a batch of deletes alone', async () => {
    const landing = history({ delete_when: 'name is null' })
    landing.land('1.csv', 'id,name,at\n7,,2024-01-09\n', 1)
    expect(only(await landing.run())).toMatchObject({ status: 'pass', rows: { loaded: 1, unchanged: 1 } })
    landing.land('2.csv', 'id,name,at\n7,c,2024-01-03\n7,a,2024-01-01\n7,b,2024-01-02\n', 2)
    expect(only(await landing.run()).rows).toMatchObject({ loaded: 3, inserted: 1, updated: 2 })
    expect(await versions(landing)).toEqual(['7[01-01,01-02) a', '7[01-02,01-03) b', '7[01-03,01-09) c'])
  })

  test('when_tied: reject takes none of the rows of a batch that tie, and not the one that ties with a version of the table', async () => {
    const landing = history({ when_tied: 'reject', max_bad_rows: 2 })
    landing.land('1.csv', 'id,name,at\n1,a,2024-01-02\n1,b,2024-01-02\n1,c,2024-01-01\n2,x,2024-01-01\n', 1)
    expect(only(await landing.run())).toMatchObject({ status: 'warn', rows: { read: 4, rejected: 2, inserted: 2 } })
    landing.land('2.csv', 'id,name,at\n1,d,2024-01-01\n1,e,2024-01-03\n2,x,2024-01-01\n', 2)
    expect(only(await landing.run()).rows).toMatchObject({ read: 3, rejected: 1, updated: 1, unchanged: 1 })
    expect(await versions(landing)).toEqual(['1[01-01,01-03) c', '1[01-03,) e*', '2[01-01,) x*'])
  })

  test('when_tied: reject holds for versions that ended, and beyond max_bad_rows the file fails with the lines', async () => {
    const landing = history({ when_tied: 'reject', max_bad_rows: 0 })
    landing.land('1.csv', 'id,name,at\n1,a,2024-01-01\n1,b,2024-01-03\n', 1)
    await landing.run()
    landing.land('2.csv', 'id,name,at\n1,z,2024-01-01\n', 2)
    landing.land('3.csv', 'id,name,at\n1,c,2024-01-02\n', 3)
    const report = only(await landing.run())
    expect(report.errors).toMatchObject([{ code: 'ING-FILE-BAD-ROWS', message: expect.stringContaining('line 2') }])
    expect(await versions(landing)).toEqual(['1[01-01,01-02) a', '1[01-02,01-03) c', '1[01-03,) b*'])
  })

  test('what another writer did to a history since: deletes end it, and a row without a start is left to validate', async () => {
    const landing = history({ delta: { deletion_vectors: true } })
    landing.land('1.csv', 'id,name,at\n1,a,2024-01-01\n2,x,2024-01-01\n', 1)
    await landing.run()
    landing.land('2.csv', 'id,name,at\n1,b,2024-01-03\n', 2)
    await landing.run({}, { loading_strategy: 'append', primary_keys: [], sequence_by: null })
    landing.land('3.csv', 'id,name,at\n1,c,2024-01-02\n2,y,2024-01-02\n', 3)
    expect(only(await landing.run()).rows).toMatchObject({ updated: 2 })
    expect(await versions(landing)).toEqual(['1[,) b', '1[01-01,01-02) a', '1[01-02,) c*', '2[01-01,01-02) x', '2[01-02,) y*'])
  })
})
