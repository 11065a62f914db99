import { readdirSync, statSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { query } from '../support/engine.ts'
import { Landing } from '../support/landing.ts'
import { logActions, project } from '../support/project.ts'

const WATCH = { settle_seconds: 0 }

describe('ingest history --schema', () => {
  test('tells what each version changed, and by which file', async () => {
    const landing = new Landing({ schema_evolution: { mode: 'widen' }, columns: { n: 'INTEGER' }, source_path_pattern: '*.ndjson' })
    const first = landing.land('1.ndjson', '{"id": 1, "n": 1, "s": {"a": 1}}\n', 1)
    await landing.run()
    landing.land('2.ndjson', '{"id": 2, "n": 2, "s": {"a": 2}}\n', 2)
    await landing.run()
    const plain = landing.land('3.ndjson', '{"id": 3, "n": 3, "s": {"a": 2}, "x": "y"}\n', 3)
    const wide = landing.land('4.ndjson', '{"id": 4, "n": 5000000000, "s": {"a": 2, "b": true}}\n', 4)
    await landing.run()
    const versions = await landing.use((ingest) => ingest.schemaHistory('t'))
    expect(versions.map(({ version, batch }) => [version, batch])).toEqual([
      [2, 3],
      [0, 1],
    ])
    expect(versions.every(({ timestamp }) => timestamp !== null)).toBe(true)
    expect(versions[0]?.changes).toEqual([
      { change: 'changed', column: 'n', from: 'INTEGER', to: 'BIGINT', file: wide },
      { change: 'added', column: 's.b', from: null, to: 'BOOLEAN', file: wide },
      { change: 'added', column: 'x', from: null, to: 'VARCHAR', file: plain },
    ])
    expect(versions[1]?.changes.filter(({ file }) => file !== null)).toEqual([
      { change: 'added', column: 'id', from: null, to: 'BIGINT', file: first },
      { change: 'added', column: 'n', from: null, to: 'INTEGER', file: first },
      { change: 'added', column: 's', from: null, to: 'STRUCT("a" BIGINT)', file: first },
    ])
  })

  test('is a table of changes on the command line', async () => {
    const made = project({ tables: [{ table_name: 'orders', source_path_pattern: '*.csv', watch: WATCH }] })
    made.write('landing/1.csv', 'id\n1\n')
    await made.command(['run'])
    made.write('landing/2.csv', 'id,note\n2,x\n')
    await made.command(['run'])
    const { stdout, code } = await made.command(['history', 'orders', '--schema'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/1 .*added +note +VARCHAR +\S+2\.csv/)
    const [newest] = await made.json<readonly { readonly changes: readonly unknown[] }[]>(['history', 'orders', '--schema', '--limit', '1'])
    expect(newest?.changes).toHaveLength(1)
  })
})

describe('ingest check --against-data', () => {
  test('tells which files would fail, what would be added, and changes nothing', async () => {
    const made = project({
      tables: [
        { table_name: 'orders', source_path_pattern: 'orders/*.csv', watch: WATCH },
        { table_name: 'customers', source_path_pattern: 'customers/*.csv', loading_strategy: 'merge', primary_keys: ['id'], watch: WATCH },
        { table_name: 'nothing', source_path_pattern: 'nothing/*.csv', watch: WATCH },
      ],
    })
    made.write('landing/orders/1.csv', 'id,amount\n1,2\n')
    await made.command(['run'])
    made.write('landing/orders/2.csv', 'id,amount,note\n2,3,x\n')
    made.write('landing/orders/3.csv', 'id,amount\n3,many\n')
    made.write('landing/customers/1.csv', 'customer,name\n1,a\n')
    made.write('landing/nothing/.keep', '')
    const before = filesUnder(made.path(''))
    const { stdout, code } = await made.command(['check', '--against-data'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/FAILED +data +default\.orders: \S+3\.csv line 2, column amount: 'many' is not a BIGINT/)
    expect(stdout).toMatch(/ok +data +default\.orders: 1 file with 1 rows would load; columns: note VARCHAR/)
    expect(stdout).toMatch(/FAILED +data +default\.customers: \S+1\.csv: the column "id" is missing, which primary_keys names/)
    expect(stdout).toMatch(/FAILED +data +default\.nothing: no file matches \S+nothing\/\*\.csv/)
    expect(filesUnder(made.path(''))).toEqual(before)
    expect((await made.command(['check'])).code).toBe(0)
  })
})

describe('modes of single columns', () => {
  test('each column has its own', async () => {
    const landing = new Landing({
      schema_evolution: { mode: 'evolve', columns: { n: 'widen', Junk: 'ignore', m: 'rescue', code: 'fail' } },
      columns: { n: 'INTEGER', m: 'INTEGER' },
    })
    landing.land('1.csv', 'code,n,m\na,1,1\n', 1)
    await landing.run()
    landing.land('2.csv', 'code,n,m,junk,plus\nb,5000000000,?,x,y\n', 2)
    landing.land('3.csv', 'n,m\n1,1\n', 3)
    const { tables } = await landing.run()
    expect(tables[0]?.errors.map(({ code }) => code)).toEqual(['ING-SCHEMA-MISSING-COLUMN'])
    expect(tables[0]?.warnings.map(({ message }) => message)).toEqual([
      'default.t: "junk" of 1 file is not in the table and was left out (schema_evolution: ignore)',
    ])
    const [row] = await query(`select * from read_parquet('${landing.table}/*.parquet', union_by_name = true) where code = 'b'`)
    expect(row).toMatchObject({ n: '5000000000', m: null, plus: 'y' })
    expect(JSON.parse(String(row?.['_rescued_data']))).toMatchObject({ m: '?' })
    expect(row).not.toHaveProperty('junk')
  })
})

describe('widen', () => {
  test.each([
    [{ output_format: 'parquet' }, 'files of output_format: parquet keep one type for each column'],
    [{ table_properties: { 'delta.enableTypeWidening': 'false' } }, "the table's property delta.enableTypeWidening is false"],
  ])('a table that cannot widen says so: %o', async (keys, reason) => {
    const landing = new Landing({ schema_evolution: { mode: 'widen' }, source_path_pattern: '*.parquet', ...keys })
    await landParquet(landing, '1', '1::integer as n')
    await landing.run()
    await landParquet(landing, '2', '5000000000 as n')
    const { tables } = await landing.run()
    expect(tables[0]?.errors[0]).toMatchObject({ code: 'ING-SCHEMA-TYPE' })
    expect(tables[0]?.errors[0]?.message).toContain(`BIGINT in the file, INTEGER in the table, and it cannot be widened: ${reason}`)
  })

  test('the feature, the property and the change are in the log of the commit that needs them', async () => {
    const landing = new Landing({ schema_evolution: { mode: 'widen' }, source_path_pattern: '*.parquet' })
    await landParquet(landing, '1', `1::integer as n, date '2024-01-01' as d, 1.5::decimal(3,1) as p, 1.5::float as f`)
    await landing.run()
    await landParquet(landing, '2', `5000000000 as n, timestamp '2024-01-02 03:04:05' as d, 123.25::decimal(5,2) as p, 1e300 as f`)
    await landing.run()
    const [protocol, metadata] = ['protocol', 'metaData'].map(
      (name) => logActions(landing.table).find(({ version, action }) => version === 1 && action[name])?.action[name],
    )
    expect(protocol?.['readerFeatures']).toContain('typeWidening')
    expect(protocol?.['writerFeatures']).toContain('typeWidening')
    expect(metadata?.['configuration']).toMatchObject({ 'delta.enableTypeWidening': 'true' })
    const { fields } = JSON.parse(String(metadata?.['schemaString'])) as { fields: { name: string; type: string; metadata: unknown }[] }
    expect(fields.slice(0, 4).map(({ name, type, metadata: noted }) => [name, type, noted])).toEqual([
      ['n', 'long', { 'delta.typeChanges': [{ fromType: 'integer', toType: 'long' }] }],
      ['d', 'timestamp_ntz', { 'delta.typeChanges': [{ fromType: 'date', toType: 'timestamp_ntz' }] }],
      ['p', 'decimal(5,2)', { 'delta.typeChanges': [{ fromType: 'decimal(3,1)', toType: 'decimal(5,2)' }] }],
      ['f', 'double', { 'delta.typeChanges': [{ fromType: 'float', toType: 'double' }] }],
    ])
  })

  test('merge and scd2 widen columns beside their keys, and the rows that are there stay', async () => {
    for (const strategy of ['merge', 'scd2']) {
      const landing = new Landing({
        schema_evolution: { mode: 'widen' },
        source_path_pattern: '*.parquet',
        loading_strategy: strategy,
        primary_keys: ['id'],
      })
      await landParquet(landing, '1', '* from (values (1, 1::integer, {a: 1::integer}), (2, 2, {a: 2})) as t(id, n, s)')
      await landing.run()
      await landParquet(landing, '2', '* from (values (2::bigint, 5000000000, {a: 5000000000, b: 1})) as t(id, n, s)')
      const { tables } = await landing.run()
      expect(tables[0]?.errors).toEqual([])
      const rows: unknown[] = []
      const current = strategy === 'scd2' ? 'where is_current' : ''
      await landing.use((ingest) =>
        ingest.query(`select id, n, s from default.t ${current} order by id`, async ({ chunks }) => {
          for await (const chunk of chunks) rows.push(...chunk)
        }),
      )
      expect(rows).toEqual([
        [1, 1, { a: 1, b: null }],
        [2, 5000000000, { a: 5000000000, b: 1 }],
      ])
    }
  })
})

describe('rescue', () => {
  test('a key that is rescued is null, and its row is rejected', async () => {
    const landing = new Landing({ schema_evolution: { mode: 'rescue' }, loading_strategy: 'merge', primary_keys: ['id'], max_bad_rows: 1 })
    landing.land('1.csv', 'id,n\n1,1\n', 1)
    await landing.run()
    landing.land('2.csv', 'id,n\nx,2\n2,y\n', 2)
    const { tables } = await landing.run()
    expect(tables[0]).toMatchObject({ errors: [], rows: { read: 2, loaded: 1, rejected: 1 } })
    const rows = await landing.rows('id, n, _rescued_data')
    expect(rows).toEqual([
      { id: '1', n: '1', _rescued_data: null },
      { id: '2', n: null, _rescued_data: `{"n":"y","_file_path":"${landing.path('landing/2.csv')}"}` },
    ])
  })

  test('a file cannot have a column of that name, and the mode can be changed later', async () => {
    const landing = new Landing({ schema_evolution: { mode: 'rescue' } })
    landing.land('1.csv', 'id\n1\n', 1)
    await landing.run()
    landing.land('2.csv', 'id,_rescued_data\n1,x\n', 2)
    expect((await landing.run()).tables[0]?.errors[0]?.code).toBe('ING-FILE-DUPLICATE-COLUMN')
    landing.land('3.csv', 'id\n3\n', 3)
    expect((await landing.run({}, { schema_evolution: false })).tables[0]?.errors).toEqual([])
  })
})

async function landParquet(landing: Landing, name: string, columns: string): Promise<void> {
  const path = landing.land(`${name}.parquet`, '')
  await query(`copy (select ${columns}) to '${path}' (format parquet)`)
}

/** Paths and times of all files. */
function filesUnder(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .map((path) => `${path} ${statSync(path).mtimeMs}`)
    .sort()
}
