import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ingest, scratch } from './ingest.ts'

describe('init', () => {
  test('makes a project that runs at once, and says what comes next', async () => {
    using folder = scratch()
    const made = await ingest(['init', 'my project'], { cwd: folder.path })
    expect(made.code).toBe(0)
    expect(made.stdout).toContain(
      `Made a project in ${join(folder.path, 'my project')}:\n  ingest.yaml\n  ingest.schema.json\n  tables/customers.yaml\n`,
    )
    expect(made.stdout).toContain("  cd 'my project'\n  ingest run ")
    const config = readFileSync(join(folder.path, 'my project/ingest.yaml'), 'utf8')
    expect(config.split('\n')[0]).toBe('# yaml-language-server: $schema=./ingest.schema.json')

    const run = await ingest(['run', '--json'], { cwd: join(folder.path, 'my project') })
    expect(JSON.parse(run.stdout).totals).toMatchObject({ pass: 2, error: 0, files: 3, rows: 90 })
    expect(run.code).toBe(0)
  })

  test('an ingest.yaml that is there is kept, unless --force is given', async () => {
    using folder = scratch({ 'p/ingest.yaml': 'mine' })
    const file = join(folder.path, 'p/ingest.yaml')
    expect(await ingest(['init', 'p'], { cwd: folder.path })).toEqual({
      code: 2,
      stdout: '',
      stderr: `error: ${file} exists already [ING-USAGE]\n  hint: choose another place, or replace it with --force\n`,
    })
    expect(readFileSync(file, 'utf8')).toBe('mine')
    expect(existsSync(join(folder.path, 'p/landing'))).toBe(false)
    const forced = await ingest(['init', 'p', '--force', '--tables-dir', 'pipelines', '--json'], { cwd: folder.path })
    expect(JSON.parse(forced.stdout).files).toContain('pipelines/customers.yaml')
    expect((await ingest(['status'], { cwd: join(folder.path, 'p') })).code).toBe(0)
  })
})

describe('demo', () => {
  test('loads all but the broken file, explains that one, and loads nothing twice', async () => {
    using folder = scratch()
    const { code, stdout } = await ingest(['demo', 'd'], { cwd: folder.path })
    expect(code).toBe(0)
    expect(stdout.match(/^\d\. .*$/gm)).toEqual([
      '1. A project with sample files',
      '2. Load everything; the broken file fails alone, its neighbours load',
      '3. The tracker knows every file',
      '4. Why was that file not loaded?',
      '5. Ask the tables',
      '6. Run again: nothing is loaded twice',
    ])
    expect(stdout).toContain('Done. PASS=3 WARN=0 ERROR=1 SKIP=0 TOTAL=4')
    expect(stdout).toMatch(/failed +shop\.orders +landing\/orders\/orders_2024-03\.csv +ING-FILE-VALUE/)
    expect(stdout).toContain('Done. PASS=4 WARN=0 ERROR=0 SKIP=0 TOTAL=4')
    expect(stdout).toContain('Rows of customers, orders and events: 1,460 before, 1,460 after.')
    expect(stdout).not.toContain('\u001b')
    expect((await ingest(['status'], { cwd: join(folder.path, 'd') })).code).toBe(0)
  })

  test('a temporary project is removed, and the document tells all that was found', async () => {
    const { code, stdout } = await ingest(['demo', '--json'])
    const found = JSON.parse(stdout)
    expect(code).toBe(0)
    expect(found).toMatchObject({
      kept: false,
      rows_before: 1460,
      rows_after: 1460,
      first_run: { totals: { error: 1 } },
      second_run: { totals: { files: 0, error: 0 } },
    })
    expect(found.explain.verdict).toBe('not_loaded')
    expect(existsSync(found.folder)).toBe(false)
  })

  test('a folder with a project in it is left alone', async () => {
    using folder = scratch()
    mkdirSync(join(folder.path, 'd'))
    writeFileSync(join(folder.path, 'd/ingest.yaml'), 'mine')
    const { code, stderr } = await ingest(['demo', 'd'], { cwd: folder.path })
    expect(stderr).toContain('exists already [ING-USAGE]')
    expect(code).toBe(2)
  })
})
