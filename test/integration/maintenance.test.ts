import { existsSync, readdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Landing } from '../support/landing.ts'
import { activeFiles, finished, logActions, project } from '../support/project.ts'

const SMALL = { max_files_per_batch: 1 }

function landed(files: number, table: Record<string, unknown> = {}): Landing {
  const landing = new Landing({ ...SMALL, ...table })
  for (let file = 0; file < files; file += 1) landing.land(`f${file}.csv`, `id,name\n${file},x\n`, file)
  return landing
}

function ids(rows: readonly Record<string, unknown>[]): readonly number[] {
  return rows.map((row) => Number(row['id'])).toSorted((a, b) => a - b)
}

function operations(table: string): readonly unknown[] {
  return logActions(table).flatMap(({ action }) => action['commitInfo']?.['operation'] ?? [])
}

/** Data files of the table are those of a version that was superseded long ago. */
function ageAll(table: string): void {
  for (const name of readdirSync(table)) if (name.endsWith('.parquet')) utimesSync(join(table, name), 1, 1)
}

test('a run with optimize and vacuum does both after the loads, and reports it', async () => {
  const landing = landed(5, { delta: { file_retention: '1ms' } })
  const report = await landing.run({ optimize: true })
  expect(report.tables[0]).toMatchObject({
    status: 'pass',
    version: 5,
    rows: { loaded: 5 },
    maintenance: { optimize: { version: 5, files_removed: 5, files_added: 1 } },
  })
  ageAll(landing.table)
  const second = await landing.run({ vacuum: true })
  expect(second.tables[0]).toMatchObject({ status: 'pass', maintenance: { vacuum: { files: 5, version: 7 } } })
  expect(ids(await landing.rows())).toEqual([0, 1, 2, 3, 4])
  expect(readdirSync(landing.table).filter((name) => name.endsWith('.parquet'))).toHaveLength(1)
  landing.land('more.csv', 'id,name\n9,y\n')
  expect((await landing.run()).tables[0]).toMatchObject({ status: 'pass', version: 8 })
  expect(ids(await landing.rows())).toEqual([0, 1, 2, 3, 4, 9])
})

test('small files are put together by themselves once it pays, and not again at once', async () => {
  const landing = landed(60)
  const report = await landing.run()
  expect(report.tables[0]).toMatchObject({ status: 'pass', version: 60, maintenance: { optimize: { files_removed: 60, files_added: 1 } } })
  expect(ids(await landing.rows())).toHaveLength(60)
  expect((await landing.states()).every((state) => state.endsWith(' completed'))).toBe(true)
  for (let file = 60; file < 65; file += 1) landing.land(`f${file}.csv`, `id,name\n${file},x\n`, file)
  expect((await landing.run()).tables[0]).not.toHaveProperty('maintenance')
  expect(operations(landing.table).filter((operation) => operation === 'OPTIMIZE')).toHaveLength(1)
})

test('with optimize off nothing happens by itself', async () => {
  const landing = landed(60, { delta: { optimize: 'off' } })
  expect((await landing.run()).tables[0]).not.toHaveProperty('maintenance')
  expect(activeFiles(landing.table)).toHaveLength(60)
})

test('a dry run maintains nothing', async () => {
  const landing = landed(3)
  await landing.run()
  const before = operations(landing.table)
  await landing.run({ dryRun: true, optimize: true, vacuum: true })
  expect(operations(landing.table)).toEqual(before)
})

test('the library has both, and a table that is not there yet is skipped', async () => {
  const landing = landed(3)
  expect((await landing.use((ingest) => ingest.optimize())).tables[0]).toMatchObject({
    status: 'skip',
    reason: 'the table has no version yet',
    files_removed: 0,
  })
  await landing.run()
  expect(await landing.use((ingest) => ingest.optimize({ dryRun: true }))).toMatchObject({ dry_run: true, tables: [{ files_removed: 3 }] })
  expect(await landing.use((ingest) => ingest.optimize({ tables: ['t'], zOrder: ['id'] }))).toMatchObject({
    tables: [{ table: 'default.t', status: 'pass', version: 3, files_removed: 3, files_added: 1, rows: 3 }],
  })
  expect(await landing.use((ingest) => ingest.vacuum({ retentionMs: 1 }))).toMatchObject({
    tables: [{ status: 'error', error: { code: 'ING-TABLE-RETENTION' } }],
  })
  ageAll(landing.table)
  expect(await landing.use((ingest) => ingest.vacuum({ retentionMs: 0, force: true }))).toMatchObject({
    tables: [{ status: 'pass', files: 3 }],
  })
  expect(ids(await landing.rows())).toEqual([0, 1, 2])
})

test('a full drop after it loads each file once', async () => {
  const landing = landed(4)
  await landing.run({ optimize: true })
  await landing.run({ runType: 'full_drop' })
  expect(ids(await landing.rows())).toEqual([0, 1, 2, 3])
})

test('snapshots by partition keep their order over it', async () => {
  const landing = new Landing({
    loading_strategy: 'overwrite',
    overwrite_scope: 'partition',
    partition_columns: ['p'],
    source_path_pattern: '*.csv',
  })
  landing.land('new.csv', 'id,p\n2,a\n', 20)
  await landing.run({ optimize: true })
  // An older snapshot of the partition that comes late does not replace the newer one.
  landing.land('old.csv', 'id,p\n1,a\n', 10)
  await landing.run({ optimize: true })
  expect(ids(await landing.rows())).toEqual([2])
})

test('the command tells what it did, with an exit code', async () => {
  const made = project({ tables: [{ table_name: 't', source_path_pattern: 't/*.csv', watch: { settle_seconds: 0 }, ...SMALL }] })
  for (let file = 0; file < 3; file += 1) made.write(`landing/t/${file}.csv`, `id\n${file}\n`)
  await made.command(['run'])
  const planned = await made.command(['optimize', '--dry-run', '--no-color'])
  expect(planned.stdout).toMatch(/^\[1 of 1\] FINISHED default\.t in [\d.]+s: would put 3 files \([\d.]+ kB\) together into about 1\n$/)
  const done = await made.command(['optimize', '--target-size', '64MB', '--no-color'])
  expect([done.code, done.stdout]).toEqual([0, expect.stringMatching(/: 3 files \([\d.]+ kB\) became 1 \([\d.]+ kB\)\n$/)])
  const refused = await made.command(['optimize', '--zorder', 'id,nope', '--no-color'])
  expect(refused.code).toBe(1)
  expect(refused.stdout).toContain('error: default.t has no column nope [ING-TABLE-ZORDER]')
  for (const args of [
    ['optimize', '--target-size', 'big'],
    ['vacuum', '--retention', 'long'],
    ['optimize', '--tables', 'nope'],
  ])
    expect((await made.command(args)).code).toBe(2)
  const early = await made.command(['vacuum', '--retention', '1 hour', '--no-color'])
  expect([early.code, early.stdout]).toEqual([1, expect.stringContaining('files are kept for 1 week, and would be deleted after 1 hour:')])
  ageAll(made.path('tables/default/t'))
  const named = await made.command(['vacuum', '--retention', '0s', '--force', '--dry-run', '--no-color'])
  expect(named.stdout).toMatch(/: would delete 3 files \([\d.]+ kB\)\n( {4}part-[-0-9a-f]+\.parquet\n){3}$/)
  const vacuumed = await made.json<{ tables: { files: number; paths: string[] }[] }>(['vacuum', '--retention', '0s', '--force'])
  expect(vacuumed.tables).toMatchObject([{ table: 'default.t', status: 'pass', files: 3, retention_hours: 0 }])
})

test('work on a table that another process is loading is left out', { timeout: 180_000 }, async () => {
  const made = project({ tables: [{ table_name: 't', source_path_pattern: 't/*.csv', watch: { settle_seconds: 0 }, ...SMALL }] })
  const files = 150
  for (let file = 0; file < files; file += 1) made.write(`landing/t/${file}.csv`, `id\n${file}\n`)
  const loading = finished(made.start(['run', '--json']))
  const seen = new Set<string>()
  let ended = false
  void loading.then(() => {
    ended = true
  })
  while (!ended && !existsSync(made.path('tables/default/t/_delta_log', `${'3'.padStart(20, '0')}.json`))) await sleep(10)
  while (!ended) {
    const { tables } = await made.json<{ tables: { status: string; reason: string | null }[] }>(['vacuum', '--retention', '0s', '--force'])
    seen.add(tables[0]?.reason ?? 'worked')
    await made.command(['optimize'])
    // The load is to get on as well.
    await sleep(100)
  }
  expect((await loading).code).toBe(0)
  expect(seen).toContain('another process is working on the table')
  await made.command(['optimize'])
  const rows = await made.json<{ rows: string }[]>(['query', 'select count(*)::varchar as rows from default.t'])
  expect(rows).toEqual([{ rows: String(files) }])
})
