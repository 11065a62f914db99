import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Landing } from '../support/landing.ts'

const only = (report: { tables: readonly unknown[] }) => report.tables[0]

/** A landing folder whose table has a transform of this source. */
function transformed(source: string, table: Record<string, unknown> = {}, params: Record<string, unknown> = {}): Landing {
  const landing = new Landing(table)
  const module = landing.path('transform.mjs')
  writeFileSync(module, source)
  const [first] = landing.config['tables'] as Record<string, unknown>[]
  Object.assign(first ?? {}, { transform: { module, params } })
  return landing
}

const KEEP = `export default (records, { polars, params }) =>
  records.filter(polars.col('amount').gtEq(params.minimum)).withColumn(polars.col('amount').mul(2).alias('twice'))`

test('a function sees the rows of each file, its params reach it, and what it leaves out is filtered', async () => {
  const landing = transformed(KEEP, {}, { minimum: 10 })
  landing.land('a.csv', 'id,amount\n1,10\n2,5\n', 1)
  landing.land('b.csv', 'id,amount\n3,20\n', 2)
  landing.land('empty.csv', 'id,amount\n', 3)
  expect(only(await landing.run())).toMatchObject({ status: 'pass', files: { loaded: 3 }, rows: { read: 3, loaded: 2, filtered: 1 } })
  expect(await landing.rows('id, amount, twice')).toEqual([
    { id: '1', amount: '10', twice: 20 },
    { id: '3', amount: '20', twice: 40 },
  ])
  const [source] = await landing.rows('_source_file')
  expect(source).toEqual({ _source_file: landing.path('landing/a.csv') })
})

test('types of the files are remembered, and lazy frames, promises and more rows than before are taken', async () => {
  const landing = transformed('export default async (records, { polars }) => polars.concat([records, records]).lazy()', {
    columns: { v: 'DECIMAL(38,2)' },
  })
  landing.land('a.csv', 'id,v,t\n1,1.10,2024-01-02 03:04:05\n', 1)
  await landing.run()
  landing.land('b.csv', 'id,v\n2,99999999999999999999999999999999999.99\n', 2)
  expect(only(await landing.run())).toMatchObject({ status: 'pass', rows: { read: 1, loaded: 2 } })
  expect(await landing.rows('id, v, t')).toEqual([
    { id: '1', v: '1.10', t: '2024-01-02 03:04:05+00' },
    { id: '1', v: '1.10', t: '2024-01-02 03:04:05+00' },
    { id: '2', v: '99999999999999999999999999999999999.99', t: null },
    { id: '2', v: '99999999999999999999999999999999999.99', t: null },
  ])
})

test('a function that throws, or returns no frame, fails its file alone, by module and file', async () => {
  const source = `export default (records, { file }) => {
    if (file.endsWith('a.csv')) throw new Error('no amount today')
    return file.endsWith('b.csv') ? 7 : records
  }`
  const landing = transformed(source)
  for (const name of ['a', 'b', 'c']) landing.land(`${name}.csv`, 'id\n1\n')
  expect(only(await landing.run())).toMatchObject({ files: { loaded: 1, failed: 2 } })
  const failed = (await landing.files()).filter(({ status }) => status === 'failed')
  const place = landing.path('transform.mjs')
  expect(failed.map(({ error_code, error_message }) => [error_code, error_message])).toEqual([
    ['ING-FILE-TRANSFORM', `${landing.path('landing/a.csv')}: ${place}: no amount today`],
    ['ING-FILE-TRANSFORM', `${landing.path('landing/b.csv')}: ${place}: it returned no frame of polars`],
  ])
})

test('a file that cannot be read is told by its line, and its neighbours load', async () => {
  const landing = transformed('export default (records) => records', { columns: { id: 'BIGINT' } })
  landing.land('a.csv', 'id\n1\nx\n')
  landing.land('b.csv', 'id\n2\n')
  expect(only(await landing.run())).toMatchObject({ files: { loaded: 1, failed: 1 }, errors: [{ code: 'ING-FILE-VALUE' }] })
  expect((await landing.files())[0]?.error_message).toContain("a.csv line 3, column id: 'x' is not a BIGINT")
})

test('a module that is missing or exports no function fails no file', async () => {
  const landing = transformed('export const transform = 1')
  landing.land('a.csv', 'id\n1\n')
  expect(JSON.stringify(await landing.run())).toContain('exports no function')
  const missing = { transform: { module: landing.path('nowhere.mjs') } }
  expect(JSON.stringify(await landing.run({}, missing))).toContain('cannot be loaded')
  expect(await landing.states()).toEqual(['a.csv pending'])
})

test('keys, masks and columns about files apply to what the function returns, and a dry run names it', async () => {
  const source = `export default (records, { polars }) => records.withColumn(polars.col('_file_name').alias('origin')).drop('_file_name')`
  const landing = transformed(source, {
    loading_strategy: 'merge',
    primary_keys: ['id'],
    metadata_columns: ['_file_name'],
    mask: { email: 'redact' },
  })
  landing.land('a.csv', 'id,email\n1,a@x\n2,b@x\n', 1)
  const dry = await landing.run({ dryRun: true, verbose: true })
  expect(dry.tables[0]?.plan).toMatchObject({ transform: landing.path('transform.mjs'), rows: { inserted: 2 } })
  await landing.run()
  landing.land('b.csv', 'id,email\n2,c@x\n', 2)
  await landing.run()
  expect(await landing.rows('id, email, origin')).toEqual([
    { id: '1', email: '***', origin: 'a.csv' },
    { id: '2', email: '***', origin: 'b.csv' },
  ])
})
