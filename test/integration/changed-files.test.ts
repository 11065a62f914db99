import { expect, test } from 'vitest'
import { only } from '../support/expecting.ts'
import { Landing } from '../support/landing.ts'
import { logActions } from '../support/project.ts'
import { restore } from '../support/time-travel.ts'
import { KINDS, loaded, rowsBy, texts } from '../support/undo.ts'

const CHANGED: readonly (readonly [string, string, readonly string[], string])[] = [
  ['append', 'auto', ['1 x', '2 y'], 'warn'],
  ['append', 'ignore', ['1 x', '2 y'], 'warn'],
  ['append', 'fail', ['1 x', '2 y'], 'error'],
  ['append', 'append', ['1 x', '1 z', '2 y', '3 z'], 'pass'],
  ['append', 'replace', ['1 z', '3 z'], 'pass'],
  ['overwrite', 'auto', ['1 z', '3 z'], 'pass'],
  ['overwrite', 'append', ['1 z', '3 z'], 'pass'],
  ['overwrite', 'replace', ['1 z', '3 z'], 'pass'],
  ['overwrite', 'ignore', ['1 x', '2 y'], 'warn'],
  ['overwrite', 'fail', ['1 x', '2 y'], 'error'],
  ['merge', 'auto', ['1 z', '2 y', '3 z'], 'pass'],
  ['merge', 'ignore', ['1 x', '2 y'], 'warn'],
  ['merge', 'append', ['1 z', '2 y', '3 z'], 'pass'],
  ['merge', 'fail', ['1 x', '2 y'], 'error'],
  ['scd2', 'auto', ['1 x', '1 z', '2 y', '3 z'], 'pass'],
  ['scd2', 'append', ['1 x', '1 z', '2 y', '3 z'], 'pass'],
  ['scd2', 'ignore', ['1 x', '2 y'], 'warn'],
  ['scd2', 'fail', ['1 x', '2 y'], 'error'],
]

test.each(CHANGED)('new content of a loaded file of %s under %s', async (strategy, policy, rows, status) => {
  const keys = strategy === 'merge' || strategy === 'scd2' ? { primary_keys: ['id'] } : {}
  const landing = new Landing({ loading_strategy: strategy, on_changed_file: policy, ...keys })
  landing.land('a.csv', 'id,v\n1,x\n2,y\n', 1)
  await landing.run()
  landing.land('a.csv', 'id,v\n1,z\n3,z\n', 2)
  expect(only(await landing.run()).status).toBe(status)
  expect((await landing.rows("id || ' ' || v as r")).map(({ r }) => r)).toEqual(rows)
})

test.each([
  [{ loading_strategy: 'merge', primary_keys: ['id'] }, 'replace swaps the rows of a file in an append table, and this is merge'],
  [{ audit_columns: false }, 'replace needs audit_columns, which tell the rows of a file'],
  [{ deduplicate: true }, 'replace cannot be combined with deduplicate'],
  [{ mask: { _source_file: 'hash' } }, 'replace tells rows by _source_file'],
])('replace is refused where rows of a file cannot be told: %j', async (table, problem) => {
  const landing = new Landing({ on_changed_file: 'replace', ...table }, { mask_key: 'k' })
  await expect(landing.run()).rejects.toThrow(problem)
})

test.each(KINDS)('replace swaps the rows of a redelivered file in one commit: %s', async (_, table) => {
  const landing = await loaded({ on_changed_file: 'replace', ...table })
  landing.land('b.csv', 'id,v\n30,x\n', 9)
  landing.land('d.csv', 'id,v\n7,x\n', 10)
  const together = await landing.run({}, { max_files_per_batch: 10 })
  expect(only(together)).toMatchObject({ status: 'pass', version: 3, files: { loaded: 2 }, rows: { loaded: 2 } })
  expect(await rowsBy(landing)).toEqual(['1 a.csv', '2 a.csv', '5 c.csv', '6 c.csv', '7 d.csv', '30 b.csv'])
  expect(only(await landing.run())).toMatchObject({ version: null })
  // Files that are new alone stay a blind append, which no other writer fights.
  landing.land('e.csv', 'id,v\n8,x\n', 11)
  await landing.run()
  const info = logActions(landing.table).flatMap(({ action }) => (action['commitInfo'] ? [action['commitInfo']['isBlindAppend']] : []))
  expect(info).toEqual([true, true, true, false, true])
})

test('after a replace the change feed tells the rows that left and those that came', async () => {
  const landing = await loaded({ on_changed_file: 'replace', delta: { change_data_feed: true } })
  landing.land('b.csv', 'id,v\n30,x\n', 9)
  await landing.run()
  const rows = await texts(landing, `select _change_type || ' ' || id from table_changes('default.t', 3) order by all`)
  expect(rows).toEqual(['delete 3', 'delete 4', 'insert 30'])
})

test('to be replaced: content that fails leaves the old rows, and the next content replaces them', async () => {
  const landing = await loaded({ on_changed_file: 'replace' })
  landing.land('b.csv', 'id,v\nbad,x\n', 9)
  expect(only(await landing.run())).toMatchObject({ status: 'error', files: { failed: 1 } })
  expect(await rowsBy(landing)).toContain('3 b.csv')
  const [failed] = (await landing.files()).filter((file) => file.file_path.endsWith('b.csv'))
  expect(failed).toMatchObject({ status: 'failed', status_reason: 'the table still has the rows of its earlier content' })
  landing.land('b.csv', 'id,v\n', 10)
  expect(only(await landing.run())).toMatchObject({ status: 'pass', files: { loaded: 1 } })
  expect(await rowsBy(landing)).toEqual(['1 a.csv', '2 a.csv', '5 c.csv', '6 c.csv'])
  landing.land('b.csv', 'id,v\n31,x\n', 11)
  await landing.run()
  expect(await rowsBy(landing)).toEqual(['1 a.csv', '2 a.csv', '5 c.csv', '6 c.csv', '31 b.csv'])
})

test('replace: a failed one that a retry loads replaces them, too', async () => {
  const landing = await loaded({ on_changed_file: 'replace' })
  landing.land('b.csv', 'id,v\nbad,x\n30,x\n', 9)
  await landing.run()
  await landing.use((ingest) => ingest.retry({ paths: ['b.csv'] }))
  await landing.run({}, { max_bad_rows: 1 })
  expect(await rowsBy(landing)).toEqual(['1 a.csv', '2 a.csv', '5 c.csv', '6 c.csv', '30 b.csv'])
})

test('replace: after a restore to the old rows the new content replaces them again', async () => {
  const landing = await loaded({ on_changed_file: 'replace' })
  landing.land('b.csv', 'id,v\n30,x\n', 9)
  await landing.run()
  await restore(landing, 2, 'pending')
  expect(await rowsBy(landing)).toContain('3 b.csv')
  await landing.run()
  expect(await rowsBy(landing)).toEqual(['1 a.csv', '2 a.csv', '5 c.csv', '6 c.csv', '30 b.csv'])
})

test('replaced: rejected rows of the old content leave the quarantine', async () => {
  const landing = new Landing({ columns: { id: 'BIGINT' }, max_bad_rows: 1, on_changed_file: 'replace' })
  landing.land('a.csv', 'id\n1\nold\n', 1)
  await landing.run()
  landing.land('a.csv', 'id\n2\nnew\n', 2)
  await landing.run()
  const left: (string | null)[] = []
  await landing.use(async (ingest) => {
    for await (const { raw } of ingest.quarantined()) left.push(raw)
  })
  expect(left).toEqual(['new'])
})
