import { rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { only } from '../support/expecting.ts'
import { Landing } from '../support/landing.ts'
import { loaded, refusal, replay, rowsBy, unload } from '../support/undo.ts'

test('a replay of an append table swaps the rows of a file for the same ones, in one commit', async () => {
  const landing = await loaded()
  expect(only(await replay(landing, ['b.csv']))).toMatchObject({ status: 'pass', version: 3, files: { loaded: 1 }, rows: { loaded: 2 } })
  expect(await rowsBy(landing)).toEqual(['1 a.csv', '2 a.csv', '3 b.csv', '4 b.csv', '5 c.csv', '6 c.csv'])
  expect(await landing.states()).toEqual(['a.csv completed', 'b.csv completed', 'c.csv completed'])
  expect(only(await landing.run())).toMatchObject({ version: null })
})

test('a replay loads nothing else that waits', async () => {
  const landing = await loaded()
  landing.land('d.csv', 'id,v\n7,x\n', 7)
  await replay(landing, ['b.csv'])
  expect(await rowsBy(landing)).toHaveLength(6)
  await landing.run()
  expect(await rowsBy(landing)).toContain('7 d.csv')
})

test('a replay takes new content that the policy ignores', async () => {
  const landing = await loaded()
  landing.land('b.csv', 'id,v\n30,x\n', 9)
  expect(only(await landing.run()).status).toBe('warn')
  expect(only(await replay(landing, ['b.csv']))).toMatchObject({ status: 'pass', rows: { loaded: 1 } })
  expect(await rowsBy(landing)).toEqual(['1 a.csv', '2 a.csv', '5 c.csv', '6 c.csv', '30 b.csv'])
  expect(only(await landing.run()).status).toBe('pass')
})

test('a replay that fails leaves the rows, and a retry swaps them', async () => {
  const landing = await loaded()
  const broken = { transform: { sql: "select case when id = 3 then error('no') else id end as id, v from records" } }
  expect(only(await replay(landing, ['b.csv'], broken))).toMatchObject({ status: 'error', files: { failed: 1 } })
  expect(await rowsBy(landing)).toContain('3 b.csv')
  await landing.use((ingest) => ingest.retry({ paths: ['b.csv'] }))
  await landing.run({}, { transform: { sql: 'select id * 10 as id, v from records' } })
  expect(await rowsBy(landing)).toEqual(['1 a.csv', '2 a.csv', '5 c.csv', '6 c.csv', '30 b.csv', '40 b.csv'])
})

test.each(['merge', 'scd2'])('a replay of the same content changes nothing in a %s table', async (strategy) => {
  const landing = new Landing({ loading_strategy: strategy, primary_keys: ['id'] })
  landing.land('a.csv', 'id,v\n1,x\n2,x\n', 1)
  await landing.run()
  landing.land('b.csv', 'id,v\n2,y\n3,y\n', 2)
  await landing.run()
  const before = await landing.rows('* exclude (_load_timestamp, _source_file, _batch_id)')
  for (const file of ['a.csv', 'b.csv']) {
    expect(only(await replay(landing, [file]))).toMatchObject({ status: 'pass', files: { loaded: 1 }, rows: { inserted: 0 } })
    expect(await landing.rows('* exclude (_load_timestamp, _source_file, _batch_id)')).toEqual(before)
  }
})

test('a replay of a snapshot table only the newest can be loaded again, unchanged or not', async () => {
  const landing = new Landing({ loading_strategy: 'overwrite', skip_unchanged: true })
  landing.land('a.csv', 'id\n1\n', 1)
  await landing.run()
  landing.land('b.csv', 'id\n2\n', 2)
  await landing.run()
  expect(await refusal(landing, replay(landing, ['a.csv']))).toMatch(
    /^ING-TABLE-UNDO a.csv is a snapshot of default.t that cannot be loaded again: a newer one was loaded since/,
  )
  expect(only(await replay(landing, ['b.csv']))).toMatchObject({ version: 2, files: { loaded: 1 } })
  expect(await landing.rows('id')).toEqual([{ id: '2' }])
})

test('a file that is gone, or not loaded, is refused by name', async () => {
  const landing = await loaded()
  rmSync(landing.path('landing/b.csv'))
  expect(await refusal(landing, replay(landing, [landing.path('landing/b.csv')]))).toBe(
    'ING-FILE-STATE b.csv cannot be loaded again: there is no such file',
  )
  await unload(landing, ['a.csv'])
  expect(await refusal(landing, replay(landing, ['a.csv']))).toBe(
    'ING-FILE-STATE a.csv is skipped in default.t, and has no rows there to replay',
  )
  expect(await landing.states()).toEqual(['a.csv skipped', 'b.csv completed', 'c.csv completed'])
})

test('a replay of a deduplicated table keeps the rows; new content is refused', async () => {
  const landing = new Landing({ deduplicate: true })
  landing.land('a.csv', 'id\n1\n2\n', 1)
  await landing.run()
  landing.land('b.csv', 'id\n2\n3\n', 2)
  await landing.run()
  expect(only(await replay(landing, ['a.csv'])).rows).toMatchObject({ loaded: 2, deduplicated: 0 })
  expect(await rowsBy(landing)).toEqual(['1 a.csv', '2 a.csv', '3 b.csv'])
  landing.land('a.csv', 'id\n1\n', 3)
  expect(await refusal(landing, replay(landing, ['a.csv']))).toBe('ING-TABLE-UNDO a.csv has new content, and default.t is deduplicated')
})
