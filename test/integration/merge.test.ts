import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Landing } from '../support/landing.ts'
import { logActions } from '../support/project.ts'

type Report = Awaited<ReturnType<Landing['run']>>

function only(report: Report) {
  const [table] = report.tables
  if (table === undefined) throw new Error('no table')
  return table
}

function merged(changes: Record<string, unknown> = {}): Landing {
  return new Landing({ loading_strategy: 'merge', primary_keys: ['id'], sequence_by: 'at', ...changes })
}

const ROWS = 'id, name, "at"'

/** What a reader sees, deletion vectors and all. */
async function queried(landing: Landing): Promise<readonly unknown[]> {
  const rows: unknown[] = []
  await landing.use((ingest) =>
    ingest.query(`select ${ROWS} from "default".t order by id`, async ({ chunks, columns }) => {
      for await (const chunk of chunks)
        for (const row of chunk) rows.push(Object.fromEntries(columns.map(({ name }, index) => [name, row[index]])))
    }),
  )
  return rows
}

function sideFiles(landing: Landing): readonly string[] {
  const folder = join(landing.table, '_ingestd/observations')
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.observed')) : []
}

function manifests(landing: Landing): readonly { readonly sideFiles: readonly string[] }[] {
  const folder = join(landing.table, '_ingestd/manifests')
  return readdirSync(folder)
    .toSorted()
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as { sideFiles: string[] })
}

describe('merge', () => {
  test.for([[{}], [{ delta: { deletion_vectors: true } }], [{ output_format: 'parquet' }]] as const)(
    'rows replace older ones by key: %j',
    async ([changes]) => {
      const landing = merged({ delete_when: "op = 'D'", ...changes })
      landing.land('1.csv', 'id,name,at,op\n1,a,1,\n2,b,1,\n3,c,5,\n', 1)
      expect(only(await landing.run()).rows).toMatchObject({ read: 3, loaded: 3, inserted: 3, updated: 0 })
      landing.land('2.csv', 'id,name,at,op\n1,A,2,\n2,,2,D\n3,old,4,\n4,d,1,\n9,,3,D\n4,D,2,\n', 2)
      const second = only(await landing.run())
      expect(second).toMatchObject({ status: 'pass', rows: { read: 6, loaded: 6, inserted: 1, updated: 1, deleted: 1, unchanged: 1 } })
      landing.land('0.csv', 'id,name,at,op\n2,late,1,\n9,late,2,\n1,late,1,\n', 0)
      expect(only(await landing.run()).rows).toMatchObject({ read: 3, loaded: 3, inserted: 0, updated: 0, deleted: 0, unchanged: 0 })
      expect(await queried(landing)).toEqual([
        { id: 1, name: 'A', at: 2 },
        { id: 3, name: 'c', at: 5 },
        { id: 4, name: 'D', at: 2 },
      ])
    },
  )

  test('without sequence_by the file that is newer wins, whichever run takes it', async () => {
    const landing = merged({ sequence_by: null })
    landing.land('b.csv', 'id,name,at\n1,new,0\n1,newer,0\n', 2)
    await landing.run()
    landing.land('a.csv', 'id,name,at\n1,old,0\n2,old,0\n', 1)
    await landing.run()
    expect(await landing.rows(ROWS)).toEqual([
      { id: '1', name: 'newer', at: '0' },
      { id: '2', name: 'old', at: '0' },
    ])
    const [row] = await landing.rows('_sequence')
    expect(row).toEqual({ _sequence: '01700000001000000000 a.csv 000000000001' })
  })

  test('new content at a loaded path is the newest data', async () => {
    const landing = merged({ sequence_by: null })
    landing.land('a.csv', 'id,name,at\n1,a,0\n2,b,0\n', 1)
    await landing.run()
    landing.land('a.csv', 'id,name,at\n1,A,0\n2,b,0\n', 2)
    expect(only(await landing.run()).rows).toMatchObject({ updated: 1, unchanged: 1 })
    expect(await landing.rows(ROWS)).toEqual([
      { id: '1', name: 'A', at: '0' },
      { id: '2', name: 'b', at: '0' },
    ])
  })

  test('a table that is partitioned moves a row whose partition changes', async () => {
    const landing = merged({ partition_columns: ['name'] })
    landing.land('1.csv', 'id,name,at\n1,a,1\n2,b,1\n', 1)
    await landing.run()
    landing.land('2.csv', 'id,name,at\n1,b,2\n', 2)
    expect(only(await landing.run())).toMatchObject({ rows: { updated: 1 } })
    expect(await landing.rows('id, name')).toEqual([
      { id: '1', name: 'b' },
      { id: '2', name: 'b' },
    ])
  })

  test('a column that comes later is null in older rows, and one that a newer row lacks becomes null', async () => {
    const landing = merged()
    landing.land('1.csv', 'id,name,at\n1,a,1\n2,b,1\n', 1)
    await landing.run()
    landing.land('2.csv', 'id,at,extra\n1,2,x\n', 2)
    expect(only(await landing.run())).toMatchObject({ status: 'pass', rows: { updated: 1 } })
    expect(await landing.rows('id, name, extra')).toEqual([
      { id: '1', name: null, extra: 'x' },
      { id: '2', name: 'b', extra: null },
    ])
  })

  test('only files that can hold a key are read and written again', async () => {
    const landing = merged()
    for (const file of [0, 1, 2, 3]) landing.land(`${file}.csv`, `id,name,at\n${file * 10},a,1\n${file * 10 + 1},b,1\n`, file)
    await landing.run({}, { max_files_per_batch: 1 })
    landing.land('9.csv', 'id,name,at\n20,A,2\n25,new,2\n', 9)
    await landing.run()
    const actions = logActions(landing.table)
    const last = actions.filter((one) => one.version === 4)
    expect(last.filter(({ action }) => action.remove !== undefined)).toHaveLength(1)
    expect(await landing.rows('count(*) as n, sum(id::bigint)::varchar as s')).toEqual([{ n: '9', s: '149' }])
  })
})

describe('rows that cannot be merged', () => {
  test('a null key fails its file with the line, and its neighbour commits', async () => {
    const landing = merged()
    landing.land('1.csv', 'id,name,at\n1,a,1\n,"b\nb",1\n,c,2\n', 1)
    landing.land('2.csv', 'id,name,at\n2,b,1\n', 2)
    const report = only(await landing.run())
    expect(report).toMatchObject({ status: 'error', files: { loaded: 1, failed: 1 } })
    expect(report.errors[0]).toMatchObject({
      code: 'ING-FILE-BAD-ROWS',
      message: `${landing.path('landing/1.csv')}: 2 of 3 rows cannot be loaded (max_bad_rows: 0): line 3: the key id is null; line 5: the key id is null`,
    })
    expect(await landing.rows(ROWS)).toEqual([{ id: '2', name: 'b', at: '1' }])
  })

  test('up to max_bad_rows they are rejected and counted', async () => {
    const landing = merged({ max_bad_rows: '50%' })
    landing.land('1.csv', 'id,name,at\n1,a,1\n,b,1\n3,c,\n4,d,1\n', 1)
    expect(only(await landing.run())).toMatchObject({ status: 'warn', rows: { read: 4, loaded: 2, rejected: 2, inserted: 2 } })
    expect((await landing.files())[0]).toMatchObject({ rows_read: 4, rows_loaded: 2, rows_rejected: 2 })
  })

  test('a file without the key, or with a nested one, is refused', async () => {
    const landing = merged()
    landing.land('1.csv', 'name,at\na,1\n', 1)
    expect(only(await landing.run()).errors[0]).toMatchObject({ code: 'ING-SCHEMA-MISSING-COLUMN' })
    const nested = merged({ source_path_pattern: '*.json' })
    nested.land('1.json', '{"id": {"a": 1}, "name": "a", "at": 1}\n', 1)
    expect(only(await nested.run()).errors[0]).toMatchObject({ code: 'ING-TABLE-KEYS' })
  })

  test('a key whose type changes fails the file', async () => {
    const landing = merged()
    landing.land('1.csv', 'id,name,at\n1,a,1\n', 1)
    await landing.run()
    landing.land('2.csv', 'id,name,at\nx,a,2\n', 2)
    expect(only(await landing.run())).toMatchObject({ status: 'error', files: { failed: 1 } })
    expect(await landing.rows(ROWS)).toEqual([{ id: '1', name: 'a', at: '1' }])
  })

  test('ties are told with key, file and line, and settled by file order', async () => {
    const landing = merged()
    landing.land('1.csv', 'id,name,at\n1,a,1\n', 1)
    landing.land('2.csv', 'id,name,at\n1,b,1\n', 2)
    const report = only(await landing.run())
    expect(report.status).toBe('warn')
    expect(report.warnings).toEqual([
      {
        code: 'ING-KEY-TIE',
        file: null,
        message: `default.t: rows of a key have the same at and differ; file order settled it: {"id":1} in ${landing.path('landing/1.csv')} line 2; {"id":1} in ${landing.path('landing/2.csv')} line 2 (taken)`,
      },
    ])
    expect(await landing.rows(ROWS)).toEqual([{ id: '1', name: 'b', at: '1' }])
  })

  test('when_tied: reject leaves all of them out', async () => {
    const landing = merged({ when_tied: 'reject', max_bad_rows: 2 })
    landing.land('1.csv', 'id,name,at\n1,a,1\n1,b,1\n1,c,0\n', 1)
    expect(only(await landing.run())).toMatchObject({ status: 'warn', rows: { read: 3, rejected: 2, inserted: 1 } })
    expect(await landing.rows(ROWS)).toEqual([{ id: '1', name: 'c', at: '0' }])
    landing.land('2.csv', 'id,name,at\n1,x,0\n2,x,0\n', 2)
    expect(only(await landing.run())).toMatchObject({ rows: { read: 2, rejected: 1, inserted: 1 } })
  })

  test('delete_when is one condition on columns that are there', async () => {
    for (const [condition, reason] of [
      ["nope = 'D'", 'default.t: delete_when: neither the files nor the table have a column nope'],
      ['id = 1) or (select true', 'default.t: delete_when line 1, column 12: subquery is not possible here'],
      ['id = 1) from t where (true', 'default.t: delete_when: it is more than one condition'],
      ['sum(id) > 1', 'default.t: delete_when: Binder Error'],
      ['id >\n  random()', 'default.t: delete_when line 2, column 3: random is not possible here: it gives another value each time'],
      ['id >', 'default.t: delete_when line 1, column 5: syntax error at its end'],
    ] as const) {
      const landing = merged({ delete_when: condition })
      landing.land('1.csv', 'id,name,at\n1,a,1\n', 1)
      const [error] = only(await landing.run()).errors
      expect(error?.code).toBe('ING-TABLE-CONDITION')
      expect(error?.message).toContain(reason)
    }
  })

  test('a column that is left out of the table still says what is deleted', async () => {
    const landing = merged({ delete_when: "op = 'D'", exclude_columns: ['op'] })
    landing.land('1.csv', 'id,name,at,op\n1,a,1,I\n2,b,1,I\n', 1)
    landing.land('2.csv', 'id,name,at,op\n1,a,2,D\n', 2)
    await landing.run()
    expect(await landing.rows(ROWS)).toEqual([{ id: '2', name: 'b', at: '1' }])
    expect(await landing.rows('* exclude (_load_timestamp, _source_file, _batch_id, _sequence)')).toEqual([{ id: '2', name: 'b', at: '1' }])
  })
})

describe('what batches observed', () => {
  test('side files are named by manifests, made one with others, and stay few', async () => {
    const landing = merged({ delete_when: "name = 'gone'", max_files_per_batch: 1 })
    for (let file = 0; file < 12; file += 1) landing.land(`${file}.csv`, `id,name,at\n${file},gone,5\n`, file)
    await landing.run()
    const last = manifests(landing).at(-1)
    expect(last?.sideFiles.length).toBeLessThan(8)
    expect(sideFiles(landing).length).toBeGreaterThan(0)
    landing.land('a.csv', `id,name,at\n${Array.from({ length: 12 }, (_, key) => `${key},late,4`).join('\n')}\n`, 50)
    expect(only(await landing.run()).rows).toMatchObject({ loaded: 12, inserted: 0 })
    expect(await landing.rows(ROWS)).toEqual([])
  })

  test('with Parquet output side files that are out of force go at once', async () => {
    const landing = merged({ delete_when: "name = 'gone'", max_files_per_batch: 1, output_format: 'parquet' })
    for (let file = 0; file < 12; file += 1) landing.land(`${file}.csv`, `id,name,at\n${file},gone,5\n`, file)
    await landing.run()
    expect(sideFiles(landing).length).toBe(manifests(landing).at(-1)?.sideFiles.length)
  })

  test('a missing side file stops the load', async () => {
    const landing = merged({ delete_when: "name = 'gone'" })
    landing.land('1.csv', 'id,name,at\n1,gone,5\n', 1)
    await landing.run()
    rmSync(join(landing.table, '_ingestd/observations'), { recursive: true })
    landing.land('2.csv', 'id,name,at\n1,late,4\n', 2)
    expect(only(await landing.run()).errors[0]).toMatchObject({ code: 'ING-TABLE-LOG' })
    expect(await landing.rows(ROWS)).toEqual([])
  })

  test('a full drop forgets them', async () => {
    const landing = merged({ delete_when: "name = 'gone'" })
    landing.land('1.csv', 'id,name,at\n1,gone,5\n', 1)
    await landing.run()
    rmSync(landing.path('landing/1.csv'))
    landing.land('2.csv', 'id,name,at\n1,back,4\n', 2)
    await landing.run({ runType: 'full_drop' })
    expect(await landing.rows(ROWS)).toEqual([{ id: '1', name: 'back', at: '4' }])
  })

  test('a restore brings back those that were in force', async () => {
    const landing = merged({ delete_when: "name = 'gone'" })
    landing.land('1.csv', 'id,name,at\n1,a,1\n', 1)
    await landing.run()
    landing.land('2.csv', 'id,name,at\n1,gone,5\n', 2)
    await landing.run()
    await landing.use((ingest) => ingest.restore('t', { at: 0, files: 'skipped' }))
    landing.land('3.csv', 'id,name,at\n1,b,4\n', 3)
    expect(only(await landing.run()).rows).toMatchObject({ updated: 1 })
    expect(await landing.rows(ROWS)).toEqual([{ id: '1', name: 'b', at: '4' }])
  })
})

describe('a dry run', () => {
  test('shows the exact difference of what the next run does, over all batches', async () => {
    const landing = merged({ delete_when: "name = 'gone'", max_files_per_batch: 1 })
    landing.land('1.csv', 'id,name,at\n1,a,1\n2,b,1\n3,c,1\n', 1)
    await landing.run()
    landing.land('2.csv', 'id,name,at\n1,x,2\n4,d,2\n', 2)
    landing.land('3.csv', 'id,name,at\n1,A,3\n2,gone,3\n4,D,3\n3,late,0\n', 3)
    const { plan } = only(await landing.run({ dryRun: true, verbose: true }))
    expect(plan?.rows).toMatchObject({ inserted: 1, updated: 1, deleted: 1 })
    expect(plan?.difference).toEqual({
      inserted: { rows: 1, samples: [{ id: 4, name: 'D', at: 3 }] },
      updated: { rows: 1, samples: [{ key: { id: 1 }, changes: { name: { before: 'a', after: 'A' }, at: { before: 1, after: 3 } } }] },
      deleted: { rows: 1, samples: [{ id: 2, name: 'b', at: 1 }] },
      closed: null,
      opened: null,
    })
    expect(await landing.rows(ROWS)).toHaveLength(3)
    expect(sideFiles(landing)).toEqual([])
    await landing.run()
    expect(await landing.rows(ROWS)).toEqual([
      { id: '1', name: 'A', at: '3' },
      { id: '3', name: 'c', at: '1' },
      { id: '4', name: 'D', at: '3' },
    ])
  })
})
