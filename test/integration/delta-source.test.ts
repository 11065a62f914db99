import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createIngest } from 'ingestd'
import { describe, expect, test } from 'vitest'
import { query } from '../support/engine.ts'
import { checkpoint, ForeignTable } from '../support/foreign-table.ts'
import { Landing } from '../support/landing.ts'
import { activeFiles, logActions } from '../support/project.ts'

const only = (report: { tables: readonly unknown[] }) => report.tables[0]

/** A table that reads another one by its log. */
function follower(source: string, table: Record<string, unknown> = {}): Landing {
  return new Landing({ file_format: 'delta', source_path_pattern: source, ...table })
}

/** `version status` of each tracked commit. */
async function commits(landing: Landing): Promise<readonly string[]> {
  return (await landing.files()).map(({ file_path, status }) => `${Number(file_path.slice(-25, -5))} ${status}`)
}

const ID = [{ name: 'id', type: 'long' }]

describe('a table that ingestd writes as the source of another', () => {
  test('each commit is a file; bronze, silver and gold follow one another within one config', async () => {
    const bronze = new Landing({})
    bronze.land('a.csv', 'id,v\n1,x\n2,y\n', 1)
    const of = (name: string, table: Record<string, unknown>) => ({ table_name: name, watch: { settle_seconds: 0 }, ...table })
    const config = {
      ...bronze.config,
      tables: [
        of('bronze', { source_path_pattern: '*.csv' }),
        of('silver', { file_format: 'delta', source_path_pattern: bronze.path('tables/default/bronze') }),
        of('gold', {
          file_format: 'delta',
          source_path_pattern: bronze.path('tables/default/silver'),
          transform: { sql: 'select id * 10 as id from records' },
        }),
      ],
    }
    await using ingest = await createIngest({ config })
    for (const table of ['bronze', 'silver', 'gold']) await ingest.run({ tables: [table] })
    bronze.land('b.csv', 'id,v,extra\n3,z,7\n', 2)
    for (const table of ['bronze', 'silver', 'gold']) await ingest.run({ tables: [table] })
    const rows = (name: string, columns: string) =>
      query(
        `select ${columns} from read_parquet([${activeFiles(bronze.path('tables/default', name))
          .map((path) => `'${path}'`)
          .join(',')}], union_by_name = true) order by all`,
      )
    expect(await rows('silver', '* exclude (_load_timestamp, _source_file, _batch_id)')).toEqual([
      { id: '1', v: 'x', extra: null },
      { id: '2', v: 'y', extra: null },
      { id: '3', v: 'z', extra: '7' },
    ])
    expect(await rows('gold', 'id')).toEqual([{ id: '10' }, { id: '20' }, { id: '30' }])
    const [first] = await rows('silver', '_source_file')
    expect(first).toEqual({ _source_file: bronze.path('tables/default/bronze/_delta_log/00000000000000000000.json') })
  })

  test('what optimize and vacuum do adds nothing', async () => {
    const bronze = new Landing({ delta: { optimize: 'off' } })
    for (const n of [1, 2, 3]) {
      bronze.land(`${n}.csv`, `id\n${n}\n`, n)
      await bronze.run()
    }
    const silver = follower(bronze.table)
    await bronze.use((ingest) => ingest.optimize({}))
    expect(only(await silver.run())).toMatchObject({ status: 'pass', files: { loaded: 4 }, rows: { read: 3, loaded: 3 } })
    expect(await silver.rows()).toEqual([{ id: '1' }, { id: '2' }, { id: '3' }])
    expect(only(await silver.run())).toMatchObject({ status: 'pass', files: { loaded: 0 } })
  })

  const keyed = { loading_strategy: 'merge', primary_keys: ['id'] }
  const follow = {
    ...keyed,
    format_options: { changes: 'all' },
    delete_when: "_change_type in ('delete', 'update_preimage')",
    exclude_columns: ['_change_type', '_commit_timestamp', 'op'],
  }
  for (const [how, delta] of [
    ['copy-on-write', {}],
    ['deletion vectors', { deletion_vectors: true }],
    ['a change feed', { change_data_feed: true }],
    ['both', { deletion_vectors: true, change_data_feed: true }],
  ] as const) {
    test(`changes: all follows updates and deletes of a table with ${how}, into merge and into scd2`, async () => {
      const bronze = new Landing({ ...keyed, delta: { ...delta, optimize: 'off' }, delete_when: "op = 'D'", partition_columns: ['p'] })
      const silver = follower(bronze.table, follow)
      const history = follower(bronze.table, { ...follow, loading_strategy: 'scd2', tracking_columns: ['v'] })
      const steps = [
        'id,v,p,op\n1,a,x,\n2,b,x,\n3,c,y,\n',
        'id,v,p,op\n2,B,x,\n4,d,y,\n',
        'id,v,p,op\n1,,,D\n',
        'id,v,p,op\n1,again,y,\n3,c,x,\n',
      ]
      for (const [index, content] of steps.entries()) {
        bronze.land(`${index}.csv`, content, index)
        await bronze.run()
        if (index % 2 === 1) expect(only(await silver.run())).toMatchObject({ status: 'pass' })
      }
      expect(only(await silver.run())).toMatchObject({ status: 'pass' })
      expect(only(await history.run())).toMatchObject({ status: 'pass' })
      expect(await current(silver, 'id, v, p')).toEqual([
        { id: 1, v: 'again', p: 'y' },
        { id: 2, v: 'B', p: 'x' },
        { id: 3, v: 'c', p: 'x' },
        { id: 4, v: 'd', p: 'y' },
      ])
      expect(await current(history, 'id, v, is_current')).toEqual([
        { id: 1, v: 'a', is_current: false },
        { id: 1, v: 'again', is_current: true },
        { id: 2, v: 'B', is_current: true },
        { id: 2, v: 'b', is_current: false },
        { id: 3, v: 'c', is_current: true },
        { id: 4, v: 'd', is_current: true },
      ])
    })
  }

  test('inserts of a table with updates fail by name, or are passed over where that is asked for', async () => {
    const bronze = new Landing({ ...keyed, delta: { optimize: 'off' } })
    for (const [index, content] of ['id,v\n1,a\n2,b\n', 'id,v\n3,c\n', 'id,v\n1,A\n'].entries()) {
      bronze.land(`${index}.csv`, content, index)
      await bronze.run()
    }
    const silver = follower(bronze.table)
    const report = await silver.run()
    expect(only(report)).toMatchObject({ status: 'error', files: { loaded: 2, failed: 1 }, errors: [{ code: 'ING-SOURCE-REMOVED-ROWS' }] })
    expect(await silver.rows('id')).toHaveLength(3)
    expect(await commits(silver)).toEqual(['0 completed', '1 completed', '2 failed'])
    await silver.use((ingest) => ingest.retry({}))
    await silver.run({}, { format_options: { skip_change_commits: true } })
    expect(await commits(silver)).toEqual(['0 completed', '1 completed', '2 completed'])
    expect(await silver.rows('id')).toHaveLength(3)
  })
})

describe('where the following begins', () => {
  async function source(): Promise<Landing> {
    const bronze = new Landing({ delta: { optimize: 'off' } })
    for (const n of [0, 1, 2, 3]) {
      bronze.land(`${n}.csv`, `id\n${n}\n`, n)
      await bronze.run()
    }
    return bronze
  }

  test('starting_version leaves out what was before, and explain says so; with initial_snapshot its rows come first', async () => {
    const bronze = await source()
    const later = follower(bronze.table, { format_options: { starting_version: 2 } })
    await later.run()
    expect(await later.rows()).toEqual([{ id: '2' }, { id: '3' }])
    const told = await later.use((ingest) => ingest.explain(join(bronze.table, '_delta_log/00000000000000000001.json')))
    expect(JSON.stringify(told)).toContain('starting_version is 2')
    const whole = follower(bronze.table, { format_options: { starting_version: 2, initial_snapshot: true }, max_files_per_batch: 1 })
    await whole.run()
    expect(await whole.rows()).toEqual([{ id: '0' }, { id: '1' }, { id: '2' }, { id: '3' }])
    expect(await commits(whole)).toEqual(['2 completed', '3 completed'])
  })

  test('of a log whose beginning was cleaned the first unit is the snapshot; commits that are lost meanwhile fail the next one', async () => {
    const bronze = await source()
    const early = follower(bronze.table, { max_files_per_batch: 1 })
    await early.run({}, { watch: { settle_seconds: 0, ignore: ['*1.json', '*2.json', '*3.json'] } })
    expect(await early.rows()).toEqual([{ id: '0' }])
    // A checkpoint at version 2, and nothing before it.
    await checkpoint(bronze.table, 2)
    const late = follower(bronze.table)
    expect(only(await late.run())).toMatchObject({ status: 'pass', files: { loaded: 2 }, rows: { read: 4 } })
    expect(await late.rows()).toEqual([{ id: '0' }, { id: '1' }, { id: '2' }, { id: '3' }])
    expect(await commits(late)).toEqual(['2 completed', '3 completed'])
    const report = await early.run()
    expect(only(report)).toMatchObject({ files: { loaded: 1, failed: 1 }, errors: [{ code: 'ING-SOURCE-COMMITS-LOST' }] })
    expect(JSON.stringify(report)).toContain('before the commits 1 were loaded')
    expect(await early.rows()).toEqual([{ id: '0' }, { id: '3' }])
    await early.use((ingest) => ingest.retry({}))
    await early.run({ runType: 'full_drop' })
    expect(await early.rows()).toEqual([{ id: '0' }, { id: '1' }, { id: '2' }, { id: '3' }])
  })

  test('files that vacuum took away fail their commit alone', async () => {
    const bronze = await source()
    const [first] = logActions(bronze.table).filter(({ version, action }) => version === 1 && action['add'] !== undefined)
    rmSync(join(bronze.table, String(first?.action['add']?.['path'])))
    const silver = follower(bronze.table)
    expect(only(await silver.run())).toMatchObject({ files: { loaded: 3, failed: 1 }, errors: [{ code: 'ING-SOURCE-DATA-FILE' }] })
    expect(await silver.rows()).toEqual([{ id: '0' }, { id: '2' }, { id: '3' }])
  })

  test('a data file that is damaged within fails its commit alone', async () => {
    const bronze = await source()
    const [first] = logActions(bronze.table).filter(({ version, action }) => version === 1 && action['add'] !== undefined)
    const path = join(bronze.table, String(first?.action['add']?.['path']))
    const content = readFileSync(path)
    content.fill(0xff, 4, 40)
    writeFileSync(path, content)
    const silver = follower(bronze.table)
    expect(only(await silver.run())).toMatchObject({ files: { loaded: 3, failed: 1 }, errors: [{ code: 'ING-SOURCE-DATA-FILE' }] })
    expect(await silver.rows()).toEqual([{ id: '0' }, { id: '2' }, { id: '3' }])
  })
})

describe('tables of other writers', () => {
  test('partition values, columns by physical names, added and renamed columns are honoured', async () => {
    const silver = follower('unset')
    const mapped = (name: string, type: string, physical: string, id: number) => ({
      name,
      type,
      metadata: { 'delta.columnMapping.id': id, 'delta.columnMapping.physicalName': physical },
    })
    const settings = { 'delta.columnMapping.mode': 'name', 'delta.columnMapping.maxColumnId': '3' }
    const before = new ForeignTable(silver.path('foreign'), [mapped('a', 'integer', 'c1', 1), mapped('p', 'string', 'c2', 2)], ['p'])
    const protocol = { minReaderVersion: 2, minWriterVersion: 5 }
    const file = await before.file('1.parquet', 'select 1::integer as c1', { partitionValues: { c2: 'x y' } })
    before.commit(0, [...before.metadata(settings, protocol), file])
    const after = new ForeignTable(
      silver.path('foreign'),
      [mapped('b', 'integer', 'c1', 1), mapped('p', 'string', 'c2', 2), mapped('n', 'double', 'c3', 3)],
      ['p'],
    )
    const second = await after.file('2.parquet', 'select 2::integer as c1, 0.5::double as c3', { partitionValues: { c2: null } })
    after.commit(1, [...after.metadata(settings, protocol).slice(1), second])
    expect(only(await silver.run({}, { source_path_pattern: before.folder }))).toMatchObject({ status: 'pass', files: { loaded: 2 } })
    expect(await silver.rows('a, b, p, n')).toEqual([
      { a: 1, b: null, p: 'x y', n: null },
      { a: null, b: 2, p: null, n: 0.5 },
    ])
  })

  test('a feature that readers must know and ingestd does not fails the commits from there on, by name', async () => {
    const silver = follower('unset')
    const table = new ForeignTable(silver.path('foreign'), ID)
    table.commit(0, [...table.metadata(), await table.file('1.parquet', 'select 1::bigint as id')])
    const protocol = { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['variantType'], writerFeatures: ['variantType'] }
    table.commit(1, [{ protocol }, await table.file('2.parquet', 'select 2::bigint as id')])
    const report = await silver.run({}, { source_path_pattern: table.folder })
    expect(only(report)).toMatchObject({ files: { loaded: 1, failed: 1 }, errors: [{ code: 'ING-TABLE-FEATURE' }] })
    expect(JSON.stringify(report)).toContain("'variantType'")
    expect(await silver.rows()).toEqual([{ id: '1' }])
  })

  test('a commit that is cut, empty or no JSON is never loaded, and those before it are', async () => {
    const silver = follower('unset')
    const table = new ForeignTable(silver.path('foreign'), ID)
    table.commit(0, [...table.metadata(), await table.file('1.parquet', 'select 1::bigint as id')])
    const path = table.commit(1, [await table.file('2.parquet', 'select 2::bigint as id')])
    const whole = readFileSync(path)
    for (let end = 0; end < whole.length - 1; end += 41) {
      writeFileSync(path, whole.subarray(0, end))
      const landing = follower(table.folder)
      expect(only(await landing.run())).toMatchObject({ files: { loaded: 1, failed: 1 } })
      expect(await landing.rows()).toEqual([{ id: '1' }])
    }
    writeFileSync(path, '{"add": nonsense}')
    expect(only(await silver.run({}, { source_path_pattern: table.folder }))).toMatchObject({
      files: { loaded: 1, failed: 1 },
      errors: [{ code: 'ING-TABLE-LOG' }],
    })
  })

  test('a commit with deletion vectors of another writer gives the rows that they leave', async () => {
    const bronze = new Landing({
      loading_strategy: 'merge',
      primary_keys: ['id'],
      delta: { deletion_vectors: true, optimize: 'off' },
      delete_when: 'd',
    })
    bronze.land('1.csv', 'id,d\n1,false\n2,false\n3,false\n', 1)
    await bronze.run()
    bronze.land('2.csv', 'id,d\n2,true\n', 2)
    await bronze.run()
    const copy = bronze.path('copy')
    cpSync(bronze.table, copy, { recursive: true })
    expect(readdirSync(copy).length).toBeGreaterThan(1)
    const snapshot = follower(copy, { format_options: { starting_version: 1, initial_snapshot: true } })
    expect(only(await snapshot.run())).toMatchObject({ status: 'pass', rows: { read: 2, loaded: 2 } })
    expect(await snapshot.rows('id')).toEqual([{ id: '1' }, { id: '3' }])
    const changes = follower(copy, { format_options: { changes: 'all' }, metadata_columns: ['_file_row_number'] })
    expect(only(await changes.run())).toMatchObject({ status: 'pass', rows: { read: 4, loaded: 4 } })
    expect(await changes.rows('id, _change_type, _commit_version, _file_row_number')).toEqual([
      { id: '1', _change_type: 'insert', _commit_version: '0', _file_row_number: '1' },
      { id: '2', _change_type: 'delete', _commit_version: '1', _file_row_number: '1' },
      { id: '2', _change_type: 'insert', _commit_version: '0', _file_row_number: '2' },
      { id: '3', _change_type: 'insert', _commit_version: '0', _file_row_number: '3' },
    ])
  })

  test('a folder without a log, a pattern, the table itself and full snapshots are refused', async () => {
    const silver = follower('nowhere')
    expect(JSON.stringify(await silver.run())).toContain('ING-SOURCE-MISSING')
    await expect(silver.run({}, { source_path_pattern: 'a/*' })).rejects.toThrow(/without a glob/)
    await expect(silver.run({}, { source_path_pattern: silver.table })).rejects.toThrow(/own source/)
    await expect(silver.run({}, { loading_strategy: 'overwrite' })).rejects.toThrow(/no full snapshot/)
    await expect(silver.run({}, { format_options: { initial_snapshot: true } })).rejects.toThrow(/needs starting_version/)
  })
})

/** Rows of the current version, through the product, which honours deletion vectors. */
async function current(landing: Landing, columns: string): Promise<readonly unknown[]> {
  const rows: unknown[] = []
  await landing.use((ingest) =>
    ingest.query(`select to_json(r)::varchar from (select ${columns} from "default".t order by all) as r`, async ({ chunks }) => {
      for await (const chunk of chunks) rows.push(...chunk.map(([line]) => JSON.parse(String(line))))
    }),
  )
  return rows
}
