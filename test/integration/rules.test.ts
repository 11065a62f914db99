import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
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
    expect(only(await landing.run())).toMatchObject({ table: 'default.t', strategy: 'append', status: 'pass', version: 0, files: { loaded: 1 } })
    expect(await landing.rows()).toEqual([{ id: '1', name: 'x' }])
  })

  test('a key that is known but not built fails its own table by name and lets the others run', async () => {
    const landing = new Landing({})
    landing.land('a.csv', 'id\n1\n')
    const tables = [{ table_name: 'good', source_path_pattern: '*.csv', watch: { settle_seconds: 0 } }, { table_name: 'late', source_path_pattern: '*.csv', loading_strategy: 'merge', primary_keys: ['id'] }]
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
    const transactions = logActions(landing.table).flatMap(({ action, version }) => (action['txn'] ? [{ version, appId: action['txn']['appId'], batch: action['txn']['version'] }] : []))
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
    const { writeFileSync } = await import('node:fs')
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
    const { rmSync } = await import('node:fs')
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
    expect(only(await landing.run({}, { on_changed_file: 'fail' }))).toMatchObject({ status: 'error', errors: [{ code: 'ING-FILE-CHANGED-AFTER-LOAD' }] })
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

describe('overwrite', () => {
  test('the newest snapshot replaces the table and older ones are skipped with the reason', async () => {
    const landing = new Landing({ loading_strategy: 'overwrite' })
    landing.land('a.csv', 'id\n1\n', 1)
    landing.land('b.csv', 'id\n2\n', 2)
    expect(only(await landing.run())).toMatchObject({ files: { loaded: 1, skipped: 1 } })
    expect(await landing.states()).toEqual(['a.csv skipped', 'b.csv completed'])
    expect((await landing.files())[0]?.status_reason).toBe(`an older snapshot than ${landing.path('landing/b.csv')}`)
    landing.land('0.csv', 'id\n0\n', 0)
    await landing.run()
    expect(await landing.rows()).toEqual([{ id: '2' }])
  })

  test('when the newest snapshot fails the table stays', async () => {
    const landing = new Landing({ loading_strategy: 'overwrite' })
    landing.land('a.csv', 'id\n1\n', 1)
    await landing.run()
    landing.land('b.csv', 'id\nx\n', 2)
    await landing.run()
    expect(await landing.rows()).toEqual([{ id: '1' }])
  })

  test('a folder loads or fails whole, and a later file in it loads it again', async () => {
    const landing = new Landing({ loading_strategy: 'overwrite', snapshot_unit: 'folder', source_path_pattern: '*/*.csv', max_files_per_batch: 1 })
    landing.land('1/a.csv', 'id\n1\n', 1)
    landing.land('1/b.csv', 'id\n2\n', 2)
    await landing.run()
    expect(await landing.rows()).toEqual([{ id: '1' }, { id: '2' }])
    landing.land('1/c.csv', 'id\n3\n', 3)
    expect(only(await landing.run())).toMatchObject({ files: { loaded: 3 } })
    expect(await landing.rows()).toEqual([{ id: '1' }, { id: '2' }, { id: '3' }])
    landing.land('2/a.csv', 'id\n9\n', 4)
    landing.land('2/b.csv', 'id\nx\n', 5)
    expect(only(await landing.run())).toMatchObject({ status: 'error', files: { loaded: 0, failed: 2 } })
    expect(await landing.rows()).toHaveLength(3)
    landing.land('2/b.csv', 'id\n10\n', 6)
    expect(only(await landing.run())).toMatchObject({ status: 'pass', files: { loaded: 2 } })
    expect(await landing.rows()).toEqual([{ id: '9' }, { id: '10' }])
  })

  test('with overwrite_scope partition only the partitions of a snapshot are replaced, each by the newest that has it', async () => {
    const landing = new Landing({ loading_strategy: 'overwrite', overwrite_scope: 'partition', partition_columns: ['p'] })
    landing.land('a.csv', 'id,p\n1,x\n2,y\n', 1)
    landing.land('b.csv', 'id,p\n3,y\n', 2)
    await landing.run()
    expect(await landing.rows('id, p')).toEqual([
      { id: '1', p: 'x' },
      { id: '3', p: 'y' },
    ])
    landing.land('0.csv', 'id,p\n7,y\n8,z\n', 0)
    await landing.run()
    expect(await landing.rows('id, p')).toEqual([
      { id: '1', p: 'x' },
      { id: '3', p: 'y' },
      { id: '8', p: 'z' },
    ])
  })
})

describe('append with deduplicate', () => {
  test('a row that equals one of the batch or of the table is left out and accounted for', async () => {
    const landing = new Landing({ deduplicate: true })
    landing.land('a.csv', 'id,name\n1,x\n1,x\n2,\n', 1)
    landing.land('b.csv', 'id,name\n1,x\n3,z\n', 2)
    await landing.run()
    landing.land('c.csv', 'id,name\n2,\n4,w\n', 3)
    expect(only(await landing.run())).toMatchObject({ rows: { read: 2, loaded: 1, deduplicated: 1 } })
    expect(await landing.rows('id, name, parse_filename(_source_file) as file')).toEqual([
      { id: '1', name: 'x', file: 'a.csv' },
      { id: '2', name: null, file: 'a.csv' },
      { id: '3', name: 'z', file: 'b.csv' },
      { id: '4', name: 'w', file: 'c.csv' },
    ])
    const files = await landing.files()
    expect(files.map((file) => [file.rows_read, file.rows_loaded, file.rows_deduplicated])).toEqual([
      [3, 2, 1],
      [2, 1, 1],
      [2, 1, 1],
    ])
    const commits = logActions(landing.table).flatMap(({ action }) => (action['commitInfo'] ? [action['commitInfo']['isBlindAppend']] : []))
    expect(commits).toEqual([false, false])
  })
})

describe('dry run', () => {
  const tree = (folder: string): readonly string[] =>
    existsSync(folder)
      ? readdirSync(folder, { recursive: true, withFileTypes: true })
          .map((entry) => join(entry.parentPath, entry.name))
          .sort()
          .map((path) => `${path} ${statSync(path).isFile() ? readFileSync(path).toString('base64') : 'folder'} ${statSync(path).mtimeMs}`)
      : []

  test('changes nothing at all, and says what the next run does', async () => {
    const landing = new Landing({})
    landing.land('a.csv', 'id\n1\n', 1)
    const before = tree(landing.folder)
    const report = await landing.run({ dryRun: true })
    expect(only(report)).toMatchObject({ status: 'pass', version: null, plan: { files: 1, bytes: 5, schema_change: [{ column: 'id', type: 'BIGINT' }, {}, {}, {}], rows: null } })
    expect(tree(landing.folder)).toEqual(before)
    await landing.run()
    landing.land('b.csv', 'id,name\n2,x\n3,y\n', 2)
    landing.land('c.csv', 'id\nbad\n', 3)
    const loaded = tree(landing.folder)
    const verbose = await landing.run({ dryRun: true, verbose: true })
    expect(only(verbose)).toMatchObject({ status: 'error', plan: { files: 1, schema_change: [{ column: 'name', type: 'VARCHAR' }], rows: { read: 2, inserted: 2 } } })
    expect(tree(landing.folder)).toEqual(loaded)
    expect(only(await landing.run())).toMatchObject({ files: { loaded: 1, failed: 1 }, rows: { inserted: 2 } })
  })
})

describe('run types', () => {
  test('a full drop loads all files that are there as one replacing commit', async () => {
    const landing = new Landing({ max_files_per_batch: 1 })
    landing.land('a.csv', 'id\n1\n', 1)
    const gone = landing.land('b.csv', 'id\n2\n', 2)
    await landing.run()
    const { rmSync } = await import('node:fs')
    rmSync(gone)
    landing.land('c.csv', 'id\n3\n', 3)
    expect(only(await landing.run({ runType: 'full_drop' }))).toMatchObject({ status: 'pass', files: { loaded: 2 } })
    expect(await landing.rows()).toEqual([{ id: '1' }, { id: '3' }])
    expect(await landing.states()).toEqual(['a.csv completed', 'b.csv skipped', 'c.csv completed'])
  })
})

describe('types', () => {
  test('leading zeros stay text, integers are long, naive timestamps are UTC, empty is null and quoted empty is text', async () => {
    const landing = new Landing({})
    landing.land('a.csv', 'code,n,at,e,q\n007,1,2024-01-02 03:04:05,,""\n008,2,2024-01-02 03:04:06,,""\n')
    await landing.run()
    const metadata = logActions(landing.table).find(({ action }) => action['metaData'])?.action['metaData']
    const fields = JSON.parse(String(metadata?.['schemaString'])).fields.map((field: { name: string; type: string }) => `${field.name} ${field.type}`)
    expect(fields.slice(0, 5)).toEqual(['code string', 'n long', 'at timestamp', 'e string', 'q string'])
    expect((await landing.rows())[0]).toEqual({ code: '007', n: '1', at: '2024-01-02 03:04:05+00', e: null, q: '' })
  })

  test('columns are matched by name, whatever their order; a new one is added, a missing one is null', async () => {
    const landing = new Landing({})
    landing.land('a.csv', 'id,name\n1,x\n', 1)
    landing.land('b.csv', 'NAME,id\ny,2\n', 2)
    landing.land('c.csv', 'id,extra\n3,7\n', 3)
    await landing.run()
    expect(await landing.rows()).toEqual([
      { id: '1', name: 'x', extra: null },
      { id: '2', name: 'y', extra: null },
      { id: '3', name: null, extra: '7' },
    ])
  })

  test('with schema_evolution: false a new or a missing column fails its file', async () => {
    const landing = new Landing({ schema_evolution: false })
    landing.land('a.csv', 'id,name\n1,x\n', 1)
    landing.land('b.csv', 'id,name,extra\n2,y,1\n', 2)
    landing.land('c.csv', 'id\n3\n', 3)
    const report = await landing.run()
    expect(report.tables[0]?.errors.map(({ code }) => code).toSorted()).toEqual(['ING-SCHEMA-MISSING-COLUMN', 'ING-SCHEMA-NEW-COLUMN'])
    expect(await landing.rows()).toEqual([{ id: '1', name: 'x' }])
  })
})
