import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createIngest } from 'ingestd'
import { describe, expect, test } from 'vitest'
import { Landing } from '../support/landing.ts'
import { logActions } from '../support/project.ts'

const only = (report: { tables: readonly unknown[] }) => report.tables[0]

describe('config', () => {
  test('a table needs its name and its pattern alone; the format comes from the suffix, the database is default', async () => {
    const landing = new Landing({})
    landing.land('a.csv', 'id,name\n1,x\n')
    expect(only(await landing.run())).toMatchObject({
      table: 'default.t',
      strategy: 'append',
      status: 'pass',
      version: 0,
      files: { loaded: 1 },
    })
    expect(await landing.rows()).toEqual([{ id: '1', name: 'x' }])
  })

  test('a key that is known but not built fails its own table by name and lets the others run', async () => {
    const landing = new Landing({})
    landing.land('a.csv', 'id\n1\n')
    const tables = [
      { table_name: 'good', source_path_pattern: '*.csv', watch: { settle_seconds: 0 } },
      { table_name: 'late', source_path_pattern: '*.csv', pre_sql: 'select 1' },
    ]
    await using ingest = await createIngest({ config: { ...landing.config, tables } })
    const report = await ingest.run()
    expect(report.tables.map(({ status }) => status)).toEqual(['pass', 'error'])
    expect(report.tables[1]?.errors[0]).toMatchObject({ file: null, code: 'ING-CONFIG-UNSUPPORTED' })
  })
})

describe('batches', () => {
  test('a batch is one commit with its number, its id and a manifest that names its files', async () => {
    const landing = new Landing({})
    landing.land('a.csv', 'id\n1\n', 1)
    await landing.run()
    landing.land('b.csv', 'id\n2\n3\n', 2)
    await landing.run()
    const transactions = logActions(landing.table).flatMap(({ action, version }) =>
      action['txn'] ? [{ version, appId: action['txn']['appId'], batch: action['txn']['version'] }] : [],
    )
    expect(transactions.map(({ version, batch }) => [version, batch])).toEqual([
      [0, 1],
      [1, 2],
    ])
    expect(transactions[0]?.appId).toMatch(/^ingestd\/[0-9a-f-]{36}\/default\.t$/)
    const manifests = readdirSync(join(landing.table, '_ingestd/manifests')).sort()
    expect(manifests).toEqual(['00000000000000000001.json', '00000000000000000002.json'])
    const second = JSON.parse(readFileSync(join(landing.table, '_ingestd/manifests', manifests[1] ?? ''), 'utf8'))
    expect(second).toMatchObject({ table: 'default.t', files: [{ path: landing.path('landing/b.csv') }] })
    const tracked = await landing.files()
    expect(tracked.map((file) => [file.table_version, file.rows_loaded])).toEqual([
      [0, 1],
      [1, 2],
    ])
  })

  test('the next number is above every manifest, committed or not', async () => {
    const landing = new Landing({})
    landing.land('a.csv', 'id\n1\n')
    await landing.run()
    const first = join(landing.table, '_ingestd/manifests/00000000000000000001.json')
    writeFileSync(join(landing.table, '_ingestd/manifests/00000000000000000007.json'), readFileSync(first))
    landing.land('b.csv', 'id\n2\n')
    await landing.run()
    const numbers = logActions(landing.table).flatMap(({ action }) => (action['txn'] ? [action['txn']['version']] : []))
    expect(numbers).toEqual([1, 8])
  })

  test('another tracker may not write to the table', async () => {
    const landing = new Landing({})
    landing.land('a.csv', 'id\n1\n')
    await landing.run()
    await using other = await createIngest({ config: { ...landing.config, checkpoint_path: landing.path('other') } })
    const report = await other.run()
    expect(report.tables[0]?.errors[0]).toMatchObject({ code: 'ING-TABLE-OTHER-TRACKER' })
  })

  test('a batch with a completed file commits although it adds no row; a batch of failed files commits nothing', async () => {
    const landing = new Landing({})
    landing.land('a.csv', 'id\n1\n', 1)
    await landing.run()
    landing.land('b.csv', '', 2)
    expect(only(await landing.run())).toMatchObject({ status: 'pass', version: 1, files: { loaded: 1 }, rows: { loaded: 0 } })
    landing.land('c.csv', 'id\nx\n', 3)
    expect(only(await landing.run())).toMatchObject({ status: 'error', version: null, files: { loaded: 0, failed: 1 } })
    expect(logActions(landing.table).at(-1)?.version).toBe(1)
  })

  test('a table that lost what the tracker saw committed is refused, and a full drop loads it again', async () => {
    const landing = new Landing({})
    landing.land('a.csv', 'id\n1\n')
    await landing.run()
    rmSync(landing.table, { recursive: true })
    landing.land('b.csv', 'id\n2\n')
    expect((await landing.run()).tables[0]?.errors[0]).toMatchObject({ code: 'ING-TABLE-BEHIND' })
    expect(only(await landing.run({ runType: 'full_drop' }))).toMatchObject({ status: 'pass', files: { loaded: 2 } })
    expect(await landing.rows()).toEqual([{ id: '1' }, { id: '2' }])
  })
})

describe('versions', () => {
  test('new content at a loaded path is ignored with a warning by append', async () => {
    const landing = new Landing({})
    const path = landing.land('a.csv', 'id\n1\n', 1)
    await landing.run()
    landing.land('a.csv', 'id\n1\n2\n', 2)
    const report = await landing.run()
    expect(only(report)).toMatchObject({ status: 'warn', version: null, warnings: [{ code: 'ING-FILE-CHANGED-AFTER-LOAD', file: path }] })
    expect(await landing.rows()).toEqual([{ id: '1' }])
  })

  test('on_changed_file: append loads new content as new rows, fail makes it an error', async () => {
    const landing = new Landing({})
    landing.land('a.csv', 'id\n1\n', 1)
    await landing.run()
    landing.land('a.csv', 'id\n2\n', 2)
    expect(only(await landing.run({}, { on_changed_file: 'fail' }))).toMatchObject({
      status: 'error',
      errors: [{ code: 'ING-FILE-CHANGED-AFTER-LOAD' }],
    })
    expect(only(await landing.run({}, { on_changed_file: 'append' }))).toMatchObject({ status: 'pass', files: { loaded: 1 } })
    expect(await landing.rows()).toEqual([{ id: '1' }, { id: '2' }])
  })

  test('new content at a loaded path is the newest data of an overwrite table', async () => {
    const landing = new Landing({ loading_strategy: 'overwrite' })
    landing.land('a.csv', 'id\n1\n', 1)
    await landing.run()
    landing.land('a.csv', 'id\n2\n', 2)
    await landing.run()
    expect(await landing.rows()).toEqual([{ id: '2' }])
  })

  test('a failed file is pending again by new content, without a hand', async () => {
    const landing = new Landing({ columns: { id: 'BIGINT' } })
    landing.land('a.csv', 'id\nx\n', 1)
    expect(only(await landing.run())).toMatchObject({ status: 'error' })
    expect(only(await landing.run())).toMatchObject({ status: 'pass', files: { loaded: 0 } })
    landing.land('a.csv', 'id\n5\n', 2)
    expect(only(await landing.run())).toMatchObject({ status: 'pass', files: { loaded: 1 } })
  })
})

describe('completeness', () => {
  test('a run waits once for a file that is younger than settle_seconds', async () => {
    const landing = new Landing({ watch: { settle_seconds: 1 } })
    landing.land('a.csv', 'id\n1\n')
    const started = Date.now()
    expect(only(await landing.run())).toMatchObject({ status: 'pass', files: { loaded: 1 } })
    expect(Date.now() - started).toBeGreaterThan(700)
  })

  test('a file that is still written when the run has waited is left for the next one', async () => {
    const landing = new Landing({ watch: { settle_seconds: 1 } })
    const writer = setInterval(() => landing.land('a.csv', `id\n${Math.random()}\n`), 100)
    landing.land('a.csv', 'id\n1\n')
    const report = await landing.run().finally(() => clearInterval(writer))
    expect(only(report)).toMatchObject({ status: 'warn', files: { loaded: 0, pending: 1 }, warnings: [{ code: 'ING-FILE-WAITING' }] })
    await sleep(1100)
    expect(only(await landing.run())).toMatchObject({ status: 'pass', files: { loaded: 1 } })
  })

  test('a marker holds a file back until it is there', async () => {
    const landing = new Landing({ source_path_pattern: '*.csv', watch: { settle_seconds: 0, marker: '{name}.done' } })
    landing.land('a.csv', 'id\n1\n')
    expect(only(await landing.run())).toMatchObject({ files: { loaded: 0, pending: 1 } })
    landing.land('a.csv.done', '')
    expect(only(await landing.run())).toMatchObject({ files: { loaded: 1 } })
  })

  test('a cut file fails with a TRUNCATED code and is taken when it is whole', async () => {
    const landing = new Landing({ columns: { id: 'BIGINT', name: 'VARCHAR' } })
    landing.land('a.csv', 'id,name\n1,x\n2,"open', 1)
    expect((await landing.run()).tables[0]?.errors[0]).toMatchObject({ code: 'ING-FILE-TRUNCATED' })
    landing.land('a.csv', 'id,name\n1,x\n2,"open"\n', 2)
    await landing.run()
    expect(await landing.rows()).toEqual([
      { id: '1', name: 'x' },
      { id: '2', name: 'open' },
    ])
  })
})

describe('errors', () => {
  test('one broken file fails with file and line, its neighbours commit once, and a retry after mending loads it', async () => {
    const landing = new Landing({})
    for (let file = 0; file < 20; file += 1) landing.land(`f${String(file).padStart(2, '0')}.csv`, `id,amount\n${file},1.5\n`, file)
    const broken = landing.land('f10.csv', 'id,amount\n1,1.5\n2,oops\n', 10)
    const report = await landing.run()
    expect(only(report)).toMatchObject({ status: 'error', version: 0, files: { loaded: 19, failed: 1 } })
    expect(report.tables[0]?.errors).toMatchObject([{ file: broken, code: 'ING-FILE-VALUE' }])
    expect(report.tables[0]?.errors[0]?.message).toContain('line 3')
    landing.land('f10.csv', 'id,amount\n1,1.5\n2,2.5\n', 10)
    await landing.use((ingest) => ingest.retry({ paths: [broken] }))
    expect(only(await landing.run())).toMatchObject({ status: 'pass', version: 1, files: { loaded: 1 } })
    expect(await landing.rows()).toHaveLength(21)
  })

  test('zero bytes and a header alone are complete with 0 rows; under overwrite zero bytes fail and a header empties the table', async () => {
    const landing = new Landing({ loading_strategy: 'overwrite', source_path_pattern: '*.csv' })
    landing.land('a.csv', 'id\n1\n', 1)
    await landing.run()
    landing.land('b.csv', '', 2)
    expect((await landing.run()).tables[0]?.errors[0]).toMatchObject({ code: 'ING-FILE-EMPTY' })
    expect(await landing.rows()).toEqual([{ id: '1' }])
    landing.land('c.csv', 'id\n', 3)
    expect(only(await landing.run())).toMatchObject({ status: 'pass', files: { loaded: 1 }, rows: { loaded: 0 } })
    expect(await landing.rows()).toEqual([])
  })

  test('a zero-byte Parquet file fails', async () => {
    const landing = new Landing({ source_path_pattern: '*.parquet' })
    landing.land('a.parquet', '')
    expect((await landing.run()).tables[0]?.errors[0]).toMatchObject({ code: 'ING-FILE-EMPTY' })
  })
})
