import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Landing } from '../support/landing.ts'
import { logActions } from '../support/project.ts'

const only = (report: { tables: readonly unknown[] }) => report.tables[0]

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
    const landing = new Landing({
      loading_strategy: 'overwrite',
      snapshot_unit: 'folder',
      source_path_pattern: '*/*.csv',
      max_files_per_batch: 1,
    })
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

describe('partitions', () => {
  test('an empty text in a partition column becomes null, with a warning', async () => {
    const landing = new Landing({ partition_columns: ['p'] })
    landing.land('a.csv', 'id,p\n1,""\n2,\n3,x\n')
    expect(only(await landing.run())).toMatchObject({
      status: 'warn',
      files: { loaded: 1 },
      warnings: [{ code: 'ING-TABLE-PARTITION-NULL' }],
    })
    const values = logActions(landing.table).flatMap(({ action }) => (action['add'] ? [action['add']['partitionValues']] : []))
    expect(values).toHaveLength(3)
    expect(values).toEqual(expect.arrayContaining([{ p: 'x' }, { p: null }]))
    expect(await landing.rows('id')).toEqual([{ id: '1' }, { id: '2' }, { id: '3' }])
    expect(only(await landing.run())).toMatchObject({ status: 'pass' })
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
    expect(only(report)).toMatchObject({
      status: 'pass',
      version: null,
      plan: { files: 1, bytes: 5, schema_change: [{ column: 'id', type: 'BIGINT' }, {}, {}, {}], rows: null },
    })
    expect(tree(landing.folder)).toEqual(before)
    await landing.run()
    landing.land('b.csv', 'id,name\n2,x\n3,y\n', 2)
    landing.land('c.csv', 'id\nbad\n', 3)
    const loaded = tree(landing.folder)
    const verbose = await landing.run({ dryRun: true, verbose: true })
    expect(only(verbose)).toMatchObject({
      status: 'error',
      plan: { files: 1, schema_change: [{ column: 'name', type: 'VARCHAR' }], rows: { read: 2, inserted: 2 } },
    })
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
    const fields = JSON.parse(String(metadata?.['schemaString'])).fields.map(
      (field: { name: string; type: string }) => `${field.name} ${field.type}`,
    )
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
