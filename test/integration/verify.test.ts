import { existsSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import BetterSqlite from 'better-sqlite3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Ingest, VerifyReport } from '../../src/index.ts'
import { query } from '../support/engine.ts'
import { activeFiles, Project } from '../support/project.ts'

const LOADS = 12

/** Twelve commits and a checkpoint at the tenth, rejected rows, a merge table with deletion vectors, and a snapshot. */
const here = new Project({
  tables: [
    { table_name: 'a', source_path_pattern: 'a/*.csv', watch: { settle_seconds: 0 }, max_bad_rows: 5, max_files_per_batch: 1 },
    {
      table_name: 'm',
      source_path_pattern: 'm/*.csv',
      watch: { settle_seconds: 0 },
      loading_strategy: 'merge',
      primary_keys: ['id'],
      delete_when: "op = 'D'",
      delta: { deletion_vectors: true },
      max_files_per_batch: 1,
    },
    { table_name: 'o', source_path_pattern: 'o/*.csv', watch: { settle_seconds: 0 }, loading_strategy: 'overwrite' },
    { table_name: 'nothing', source_path_pattern: 'nothing/*.csv' },
  ],
})
let ingest: Ingest
afterAll(async () => {
  await ingest?.[Symbol.asyncDispose]()
  here.remove()
})
beforeAll(async () => {
  for (let number = 10; number < 10 + LOADS; number += 1) here.write(`landing/a/${number}.csv`, `id,name\n${number},x\n${number + 100},y\n`)
  here.write('landing/a/11.csv', 'id,name\n11,x\nnope,y\n12,z\n')
  here.write('landing/m/1.csv', `id,op\n${Array.from({ length: 50 }, (_, index) => `${index},I`).join('\n')}\n`)
  here.write('landing/m/2.csv', 'id,op\n3,D\n4,U\n77,D\n')
  here.write('landing/o/1.csv', 'x\n1\n2\n3\n')
  const { createIngest }: typeof import('../../src/index.ts') = await import(new URL('../../dist/index.js', import.meta.url).href)
  ingest = await createIngest({ configFile: here.path('ingest.yaml'), logLevel: 'ERROR' })
  const run = await ingest.run()
  expect(run.totals).toMatchObject({ error: 0, files: LOADS + 3 })
})

const path = (table: string, ...parts: readonly string[]) => here.path('tables/default', table, ...parts)
const commit = (table: string, version: number) => path(table, '_delta_log', `${String(version).padStart(20, '0')}.json`)
const manifest = (table: string, batch: number) => path(table, '_ingestd/manifests', `${String(batch).padStart(20, '0')}.json`)

/** What `verify` finds while the damage is there; it is taken back afterwards. */
async function found(table: string, files: readonly string[], plant: () => void | Promise<void>): Promise<VerifyReport['tables'][number]> {
  const before = files.map((file) => [file, readFileSync(file)] as const)
  try {
    await plant()
    const report = await ingest.verify({ tables: [table] })
    expect(report.ok).toBe(false)
    return report.tables[0] as VerifyReport['tables'][number]
  } finally {
    for (const [file, content] of before) writeFileSync(file, content)
  }
}

async function foundIn(statement: string, table = 'a'): Promise<VerifyReport['tables'][number]> {
  const database = new BetterSqlite(here.path('state/metadata.db'))
  try {
    database.exec('create table if not exists kept_file as select * from file_processing_tracker')
    database.exec('create table if not exists kept_batch as select * from file_processing_tracker_batches')
    database.exec(statement)
    const report = await ingest.verify({ tables: [table] })
    return report.tables[0] as VerifyReport['tables'][number]
  } finally {
    for (const [own, kept] of [
      ['file_processing_tracker', 'kept_file'],
      ['file_processing_tracker_batches', 'kept_batch'],
    ])
      database.exec(`begin; delete from ${own}; insert into ${own} select * from ${kept}; drop table ${kept}; commit`)
    database.close()
  }
}

const edited = (file: string, change: (text: string) => string) => () => writeFileSync(file, change(readFileSync(file, 'utf8')))

test('nothing is found in sound tables, and it says what was looked at', async () => {
  const report = await ingest.verify()
  expect(report.tables.flatMap(({ findings }) => findings)).toEqual([])
  expect(report).toMatchObject({ ok: true })
  expect(report.tables[0]).toMatchObject({
    table: 'default.a',
    status: 'pass',
    version: LOADS - 1,
    commits: LOADS,
    checkpoints: 1,
    batches: LOADS,
    files: LOADS,
    data_files: LOADS,
    rows: LOADS * 2,
  })
  expect(report.tables[1]).toMatchObject({ batches: 2, files: 2 })
  expect(report.tables[3]).toMatchObject({ table: 'default.nothing', status: 'pass', version: null })
})

test.each([
  ['log_gap', 4, () => rmSync(commit('a', 4)), 'version 4 is missing, and later ones are there'],
  ['log_commit', 5, () => truncateSync(commit('a', 5)), 'the commit is an empty file'],
  ['log_commit', 6, edited(commit('a', 6), (text) => text.slice(0, -40)), 'is no JSON object'],
])('a damaged commit is named: %s of version %i', async (damage, version, plant, detail) => {
  const { findings } = await found('a', [commit('a', version)], plant)
  expect(findings).toHaveLength(1)
  expect(findings[0]).toMatchObject({ damage, version, file: `_delta_log/${String(version).padStart(20, '0')}.json` })
  expect(findings[0]?.detail).toContain(detail)
  expect(findings[0]?.hint).toContain('_delta_log')
})

test('a log that cannot be opened, and a table of another tracker', async () => {
  const only = commit('o', 0)
  const unreadable = await found(
    'o',
    [only],
    edited(only, (text) => text.replace('\\"fields\\"', '\\"felds\\"')),
  )
  expect(unreadable.damages).toMatchObject({ log_unreadable: 1 })
  const foreign = await found(
    'o',
    [only],
    edited(only, (text) => text.replace(/"ingestd\.tracker":"[^"]*"/, '"ingestd.tracker":"another"')),
  )
  expect(foreign.damages).toMatchObject({ other_tracker: 1 })
})

test('a log that ends too early is behind the tracker', async () => {
  const newest = commit('a', LOADS - 1)
  const { findings } = await found('a', [newest], () => rmSync(newest))
  expect(findings.map(({ damage }) => damage)).toEqual(['table_behind'])
  expect(findings[0]?.detail).toBe(`the tracker holds batch ${LOADS} as committed, but its log ends with batch ${LOADS - 1}`)
})

test('a checkpoint is compared with the commits before it', async () => {
  const [file = ''] = readdirSync(path('a', '_delta_log')).filter((name) => name.endsWith('.checkpoint.parquet'))
  const checkpoint = path('a', '_delta_log', file)
  const version = Number(file.slice(0, 20))
  const truncated = await found('a', [checkpoint], () => truncateSync(checkpoint, 500))
  expect(truncated.findings).toMatchObject([{ damage: 'checkpoint_unreadable', version, file: `_delta_log/${file}` }])
  const other = `${checkpoint}.other`
  const lacks = await found('a', [checkpoint], async () => {
    await query(`copy (select * from '${checkpoint}' where add is null or add.path <> (select min(add.path) from '${checkpoint}'))
      to '${other}' (format parquet)`)
    renameSync(other, checkpoint)
  })
  expect(lacks.damages).toMatchObject({ checkpoint_differs: 1 })
  expect(lacks.findings.find(({ damage }) => damage === 'checkpoint_differs')?.detail).toMatch(
    /^it lacks the file .*, which the commits have$/,
  )
  const pointer = path('a', '_delta_log/_last_checkpoint')
  const lost = await found(
    'a',
    [pointer],
    edited(pointer, (text) => text.replace(/"version":\d+/, '"version":3')),
  )
  expect(lost.findings).toMatchObject([{ damage: 'checkpoint_pointer', version: 3 }])
})

test('a checksum that does not add up', async () => {
  const file = commit('a', LOADS - 1).replace('.json', '.crc')
  expect(existsSync(file)).toBe(true)
  const { findings } = await found(
    'a',
    [file],
    edited(file, (text) => text.replace(/"numFiles":\d+/, '"numFiles":99')),
  )
  expect(findings).toMatchObject([{ damage: 'checksum_differs', version: LOADS - 1 }])
})

test('the chain of manifests: missing, damaged, of another batch', async () => {
  const file = manifest('a', 7)
  const missing = await found('a', [file], () => rmSync(file))
  expect(missing.findings).toMatchObject([{ damage: 'manifest_missing', file: '_ingestd/manifests/00000000000000000007.json' }])
  const damaged = await found('a', [file], () => truncateSync(file, 30))
  expect(damaged.findings).toMatchObject([{ damage: 'manifest_damaged' }])
  const foreign = await found(
    'a',
    [file],
    edited(file, (text) => text.replace(/"batchId":"[^"]*"/, '"batchId":"other"')),
  )
  expect(foreign.damages).toEqual({ manifest_differs: 1, tracker_version: 1 })
  const passed = await found(
    'a',
    [manifest('a', 8)],
    edited(manifest('a', 8), (text) => text.replace('"previous":"7"', '"previous":"6"')),
  )
  expect(passed.damages).toMatchObject({ manifest_differs: 1, tracker_extra: 1 })
  expect(passed.findings.map(({ detail }) => detail)).toContain('version 6 is batch 7, which the chain of manifests passes over')
})

test('data files: missing, cut, damaged, with other rows than the log says', async () => {
  const [file = ''] = activeFiles(path('a'))
  const name = file.slice(path('a').length + 1)
  expect((await found('a', [file], () => rmSync(file))).findings).toMatchObject([{ damage: 'data_file_missing', file: name }])
  expect((await found('a', [file], () => truncateSync(file, 100))).findings).toMatchObject([{ damage: 'data_file_size', file: name }])
  const size = readFileSync(file).length
  const damaged = await found('a', [file], () => writeFileSync(file, Buffer.alloc(size, 7)))
  expect(damaged.findings).toMatchObject([{ damage: 'data_file_damaged', file: name }])
  const lied = await found(
    'a',
    [commit('a', 11)],
    edited(commit('a', 11), (text) => text.replace('\\"numRecords\\":2', '\\"numRecords\\":3')),
  )
  expect(lied.findings).toMatchObject([{ damage: 'data_file_rows', detail: 'it has 2 rows, the log says 3' }])
})

test('rows of a landing file that are gone, or there twice', async () => {
  const version = commit('a', LOADS - 1)
  const doubled = await found('a', [version], () => {
    const lines = readFileSync(version, 'utf8')
    const first = readFileSync(commit('a', 0), 'utf8')
    const added = /"path":"([^"]*)"/.exec(first)?.[1] ?? ''
    const copy = 'copied.parquet'
    writeFileSync(path('a', copy), readFileSync(path('a', added)))
    const add = first.split('\n').find((line) => line.startsWith('{"add"')) ?? ''
    writeFileSync(version, `${lines}${add.replace(added, copy)}\n`)
  })
  expect(doubled.findings.find(({ damage }) => damage === 'rows_differ')).toMatchObject({
    file: here.path('landing/a/10.csv'),
    detail: 'the table has 4 rows of it, 2 were loaded',
  })
  expect(doubled.damages).toEqual({ rows_differ: 1, checksum_differs: 1 })
  const gone = await found(
    'o',
    [manifest('o', 1)],
    edited(manifest('o', 1), (text) => text.replace('"loaded":"3"', '"loaded":"4"')),
  )
  expect(gone.damages).toEqual({ rows_differ: 1, tracker_counts: 1 })
})

test('deletion vectors and side files', async () => {
  const [vector = ''] = readdirSync(path('m')).filter((name) => name.endsWith('.bin'))
  const file = path('m', vector)
  const { findings } = await found('m', [file], () => writeFileSync(file, Buffer.alloc(readFileSync(file).length, 1)))
  expect(findings).toMatchObject([{ damage: 'deletion_vector' }])
  expect(findings[0]?.detail).toContain(vector)
  const [side = ''] = readdirSync(path('m', '_ingestd/observations'))
  const observed = path('m', '_ingestd/observations', side)
  const lost = await found('m', [observed], () => rmSync(observed))
  expect(lost.findings).toMatchObject([{ damage: 'side_file_missing', file: `_ingestd/observations/${side}` }])
})

test('the quarantine is looked at as well', async () => {
  const [file = ''] = activeFiles(path('a__quarantine'))
  const missing = await found('a', [file], () => rmSync(file))
  expect(missing.findings).toMatchObject([{ damage: 'data_file_missing' }])
  expect(missing.findings[0]?.detail).toMatch(/^default\.a__quarantine: /)
  const loaded =
    Array.from({ length: LOADS }, (_, index) => manifest('a', index + 1)).find((one) => readFileSync(one, 'utf8').includes('/11.csv')) ?? ''
  const doubled = await found(
    'a',
    [loaded],
    edited(loaded, (text) => text.replace('"rejected":"1"', '"rejected":"0"')),
  )
  expect(doubled.damages).toMatchObject({ quarantine_rows: 1 })
})

const FILE = `file_path like '%/15.csv'`

test.each([
  ['tracker_unknown', `delete from file_processing_tracker where ${FILE}`],
  ['tracker_state', `update file_processing_tracker set status = 'pending' where ${FILE}`],
  ['tracker_version', `update file_processing_tracker set file_version = '1-1' where ${FILE}`],
  ['tracker_counts', `update file_processing_tracker set rows_loaded = 7 where ${FILE}`],
  [
    'tracker_extra',
    `insert into file_processing_tracker (table_name, file_path, file_version, file_size, file_modified_ns, status, retry_count, created_at, updated_at)
     values ('default.a', '/in/15.csv', '1-1', 1, 1, 'completed', 0, 0, 0)`,
  ],
])('what the tracker says otherwise than the table is named: %s', async (damage, statement) => {
  const { findings } = await foundIn(statement)
  expect(findings).toHaveLength(1)
  expect(findings[0]).toMatchObject({ damage })
  expect(findings[0]?.file).toMatch(/\/15\.csv$/)
})

test('batches that the tracker does not know, and batches of processes that are gone', async () => {
  const behind = await foundIn(`delete from file_processing_tracker_batches where batch_number = ${LOADS} and table_name = 'default.a'`)
  expect(behind.findings).toMatchObject([{ damage: 'tracker_behind' }])
  const left =
    await foundIn(`insert into file_processing_tracker_batches (batch_id, table_name, batch_number, status, lease_owner, lease_expires_at, files, started_at)
    values ('x', 'default.a', 99, 'processing', 'host:1:gone', 0, 3, 0)`)
  expect(left.findings).toMatchObject([{ damage: 'tracker_processing' }])
})

test('a full drop that did not reach its commit', async () => {
  const database = new BetterSqlite(here.path('state/metadata.db'))
  const note = 'file_processing_tracker_notes'
  try {
    database.exec(`insert into ${note} values ('default.o', 'full_drop', 'begun')`)
    const { tables } = await ingest.verify({ tables: ['o'] })
    expect(tables[0]?.damages).toEqual({ full_drop: 1 })
  } finally {
    database.exec(`delete from ${note} where table_name = 'default.o' and key = 'full_drop'`)
    database.close()
  }
})

test('the command names damage, file and remedy, and ends with 1; with 0 where nothing is found', async () => {
  const file = commit('a', 4)
  const before = readFileSync(file)
  rmSync(file)
  const bad = await here.command(['verify', 'a', 'o'])
  writeFileSync(file, before)
  expect(bad.code).toBe(1)
  expect(bad.stdout.split('\n').slice(0, 3)).toEqual([
    expect.stringMatching(/^DAMAGE {2}default\.a: version 11: 12 files, 11 commits, 1 checkpoint, 12 data files, 24 rows$/),
    '        log_gap: _delta_log/00000000000000000004.json, version 4: version 4 is missing, and later ones are there',
    '          hint: restore the file of _delta_log from a backup, or the whole table',
  ])
  expect(bad.stdout).toContain('\n1 table of 2 with findings, or not looked at.\n')
  const good = await here.command(['verify', '--json'])
  expect(good.code).toBe(0)
  expect(JSON.parse(good.stdout)).toMatchObject({ ok: true })
  expect((await here.command(['verify', 'zzz'])).code).toBe(2)
})
