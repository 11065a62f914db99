import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { QuarantinedRow } from 'ingestd'
import { expect, test } from 'vitest'
import { list, query } from '../support/engine.ts'
import { Landing } from '../support/landing.ts'
import { activeFiles, logActions } from '../support/project.ts'

const KEYED = { loading_strategy: 'merge', primary_keys: ['id'], max_bad_rows: 5 }

async function quarantined(landing: Landing, options: { files?: string[]; limit?: number } = {}): Promise<readonly QuarantinedRow[]> {
  return landing.use(async (ingest) => {
    const rows: QuarantinedRow[] = []
    for await (const row of ingest.quarantined(options)) rows.push(row)
    return rows
  })
}

/** The rows of the quarantine as any reader of Delta sees them. */
async function stored(landing: Landing): Promise<readonly Record<string, unknown>[]> {
  const files = activeFiles(`${landing.table}__quarantine`)
  return files.length === 0 ? [] : query(`select id, reason, _batch_number as batch from read_parquet(${list(files)}) order by all`)
}

function mended(landing: Landing, rows: Readonly<Record<string, string>>, name = 'mended.csv'): string {
  const path = landing.path(name)
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
  const lines = Object.entries(rows).map(([id, raw]) => `${id},${quoted(raw)}`)
  writeFileSync(path, `id,raw\n${lines.join('\n')}\n`)
  return path
}

async function counts(landing: Landing): Promise<readonly string[]> {
  return (await landing.files()).map((file) => `${file.status} ${file.rows_read} = ${file.rows_loaded} + ${file.rows_rejected}`)
}

const resubmit = (landing: Landing, file: string) => landing.use((ingest) => ingest.resubmit(file))

/** Rows 2 and 4 have no key. */
async function keyed(table: Record<string, unknown> = {}): Promise<Landing> {
  const landing = new Landing({ ...KEYED, ...table })
  landing.land('a.csv', 'id,name\n1,one\n,two\n3,three\n,four\n', 1)
  await landing.run()
  return landing
}

test('a rejected row is in quarantine with its file, place, rule and batch, and the run warns of it', async () => {
  const landing = new Landing(KEYED)
  const file = landing.land('a.csv', 'id,name\n1,one\n,two\n3,three\n,four\n', 1)
  const report = await landing.run()
  expect(report.tables[0]).toMatchObject({
    status: 'warn',
    rows: { read: 4, loaded: 2, rejected: 2 },
    warnings: [
      { code: 'ING-ROWS-QUARANTINED', message: '2 rows went to quarantine: ingest quarantine list --tables default.t', file: null },
    ],
  })
  const rows = await quarantined(landing)
  expect(rows).toMatchObject([
    { id: 'default.t/1-1', table: 'default.t', file, row_number: 2, column: 'id', rule: 'key', reason: 'the key id is null', batch: 1 },
    { id: 'default.t/1-2', table: 'default.t', file, row_number: 4, column: 'id', rule: 'key', reason: 'the key id is null', batch: 1 },
  ])
  expect((await quarantined(landing, { limit: 1 })).map(({ id }) => id)).toEqual(['default.t/1-1'])
  expect(await quarantined(landing, { files: ['elsewhere.csv'] })).toEqual([])
  const [tracked] = await landing.files()
  expect(rows.map(({ batch_id: batch, file_version: version }) => [batch, version])).toEqual(
    Array(2).fill([tracked?.batch_id, tracked?.file_version]),
  )
  const status = await landing.use((ingest) => ingest.status())
  expect(status.tables[0]).toMatchObject({ rows: 2, rows_rejected: 2 })
})

test('the quarantine is committed before its table, under the number and the id of the batch', async () => {
  const landing = await keyed()
  const marks = [landing.table, `${landing.table}__quarantine`].map((folder) => {
    const actions = logActions(folder).map(({ action }) => action)
    const info = actions.find((action) => action['commitInfo'])?.['commitInfo']
    return { txn: actions.find((action) => action['txn'])?.['txn'], tags: JSON.stringify(info), at: Number(info?.['timestamp']) }
  })
  const [main, quarantine] = marks
  const [tracked] = await landing.files()
  expect(main?.txn?.['version']).toBe(quarantine?.txn?.['version'])
  expect(quarantine?.txn?.['appId']).toBe(`${String(main?.txn?.['appId'])}__quarantine`)
  for (const one of marks) expect(one.tags).toContain(tracked?.batch_id)
  expect(quarantine?.at).toBeLessThanOrEqual(main?.at ?? 0)
})

test('mended rows come back under their file, with the sequence that they had, and the balance follows', async () => {
  const landing = await keyed()
  const before = await landing.rows('id, _sequence')
  const report = await resubmit(landing, mended(landing, { 'default.t/1-1': '2,two' }))
  expect(report).toMatchObject([{ table: 'default.t', batch: 2, version: 1, files: 1, rows: { resubmitted: 1, loaded: 1, rejected: 0 } }])
  expect(await landing.rows('id, name, _source_file')).toEqual(
    [
      ['1', 'one'],
      ['2', 'two'],
      ['3', 'three'],
    ].map(([id, name]) => ({ id, name, _source_file: landing.path('landing', 'a.csv') })),
  )
  const sequences = (await landing.rows('id, _sequence')).map((row) => String(row['_sequence']))
  expect(sequences[1]).toBe(String(before[0]?.['_sequence']).replace(/0$/, '1'))
  expect(await counts(landing)).toEqual(['completed 4 = 3 + 1'])
  expect((await quarantined(landing)).map(({ id }) => id)).toEqual(['default.t/1-2'])
  const [explained] = await landing.use((ingest) => ingest.explain('a.csv'))
  expect(explained?.history.at(-1)).toMatchObject({
    from: 'completed',
    to: 'completed',
    reason: '1 of 1 rows that were resubmitted are taken out of quarantine',
  })
  // The next run has nothing to do, and takes nothing back.
  expect((await landing.run()).tables[0]).toMatchObject({ status: 'pass', rows: { read: 0 } })
  expect(await counts(landing)).toEqual(['completed 4 = 3 + 1'])
})

test('a newer version of a key stays newer than a mended row', async () => {
  const landing = await keyed()
  landing.land('b.csv', 'id,name\n2,newer\n', 2)
  await landing.run()
  await resubmit(landing, mended(landing, { 'default.t/1-1': '2,two' }))
  expect(await landing.rows('id, name')).toContainEqual({ id: '2', name: 'newer' })
  expect(await counts(landing)).toEqual(['completed 4 = 3 + 1', 'completed 1 = 1 + 0'])
})

test('a row that is still bad stays in quarantine by its id, with its new reason', async () => {
  const landing = await keyed({ primary_keys: ['id', 'name'] })
  const report = await resubmit(landing, mended(landing, { 'default.t/1-1': '2,', 'default.t/1-2': '4,four' }))
  expect(report).toMatchObject([{ rows: { resubmitted: 2, loaded: 1, rejected: 1 } }])
  expect(await quarantined(landing)).toMatchObject([{ id: 'default.t/1-1', row_number: 2, reason: 'the key name is null', batch: 2 }])
  expect(await counts(landing)).toEqual(['completed 4 = 3 + 1'])
  await resubmit(landing, mended(landing, { 'default.t/1-1': '2,two' }))
  expect(await quarantined(landing)).toEqual([])
  expect(await counts(landing)).toEqual(['completed 4 = 4 + 0'])
})

test.each([
  ['a row that was taken back in', { 'default.t/1-1': '2,' }, 'not in quarantine, or not any more: default.t/1-1'],
  ['a row that never was', { 'default.t/9-9': '2,' }, 'not in quarantine, or not any more: default.t/9-9'],
  ['no id', { two: '2,' }, 'not in quarantine, or not any more: two'],
  ['no text', { 'default.t/1-2': ' ' }, 'rows without a text: default.t/1-2'],
])('%s is refused by name, and nothing is changed', async (_, rows, message) => {
  const landing = await keyed()
  await resubmit(landing, mended(landing, { 'default.t/1-1': '2,two' }))
  await expect(resubmit(landing, mended(landing, rows))).rejects.toThrow(message)
  expect(await counts(landing)).toEqual(['completed 4 = 3 + 1'])
  expect(logActions(landing.table).at(-1)?.version).toBe(1)
})

test('a row that stands twice in the file, and a file that is none, are refused', async () => {
  const landing = await keyed()
  const path = landing.path('twice.csv')
  writeFileSync(path, 'id,raw\ndefault.t/1-1,"{""id"": 2}"\ndefault.t/1-1,"{""id"": 3}"\n')
  await expect(resubmit(landing, path)).rejects.toThrow('rows that the file has more than once: default.t/1-1')
  writeFileSync(path, 'no,such\n1,2\n')
  await expect(resubmit(landing, path)).rejects.toMatchObject({ code: 'ING-QUARANTINE-FILE' })
  expect(await counts(landing)).toEqual(['completed 4 = 2 + 2'])
})

test('discarded rows stay counted as rejected, and the history says so', async () => {
  const landing = await keyed()
  const discard = (options: object) => landing.use((ingest) => ingest.discard(options))
  expect(await discard({ ids: ['default.t/1-1'] })).toEqual([{ table: 'default.t', rows: 1, files: 1 }])
  await expect(discard({ ids: ['default.t/1-1'] })).rejects.toMatchObject({ code: 'ING-QUARANTINE-UNKNOWN' })
  expect((await stored(landing)).map((row) => row['id'])).toEqual(['default.t/1-2'])
  expect(await discard({ files: [landing.path('landing', 'a.csv')] })).toEqual([{ table: 'default.t', rows: 1, files: 1 }])
  expect(await discard({})).toEqual([])
  expect(await counts(landing)).toEqual(['completed 4 = 2 + 2'])
  const [explained] = await landing.use((ingest) => ingest.explain('a.csv'))
  expect(explained?.history.at(-1)).toMatchObject({ to: 'completed', reason: '1 rejected rows were discarded' })
})

test('a restore brings back the quarantine of its version, and the balance', async () => {
  const landing = await keyed()
  await resubmit(landing, mended(landing, { 'default.t/1-1': '2,two' }))
  landing.land('b.csv', 'id,name\n5,five\n,six\n', 2)
  await landing.run()
  const ids = async () => (await quarantined(landing)).map(({ id }) => id)
  expect(await ids()).toEqual(['default.t/1-2', 'default.t/3-1'])
  const restore = (at: number) => landing.use((ingest) => ingest.restore('t', { at, files: 'skipped' }))
  await restore(0)
  expect(await ids()).toEqual(['default.t/1-1', 'default.t/1-2'])
  expect(await counts(landing)).toEqual(['completed 4 = 2 + 2', 'skipped null = null + null'])
  // And forward again.
  await restore(2)
  await landing.run()
  expect(await ids()).toEqual(['default.t/1-2', 'default.t/3-1'])
  expect(await counts(landing)).toEqual(['completed 4 = 3 + 1', 'completed 2 = 1 + 1'])
})

test('a full drop rejects anew, and what was rejected before is no row of the quarantine', async () => {
  const landing = await keyed()
  await landing.run({ runType: 'full_drop' })
  expect((await quarantined(landing)).map(({ id }) => id)).toEqual(['default.t/2-1', 'default.t/2-2'])
  const seen: unknown[] = []
  await landing.use((ingest) =>
    ingest.query('select id from default.t__quarantine order by id', async ({ chunks }) => {
      for await (const rows of chunks) seen.push(...rows.flat())
    }),
  )
  expect(seen).toEqual(['default.t/2-1', 'default.t/2-2'])
  await expect(resubmit(landing, mended(landing, { 'default.t/1-1': '2,' }))).rejects.toMatchObject({
    code: 'ING-QUARANTINE-UNKNOWN',
  })
})

test('a table of Parquet files alone forgets at once what no restore can bring back', async () => {
  const landing = await keyed({ output_format: 'parquet' })
  await resubmit(landing, mended(landing, { 'default.t/1-1': '2,two' }))
  await landing.run()
  expect((await stored(landing)).map((row) => row['id'])).toEqual(['default.t/1-2'])
  const names = readdirSync(`${landing.table}__quarantine`).filter((name) => name.endsWith('.parquet'))
  expect(names).toHaveLength(1)
  expect(await counts(landing)).toEqual(['completed 4 = 3 + 1'])
})

test('a dry run counts the rows and writes nothing', async () => {
  const landing = new Landing(KEYED)
  landing.land('a.csv', 'id,name\n1,one\n,two\n')
  const report = await landing.run({ dryRun: true, verbose: true })
  expect(report.tables[0]).toMatchObject({
    status: 'warn',
    rows: { loaded: 1, rejected: 1 },
    warnings: [{ code: 'ING-ROWS-QUARANTINED', message: '1 row would go to quarantine' }],
  })
  expect(existsSync(`${landing.table}__quarantine`)).toBe(false)
  landing.land('a.csv', 'id,name\n1,one\n2,two\n')
  await landing.run()
  expect(existsSync(`${landing.table}__quarantine`)).toBe(false)
})

test('the quarantine is put together and vacuumed with its table', async () => {
  const landing = new Landing({ ...KEYED, delta: { optimize: 'off' } })
  for (const day of [1, 2, 3]) {
    landing.land(`${day}.csv`, `id,name\n${day},x\n,y\n`, day)
    await landing.run()
  }
  const folder = `${landing.table}__quarantine`
  expect(activeFiles(folder)).toHaveLength(3)
  const report = await landing.use((ingest) => ingest.optimize())
  expect(report.tables[0]).toMatchObject({ status: 'pass' })
  expect(activeFiles(folder)).toHaveLength(1)
  expect(await quarantined(landing)).toHaveLength(3)
  await landing.use((ingest) => ingest.vacuum({ retentionMs: 0, force: true }))
  expect(readdirSync(folder).filter((name) => name.endsWith('.parquet'))).toHaveLength(1)
  expect(await quarantined(landing)).toHaveLength(3)
  expect(await landing.use((ingest) => ingest.validate('t'))).toMatchObject({ ok: true })
})

test('an export is a file to mend: CSV or NDJSON, and never one that is there', async () => {
  const landing = await keyed()
  const csv = landing.path('rows.csv')
  const write = (file: string) => landing.use((ingest) => ingest.exportQuarantine(file))
  expect(await write(csv)).toBe(2)
  expect(readFileSync(csv, 'utf8').split('\n').slice(0, 2)).toEqual([
    'id,file,line,reason,raw',
    expect.stringMatching(/^default\.t\/1-1,.*a\.csv,.*the key id is null,/),
  ])
  await expect(write(csv)).rejects.toThrow('is there already')
  await expect(write(landing.path('rows.xlsx'))).rejects.toMatchObject({ code: 'ING-USAGE' })
  expect(await write(landing.path('rows.ndjson'))).toBe(2)
  const [first] = readFileSync(landing.path('rows.ndjson'), 'utf8').split('\n')
  expect(JSON.parse(first ?? '')).toMatchObject({ id: 'default.t/1-1', reason: 'the key id is null' })
})

test('rows of snapshots do not come back by themselves', async () => {
  const landing = await keyed({ missing_means_deleted: true })
  await expect(resubmit(landing, mended(landing, { 'default.t/1-1': '2,' }))).rejects.toMatchObject({
    code: 'ING-QUARANTINE-SNAPSHOT',
  })
})

test('another table cannot be where the rejected rows of one go', async () => {
  const landing = new Landing(KEYED)
  const [table] = landing.config['tables'] as Record<string, unknown>[]
  landing.config['tables'] = [table, { ...table, table_name: 't__quarantine', source_path_pattern: '*.tsv' }]
  const { createIngest } = await import('ingestd')
  await expect(createIngest({ config: landing.config })).rejects.toMatchObject({
    issues: [{ code: 'ING-CONFIG-DUPLICATE-TABLE', problem: 'default.t__quarantine is the quarantine of default.t' }],
  })
})
