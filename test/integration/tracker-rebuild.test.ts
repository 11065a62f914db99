import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { AdoptReport, RebuildReport, RunReport, TrackedFile, VerifyReport } from '../../src/index.ts'
import { logActions, type Project, project } from '../support/project.ts'

const settled = { watch: { settle_seconds: 0 } }

const TABLES = [
  { table_name: 'a', source_path_pattern: 'a/*.csv', max_bad_rows: 5, max_files_per_batch: 1, ...settled },
  { table_name: 'm', source_path_pattern: 'm/*.csv', loading_strategy: 'merge', primary_keys: ['id'], ...settled },
  { table_name: 'o', source_path_pattern: 'o/*.csv', loading_strategy: 'overwrite', ...settled },
  { table_name: 'new', source_path_pattern: 'new/*.csv', watch: { settle_seconds: 0, include_existing: false } },
]

function forget(here: Project): void {
  for (const name of readdirSync(here.path('state')).filter((one) => one.startsWith('metadata.db'))) rmSync(here.path('state', name))
}

async function states(here: Project): Promise<readonly string[]> {
  const files = await here.json<readonly TrackedFile[]>(['files'])
  return files
    .map((file) => {
      const name = file.file_path.slice(here.path('landing').length + 1)
      return `${name} ${file.status} ${file.rows_loaded ?? '-'} ${file.rows_rejected ?? '-'} v${file.table_version ?? '-'}`
    })
    .sort()
}

const versions = (here: Project) =>
  TABLES.flatMap(({ table_name: name }) => logActions(here.path('tables/default', name)).at(-1)?.version ?? -1)

test('a tracker that was deleted is made anew from the tables, and the next run loads nothing', async () => {
  const here = project({ tables: TABLES })
  for (const number of [1, 2, 3]) here.write(`landing/a/${number}.csv`, `id,name\n${number},x\n`)
  here.write('landing/m/1.csv', 'id\n1\n2\n')
  here.write('landing/o/1.csv', 'x\n1\n')
  here.write('landing/new/old.csv', 'x\n1\n')
  await here.command(['run'])
  here.write('landing/a/4.csv', 'id,name\n4,x\nnope,y\n')
  here.write('landing/new/fresh.csv', 'x\n2\n')
  here.write('landing/o/2.csv', 'x\n1\n2\n')
  await here.command(['run'])
  // A file that leaves before a full drop, one that a restore takes out for good, and a row that is mended.
  rmSync(here.path('landing/a/1.csv'))
  await here.command(['run', '--tables', 'a', '--full-drop', '--yes'])
  here.write('landing/a/5.csv', 'id,name\n5,x\n')
  await here.command(['run'])
  await here.run(['restore', 'a', '--version', String((versions(here)[0] ?? 0) - 1), '--files', 'skipped', '--yes'])
  await here.command(['quarantine', 'export', '--output', here.path('mend.csv')])
  expect((await here.command(['verify'])).stdout).toContain('Nothing found')
  const [before, then] = [await states(here), versions(here)]
  expect(before.filter((line) => line.startsWith('a/'))).toHaveLength(5)

  forget(here)
  const refused = await here.command(['run'])
  expect(refused.code).toBe(1)
  expect(refused.stdout + refused.stderr).toContain('ingest tracker rebuild')
  expect(versions(here)).toEqual(then)
  const report = await here.json<RebuildReport>(['tracker', 'rebuild'])
  expect(report.tables.map(({ table, from_tracker }) => [table, from_tracker])).toEqual(
    TABLES.map((one) => [`default.${one.table_name}`, null]),
  )
  expect(report.backup).toMatch(/metadata\.db\.before-rebuild-/)
  const run = await here.json<RunReport>(['run'])
  expect(run.totals).toMatchObject({ error: 0, files: 0, rows: 0 })
  expect(versions(here)).toEqual(then)
  expect(await states(here)).toEqual(before)
  expect(await here.json<VerifyReport>(['verify'])).toMatchObject({ ok: true })
  // What lands afterwards is loaded, under the numbers that follow.
  here.write('landing/a/6.csv', 'id,name\n6,x\n')
  expect((await here.json<RunReport>(['run'])).totals).toMatchObject({ error: 0, files: 1, rows: 1 })
})

test('a tracker that knows of loads is replaced by force alone, and kept; one that is damaged is lost', async () => {
  const here = project({ tables: TABLES.slice(0, 1) })
  here.write('landing/a/1.csv', 'id\n1\n')
  await here.command(['run'])
  const refused = await here.command(['tracker', 'rebuild'])
  expect(refused).toMatchObject({ code: 2 })
  expect(refused.stderr).toContain('knows of 1 loaded file [ING-TRACKER-NOT-EMPTY]')
  const forced = await here.json<RebuildReport>(['tracker', 'rebuild', '--force'])
  expect(forced.tables).toMatchObject([{ batches: 1, files: { completed: 1 }, rows: 1 }])
  expect(readdirSync(here.path('state'))).toContain(forced.backup?.split('/').at(-1))
  writeFileSync(
    here.path('state/metadata.db'),
    'this is no database, but it is long enough to be taken for one by its size alone'.repeat(50),
  )
  expect((await here.command(['run'])).stderr).toContain('ingest tracker rebuild')
  expect((await here.command(['tracker', 'rebuild'])).code).toBe(0)
  expect((await here.json<RunReport>(['run'])).totals).toMatchObject({ error: 0, files: 0 })
})

/** The same tables under two trackers: the first is set aside, and a second begins with a table of its own. */
async function ofTwoTrackers(): Promise<Project> {
  const here = project({ tables: TABLES.slice(0, 1) })
  here.write('landing/a/1.csv', 'id,name\n1,x\nnope,y\n')
  here.write('landing/a/2.csv', 'id,name\n2,x\n')
  await here.command(['run'])
  renameSync(here.path('state'), here.path('state-one'))
  here.configure({ tables: TABLES.slice(0, 3) })
  here.write('landing/m/1.csv', 'id\n1\n')
  here.write('landing/o/1.csv', 'x\n1\n')
  await here.command(['run'])
  return here
}

test('tables of several trackers are brought together under the one that most of them name', async () => {
  const here = await ofTwoTrackers()
  forget(here)
  const report = await here.json<RebuildReport>(['tracker', 'rebuild'])
  expect(report.tables.map(({ from_tracker }) => from_tracker === null)).toEqual([false, true, true])
  expect((await here.json<RunReport>(['run'])).totals).toMatchObject({ error: 0, files: 0, rows: 0 })
  expect(await here.json<VerifyReport>(['verify'])).toMatchObject({ ok: true })
})

test('a table is taken over by name: the other tracker is refused from then on, and time travel reaches back before it', async () => {
  const here = await ofTwoTrackers()
  const asked = await here.command(['tracker', 'adopt', 'a'])
  expect(asked).toMatchObject({ code: 2 })
  expect(asked.stderr).toContain('another tracker loses the table, and there is no terminal to ask on')
  const report = await here.json<AdoptReport>(['tracker', 'adopt', 'a', '--yes'])
  expect(report).toMatchObject({ table: 'default.a', version: 2, batches: 2, files: 2 })
  expect(await here.json<AdoptReport>(['tracker', 'adopt', 'a', '--yes'])).toMatchObject({ from_tracker: null, version: null, batches: 0 })
  here.write('landing/a/3.csv', 'id,name\n3,x\n')
  expect((await here.json<RunReport>(['run'])).totals).toMatchObject({ error: 0, files: 1, rows: 1 })
  expect(await here.json<VerifyReport>(['verify'])).toMatchObject({ ok: true })
  const back = await here.json<{ files: object }>(['restore', 'a', '--version', '0', '--files', 'skipped', '--yes'])
  expect(back.files).toEqual({ pending: 0, skipped: 2, completed: 0 })
  expect((await here.json<VerifyReport>(['verify'])).tables.flatMap(({ findings }) => findings)).toEqual([])

  here.configure({ tables: TABLES.slice(0, 1), checkpoint_path: './state-one' })
  here.write('landing/a/4.csv', 'id,name\n4,x\n')
  const old = await here.command(['run'])
  expect(old.code).toBe(1)
  expect(old.stdout).toContain('[ING-TABLE-OTHER-TRACKER]')
})
