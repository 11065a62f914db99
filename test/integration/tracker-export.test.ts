import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createIngest, type Ingest } from 'ingestd'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { daemon, eventually } from '../support/daemon.ts'
import { list, query } from '../support/engine.ts'
import { Landing } from '../support/landing.ts'
import { activeFiles, Project } from '../support/project.ts'

const TABLES = ['a', 'b'].map((name) => ({
  table_name: name,
  source_path_pattern: `${name}/*.csv`,
  columns: { id: 'BIGINT' },
  watch: { settle_seconds: 0 },
}))
const here = new Project({ tables: TABLES })
let ingest: Ingest

async function opened(config: Record<string, unknown> = {}): Promise<Ingest> {
  here.configure({ tables: TABLES, ...config })
  return createIngest({ configFile: here.path('ingest.yaml'), logLevel: 'ERROR' })
}

beforeAll(async () => {
  ingest = await opened()
  here.write('landing/a/good.csv', 'id\n1\n2\n')
  here.write('landing/a/bad "file",1.csv', 'id\n1\nx\n')
  here.write('landing/b/one.csv', 'id\n1\n')
  await ingest.run()
})
afterAll(async () => {
  await ingest[Symbol.asyncDispose]()
  here.remove()
})

const published = (table: string) => here.path('tables/metadata', table)

function rowsOf(folder: string, columns: string): Promise<readonly Record<string, unknown>[]> {
  return query(`select ${columns} from read_parquet(${list(activeFiles(folder))}) order by all`)
}

const versionsIn = (folder: string) => readdirSync(join(folder, '_delta_log')).filter((name) => /^\d+\.json$/.test(name)).length

test('an export has every row with the columns of `files --json`, in each format', async () => {
  const { stdout: json } = await here.run(['files', '--json'])
  const known = JSON.parse(json) as Record<string, unknown>[]
  expect(known).toHaveLength(3)
  const toFile = await here.run(['tracker', 'export', '--output', 'out/../files.json', '--json'])
  expect(JSON.parse(toFile.stdout)).toMatchObject({ file: here.path('files.json'), format: 'json', files: 3 })
  expect(JSON.parse(readFileSync(here.path('files.json'), 'utf8'))).toEqual(known)
  expect(JSON.parse((await here.run(['tracker', 'export', '--format', 'json'])).stdout)).toEqual(known)

  await here.run(['tracker', 'export', '--output', 'files.csv'])
  const csv = await here.run(['tracker', 'export'])
  expect(csv.stdout).toBe(readFileSync(here.path('files.csv'), 'utf8'))
  expect(csv.stdout.split('\n')[0]).toBe(Object.keys(known[0] ?? {}).join(','))
  expect(csv.stdout).toContain('"')

  await here.run(['tracker', 'export', '--output', 'files.parquet', '--tables', 'a'])
  const typed = await query(
    `select table_name, status, rows_loaded, typeof(updated_at) as type, error_code from read_parquet('${here.path('files.parquet')}') order by all`,
  )
  const time = { table_name: 'default.a', type: 'TIMESTAMP WITH TIME ZONE' }
  expect(typed).toEqual([
    { ...time, status: 'completed', rows_loaded: '2', error_code: null },
    { ...time, status: 'failed', rows_loaded: null, error_code: 'ING-FILE-VALUE' },
  ])
  expect(readdirSync(here.path('state/spool'))).toEqual([])
})

test('an export replaces no file unasked, and must know its format', async () => {
  const file = here.write('there.csv', 'mine')
  await expect(ingest.tracker.export({ file })).rejects.toMatchObject({ code: 'ING-USAGE' })
  expect(readFileSync(file, 'utf8')).toBe('mine')
  expect(await ingest.tracker.export({ file, force: true })).toMatchObject({ format: 'csv', files: 3 })
  await expect(ingest.tracker.export({ file: here.path('files.xlsx') })).rejects.toThrow('what format')
  expect((await here.run(['tracker', 'export', '--format', 'parquet'])).code).toBe(2)
  await expect(ingest.tracker.export({ file: here.path('none/x.csv') })).rejects.toMatchObject({ code: 'ING-STORAGE' })
  const empty = await here.run(['tracker', 'export', '--var', 'checkpoint_path=./none', '--format', 'json'])
  expect(empty).toMatchObject({ code: 0, stdout: '[]\n' })
  expect(existsSync(here.path('none'))).toBe(false)
})

test('the tracker is published as two tables, and only where something changed', async () => {
  const first = await ingest.tracker.publish()
  expect(first.tables).toMatchObject([
    { table: 'metadata.file_processing_tracker', target: published('file_processing_tracker'), rows: 3, version: 0, changed: true },
    { table: 'metadata.file_processing_tracker_batches', rows: 2, version: 0, changed: true },
  ])
  expect((await ingest.tracker.publish()).tables.map(({ changed, version }) => [changed, version])).toEqual([
    [false, 0],
    [false, 0],
  ])
  await ingest.skip({ tables: ['a'], status: 'failed' })
  expect((await ingest.tracker.publish()).tables.map(({ changed }) => changed)).toEqual([true, false])
  expect(await rowsOf(published('file_processing_tracker'), 'table_name, status, rows_loaded')).toEqual([
    { table_name: 'default.a', status: 'completed', rows_loaded: '2' },
    { table_name: 'default.a', status: 'skipped', rows_loaded: null },
    { table_name: 'default.b', status: 'completed', rows_loaded: '1' },
  ])
  expect(await rowsOf(published('file_processing_tracker_batches'), 'table_name, status, files, table_version')).toEqual([
    { table_name: 'default.a', status: 'committed', files: '2', table_version: '0' },
    { table_name: 'default.b', status: 'committed', files: '1', table_version: '0' },
  ])
})

test('with publish_tracker each run that changes something publishes, and a run that cannot is told and does not fail', async () => {
  await using publishing = await opened({ publish_tracker: true })
  const before = versionsIn(published('file_processing_tracker'))
  await publishing.run()
  expect(versionsIn(published('file_processing_tracker'))).toBe(before)
  here.write('landing/a/more.csv', 'id\n3\n')
  expect(await publishing.run()).not.toHaveProperty('warnings')
  expect(await rowsOf(published('file_processing_tracker'), 'file_path')).toHaveLength(4)

  here.write('landing/a/again.csv', 'id\n4\n')
  rmSync(join(published('file_processing_tracker'), '_delta_log'), { recursive: true })
  const { code, stdout } = await here.run(['run'])
  expect(code).toBe(0)
  expect(stdout).toContain('warning: the tracker could not be published: ')
  expect(stdout).toContain('[ING-TABLE-NOT-EMPTY]')
})

test('a table that has the name or the folder of the published tracker is refused, where it is to be published', async () => {
  const clash = { table_name: 'FILE_processing_tracker', database_name: 'metadata', source_path_pattern: 'c/*.csv' }
  await using unpublished = await opened({ tables: [...TABLES, clash] })
  await expect(unpublished.tracker.publish()).rejects.toMatchObject({ code: 'ING-CONFIG-DUPLICATE-TABLE' })
  await expect(opened({ tables: [...TABLES, clash], publish_tracker: true })).rejects.toThrow(
    /publish_tracker.*the tracker would be published as metadata.file_processing_tracker/,
  )
  const looking = { table_name: 'c', source_path_pattern: '../tables/metadata/*/*.parquet' }
  await expect(opened({ tables: [...TABLES, looking], publish_tracker: true })).rejects.toThrow('looks for files')
})

test('a daemon publishes what it loaded, at the latest when it ends', async () => {
  const landing = new Landing({}, { publish_tracker: true })
  landing.land('1.csv', 'id\n1\n')
  const running = await daemon(landing)
  const folder = landing.path('tables/metadata/file_processing_tracker')
  await eventually(async () => existsSync(join(folder, '_delta_log/00000000000000000000.json')), Boolean)
  landing.land('2.csv', 'id\n2\n')
  await eventually(running.states, (states) => states.length === 2 && states.every((state) => state.endsWith('completed')))
  await running.stop()
  expect(await rowsOf(folder, 'status')).toHaveLength(2)
})
