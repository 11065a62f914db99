import { cpSync, rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { only } from '../support/expecting.ts'
import { Landing } from '../support/landing.ts'
import { logActions } from '../support/project.ts'
import { restore } from '../support/time-travel.ts'
import { KINDS, loaded, refusal, rowsBy, unload } from '../support/undo.ts'

test.each(KINDS)('unload takes the rows of a file out in one commit, and never loads it again: %s', async (_, table) => {
  const landing = await loaded(table)
  const [report] = await unload(landing, ['b.csv'])
  expect(report).toMatchObject({ table: 'default.t', dry_run: false, version: 3, batch: 4, rows: 2 })
  expect(report?.files).toEqual([{ file: landing.path('landing/b.csv'), rows: 2, rows_loaded: 2 }])
  expect(await rowsBy(landing)).toEqual(['1 a.csv', '2 a.csv', '5 c.csv', '6 c.csv'])
  expect(only(await landing.run())).toMatchObject({ status: 'pass', version: null })
  expect(await landing.states()).toEqual(['a.csv completed', 'b.csv skipped', 'c.csv completed'])
  expect(logActions(landing.table).filter(({ version, action }) => version === 3 && action['txn'])).toHaveLength(1)
})

test('the tracker says so, and a retry loads the file again', async () => {
  const landing = await loaded()
  await unload(landing, ['b.csv'])
  const reason = 'it was unloaded: 2 rows left the table'
  const [tracked] = (await landing.files()).filter((file) => file.file_path.endsWith('b.csv'))
  expect(tracked).toMatchObject({ status_reason: reason, rows_loaded: null, table_version: null })
  const [explained] = await landing.use((ingest) => ingest.explain('b.csv'))
  expect(explained?.history.at(-1)).toMatchObject({ from: 'completed', to: 'skipped', reason })
  await landing.use((ingest) => ingest.retry({ paths: ['b.csv'] }))
  await landing.run()
  expect(await rowsBy(landing)).toEqual(['1 a.csv', '2 a.csv', '3 b.csv', '4 b.csv', '5 c.csv', '6 c.csv'])
})

test('a dry run counts and changes nothing; several files are one commit', async () => {
  const landing = await loaded()
  expect(await unload(landing, ['a.csv', 'c.csv'], true)).toMatchObject([{ dry_run: true, version: null, batch: null, rows: 4 }])
  expect(await landing.states()).toEqual(['a.csv completed', 'b.csv completed', 'c.csv completed'])
  expect(await unload(landing, ['a.csv', 'c.csv'])).toMatchObject([{ version: 3, rows: 4 }])
  expect(await rowsBy(landing)).toEqual(['3 b.csv', '4 b.csv'])
})

test('a restore to before it brings rows and file back; one to after it takes them out again', async () => {
  const landing = await loaded()
  await unload(landing, ['b.csv'])
  landing.land('d.csv', 'id,v\n7,x\n', 7)
  await landing.run()
  expect(await restore(landing, 2, 'skipped')).toMatchObject({ version: 5, files: { pending: 0, skipped: 1, completed: 1 } })
  expect(await landing.states()).toEqual(['a.csv completed', 'b.csv completed', 'c.csv completed', 'd.csv skipped'])
  expect(await restore(landing, 3, 'skipped')).toMatchObject({ version: 6, files: { pending: 0, skipped: 1, completed: 0 } })
  expect(await landing.states()).toEqual(['a.csv completed', 'b.csv skipped', 'c.csv completed', 'd.csv skipped'])
  expect(await rowsBy(landing)).toEqual(['1 a.csv', '2 a.csv', '5 c.csv', '6 c.csv'])
  expect(only(await landing.run())).toMatchObject({ status: 'pass', version: null })
})

test('a tracker that was restored from a backup learns of it from the log', async () => {
  const landing = await loaded()
  cpSync(landing.path('state'), landing.path('backup'), { recursive: true })
  await unload(landing, ['b.csv'])
  rmSync(landing.path('state'), { recursive: true })
  cpSync(landing.path('backup'), landing.path('state'), { recursive: true })
  expect(only(await landing.run())).toMatchObject({ status: 'pass', version: null })
  expect(await landing.states()).toEqual(['a.csv completed', 'b.csv skipped', 'c.csv completed'])
})

test('rejected rows of the file leave the quarantine with it', async () => {
  const landing = new Landing({ columns: { id: 'BIGINT', v: 'VARCHAR' }, max_bad_rows: 1 })
  landing.land('a.csv', 'id,v\n1,x\nbad,y\n', 1)
  landing.land('b.csv', 'id,v\n2,x\nbad,y\n', 2)
  await landing.run()
  await unload(landing, ['a.csv'])
  const left: string[] = []
  await landing.use(async (ingest) => {
    for await (const { file } of ingest.quarantined()) left.push(file)
  })
  expect(left).toEqual([landing.path('landing/b.csv')])
  expect(await rowsBy(landing)).toEqual(['2 b.csv'])
})

test('a table that is not append refuses: of versions of keys it names the files that changed them since', async () => {
  const keyed = { primary_keys: ['id'], loading_strategy: 'merge', columns: { id: 'BIGINT', v: 'VARCHAR' } }
  const landing = new Landing(keyed)
  landing.land('a.csv', 'id,v\n1,x\n2,x\n', 1)
  await landing.run()
  landing.land('b.csv', 'id,v\n2,y\n3,y\n', 2)
  await landing.run()
  expect(await refusal(landing, unload(landing, ['a.csv']))).toBe(
    'ING-TABLE-UNDO a.csv cannot be unloaded from default.t, a merge table: later files changed keys of it: b.csv',
  )
  expect(await refusal(landing, unload(landing, ['b.csv']))).toBe(
    'ING-TABLE-UNDO b.csv cannot be unloaded from default.t, a merge table: no later file changed a key of it',
  )
  const history = new Landing({ ...keyed, loading_strategy: 'scd2' })
  history.land('a.csv', 'id,v\n1,x\n2,x\n', 1)
  await history.run()
  history.land('b.csv', 'id,v\n2,y\n3,y\n', 2)
  await history.run()
  expect(await refusal(history, unload(history, ['a.csv']))).toBe(
    'ING-TABLE-UNDO a.csv cannot be unloaded from default.t, a scd2 table: later files changed keys of it: b.csv',
  )
  const snapshot = new Landing({ loading_strategy: 'overwrite' })
  snapshot.land('a.csv', 'id\n1\n', 1)
  await snapshot.run()
  expect(await refusal(snapshot, unload(snapshot, ['a.csv']))).toBe(
    'ING-TABLE-UNDO default.t: a snapshot replaced all rows before it, so it cannot be unloaded by itself',
  )
})

test('rows that do not tell their file are refused by name', async () => {
  const landing = await loaded({ audit_columns: false })
  expect(await refusal(landing, unload(landing, ['a.csv']))).toBe(
    'ING-TABLE-SOURCE-UNKNOWN default.t: unload needs the column _source_file, by which the rows of a file are told (audit_columns is false)',
  )
  const audited = (work: (files: readonly string[]) => Promise<unknown>) => work(['a.csv'])
  const later = audited((files) => landing.use((ingest) => ingest.unload(files), { audit_columns: true }))
  expect(await refusal(landing, later)).toBe(
    'ING-TABLE-SOURCE-UNKNOWN default.t: rows cannot be told by the file that they came from: it has no audit columns',
  )
  landing.land('d.csv', 'id,v\n7,x\n', 7)
  await landing.run({}, { audit_columns: true })
  expect(
    await refusal(
      landing,
      landing.use((ingest) => ingest.unload(['a.csv']), { audit_columns: true }),
    ),
  ).toBe(
    'ING-TABLE-SOURCE-UNKNOWN default.t: rows cannot be told by the file that they came from: some of its rows were written without audit columns',
  )
})

test('of a deduplicated table only what no later file rests on', async () => {
  const landing = new Landing({ deduplicate: true })
  landing.land('a.csv', 'id\n1\n', 1)
  await landing.run()
  landing.land('b.csv', 'id\n1\n2\n', 2)
  await landing.run()
  expect(await refusal(landing, unload(landing, ['a.csv']))).toBe(
    'ING-TABLE-UNDO default.t: files that were loaded since had rows that the table had already: b.csv',
  )
  expect(await unload(landing, ['b.csv'])).toMatchObject([{ rows: 1 }])
})

test('a file that is not loaded is refused', async () => {
  const landing = await loaded()
  await unload(landing, ['a.csv'])
  expect(await refusal(landing, unload(landing, ['a.csv']))).toBe(
    'ING-FILE-STATE a.csv is skipped in default.t, and has no rows there to unload',
  )
  expect(await refusal(landing, unload(landing, ['z.csv']))).toMatch(/^ING-FILE-UNKNOWN /)
})
