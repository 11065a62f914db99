import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Landing } from '../support/landing.ts'

/** A table of another writer, with columns id and name, and properties. */
function foreign(landing: Landing, configuration: Record<string, string>, fields: Record<string, Record<string, unknown>> = {}): void {
  const schema = ['id', 'name'].map((name) => ({
    name,
    type: name === 'id' ? 'long' : 'string',
    nullable: true,
    metadata: {},
    ...fields[name],
  }))
  const log = join(landing.table, '_delta_log')
  mkdirSync(log, { recursive: true })
  const actions = [
    { protocol: { minReaderVersion: 1, minWriterVersion: 3 } },
    {
      metaData: {
        id: 'e0b0c0d0-0000-4000-8000-000000000000',
        format: { provider: 'parquet', options: {} },
        schemaString: JSON.stringify({ type: 'struct', fields: schema }),
        partitionColumns: [],
        configuration,
        createdTime: 1,
      },
    },
  ]
  writeFileSync(join(log, '00000000000000000000.json'), actions.map((action) => `${JSON.stringify(action)}\n`).join(''))
}

test('a file with a row that violates a constraint fails by its name, the rest of the batch is loaded', async () => {
  const landing = new Landing({})
  foreign(landing, { 'delta.constraints.positive': 'id > 0' })
  landing.land('a.csv', 'id,name\n1,a\n', 1)
  landing.land('b.csv', 'id,name\n2,b\n-2,b\n0,b\n', 2)
  landing.land('c.csv', 'id,name\n3,c\n', 3)
  const report = await landing.run()
  expect(await landing.states()).toEqual(['a.csv completed', 'b.csv failed', 'c.csv completed'])
  expect(await landing.rows()).toEqual([
    { id: '1', name: 'a' },
    { id: '3', name: 'c' },
  ])
  const failed = (await landing.files()).find((file) => file.status === 'failed')
  expect(failed?.error_message).toBe(`${landing.path('landing', 'b.csv')}: 2 rows violate the constraint positive (id > 0) of default.t`)
  expect(failed?.error_code).toBe('ING-TABLE-CONSTRAINT')
  expect(report.totals).toMatchObject({ error: 1, rows: 2 })
})

test('a null where the table wants none fails its file, and a dry run tells of it before', async () => {
  const landing = new Landing({ audit_columns: false })
  foreign(landing, {}, { name: { nullable: false } })
  landing.land('good.csv', 'id,name\n1,a\n', 1)
  landing.land('bad.csv', 'id,name\n2,\n', 2)
  const dry = await landing.run({ dryRun: true, verbose: true })
  expect(JSON.stringify(dry)).toContain('1 row violates NOT NULL of column name of default.t')
  expect(await landing.states()).toEqual([])
  await landing.run()
  expect(await landing.states()).toEqual(['bad.csv failed', 'good.csv completed'])
})

test('a snapshot with a row that the table forbids fails as a whole, and the one before it stays', async () => {
  const landing = new Landing({ loading_strategy: 'overwrite', snapshot_unit: 'folder', source_path_pattern: '*/*.csv' })
  foreign(landing, { 'delta.constraints.positive': 'id > 0' })
  landing.land('1/a.csv', 'id,name\n1,a\n', 1)
  await landing.run()
  landing.land('2/a.csv', 'id,name\n2,a\n', 2)
  landing.land('2/b.csv', 'id,name\n-2,a\n', 3)
  await landing.run()
  expect(await landing.states()).toEqual(['1/a.csv completed', '2/a.csv failed', '2/b.csv failed'])
  expect(await landing.rows()).toEqual([{ id: '1', name: 'a' }])
})

test('a constraint that ingestd does not understand stops the table by its name, and no file is written', async () => {
  const landing = new Landing({})
  foreign(landing, { 'delta.constraints.odd': 'my_function(id)' })
  landing.land('a.csv', 'id,name\n1,a\n')
  const report = await landing.run()
  expect(JSON.stringify(report)).toContain('ING-TABLE-CONSTRAINT-UNKNOWN')
  expect(JSON.stringify(report)).toContain('the constraint odd (my_function(id))')
  expect(await landing.rows()).toEqual([])
})
