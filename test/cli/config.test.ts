import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ingest, scratch } from './ingest.ts'

const BAD = `raw_data_path: ./landing
max_paralel_jobs: 3
tables:
  - table_name: a
    source_path_pattern: a/*.csv
    loading_strategy: upsert
`

const GOOD = `tables:
  - { table_name: a, source_path_pattern: "a/*.csv" }
`

describe('a wrong config', () => {
  test('all problems are told with their places and what to write, and the exit code is 2', async () => {
    using folder = scratch({ 'ingest.yaml': BAD })
    expect(await ingest(['status'], { cwd: folder.path })).toEqual({
      code: 2,
      stdout: '',
      stderr: [
        'error: the config has 2 problems',
        'ingest.yaml:2:1 max_paralel_jobs: unknown key',
        '  fix: did you mean max_parallel_jobs? [ING-CONFIG-UNKNOWN-KEY]',
        'ingest.yaml:6:23 tables[0].loading_strategy: there is no strategy "upsert"',
        '  fix: write append, overwrite, merge, scd2 or the path of a module, as ./my-strategy.mjs [ING-CONFIG-VALUE]',
        '',
      ].join('\n'),
    })
  })

  test('with --json the problems are the issues of one document', async () => {
    using folder = scratch({ 'ingest.yaml': BAD })
    const { code, stdout, stderr } = await ingest(['run', '--json'], { cwd: folder.path })
    const { error } = JSON.parse(stdout)
    expect(error.code).toBe('ING-CONFIG-UNKNOWN-KEY')
    expect(error.issues).toHaveLength(2)
    expect(error.issues[1]).toEqual({
      file: 'ingest.yaml',
      line: 6,
      column: 23,
      key: 'tables[0].loading_strategy',
      problem: 'there is no strategy "upsert"',
      fix: 'write append, overwrite, merge, scd2 or the path of a module, as ./my-strategy.mjs',
      code: 'ING-CONFIG-VALUE',
    })
    expect([code, stderr]).toEqual([2, ''])
  })

  test('a config that is not there says how to make one', async () => {
    using folder = scratch()
    expect(await ingest(['status'], { cwd: folder.path })).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'error: the config file ingest.yaml does not exist [ING-CONFIG-NOT-FOUND]\n  hint: pass --config FILE, set INGEST_CONFIG, or create one with: ingest init DIR\n',
    })
  })
})

describe('where the config comes from', () => {
  test('INGEST_CONFIG names it, and --config is stronger', async () => {
    using folder = scratch({ 'good.yaml': GOOD })
    const found = await ingest(['status', '--json'], { cwd: folder.path, env: { INGEST_CONFIG: 'good.yaml' } })
    expect(JSON.parse(found.stdout).tables[0].table).toBe('default.a')
    const other = await ingest(['status', '-c', 'other.yaml'], { cwd: folder.path, env: { INGEST_CONFIG: 'good.yaml' } })
    expect(other.stderr).toContain('the config file other.yaml does not exist')
  })

  test('--config-json takes YAML and JSON, before the command or after it', async () => {
    using folder = scratch()
    const json = JSON.stringify({ tables: [{ table_name: 'b', source_path_pattern: 'b/*.csv' }] })
    for (const args of [
      ['--config-json', GOOD, 'status', '--json'],
      ['status', '--json', '--config-json', json],
    ]) {
      const { code, stdout } = await ingest(args, { cwd: folder.path })
      expect(JSON.parse(stdout).tables).toHaveLength(1)
      expect(code).toBe(0)
    }
  })

  test('--var changes a key for one command, and a wrong value is told as one', async () => {
    using folder = scratch({ 'ingest.yaml': GOOD })
    const fine = await ingest(['status', '--json', '--var', 'tables.a.database_name=sales', '--var', 'max_parallel_jobs=2'], {
      cwd: folder.path,
    })
    expect(JSON.parse(fine.stdout).tables[0].table).toBe('sales.a')
    const wrong = await ingest(['status', '--var', 'max_parallel_jobs=two'], { cwd: folder.path })
    expect(wrong.code).toBe(2)
    expect(wrong.stderr).toContain('--var max_parallel_jobs: must be a whole number from 1 to 1024')
  })

  test('looking at a project changes nothing in it', async () => {
    using folder = scratch({ 'ingest.yaml': GOOD })
    for (const args of [['status'], ['files'], ['explain', 'a/x.csv']]) await ingest(args, { cwd: folder.path })
    expect(existsSync(join(folder.path, 'state'))).toBe(false)
  })
})

describe('what describes a config', () => {
  test('the schema is one JSON document that knows the keys of a table', async () => {
    const { code, stdout } = await ingest(['schema'])
    expect(JSON.parse(stdout).properties).toHaveProperty('tables')
    expect(code).toBe(0)
  })

  test('a reader that leaves early ends the printing quietly', async () => {
    using folder = scratch()
    const main = join(import.meta.dirname, '../../dist/main.js')
    const { spawnSync } = await import('node:child_process')
    const ended = spawnSync('sh', ['-c', '"$0" "$1" schema | head -n 1', process.execPath, main], { cwd: folder.path, encoding: 'utf8' })
    expect([ended.stdout, ended.stderr]).toEqual(['{\n', ''])
  })

  test('the example config is printed, written once, and replaced only with --force', async () => {
    using folder = scratch()
    const file = join(folder.path, 'mine.yaml')
    const printed = await ingest(['create-example-config'])
    expect(await ingest(['create-example-config', '--output', 'mine.yaml'], { cwd: folder.path })).toEqual({
      code: 0,
      stdout: `Wrote ${file}\n`,
      stderr: '',
    })
    expect(readFileSync(file, 'utf8')).toBe(printed.stdout)
    expect(await ingest(['create-example-config', '--output', 'mine.yaml'], { cwd: folder.path })).toEqual({
      code: 2,
      stdout: '',
      stderr: `error: ${file} exists already [ING-USAGE]\n  hint: choose another place, or replace it with --force\n`,
    })
    expect((await ingest(['create-example-config', '--output', 'mine.yaml', '--force', '--json'], { cwd: folder.path })).stdout).toBe(
      `${JSON.stringify({ file }, null, 2)}\n`,
    )
  })
})
