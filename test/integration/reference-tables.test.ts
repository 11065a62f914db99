import { describe, expect, test } from 'vitest'
import { Landing } from '../support/landing.ts'

type Report = Awaited<ReturnType<Landing['run']>>

function only(report: Report) {
  const [table] = report.tables
  if (table === undefined) throw new Error('no table')
  return table
}

const LOADED = { status: 'pass', files: { loaded: 1, skipped: 0 } }
const SKIPPED = { status: 'pass', version: null, files: { loaded: 0, skipped: 1 } }

describe('skip_unchanged', () => {
  test.for([['sha256'], ['md5']] as const)('passes over a snapshot that holds what the last load did (%s)', async ([hash]) => {
    const landing = new Landing({ load_strategy: 'replace', skip_unchanged: true, hash_algorithm: hash })
    landing.land('countries.csv', 'code\nat\n', 1)
    expect(only(await landing.run())).toMatchObject({ ...LOADED, strategy: 'overwrite' })
    landing.land('countries.csv', 'code\nat\n', 2)
    expect(only(await landing.run())).toMatchObject(SKIPPED)
    expect((await landing.files())[0]).toMatchObject({
      status: 'skipped',
      status_reason: expect.stringMatching(/^its content is that of the last load, of 20/),
    })
    landing.land('countries.csv', 'code\nde\n', 3)
    expect(only(await landing.run())).toMatchObject(LOADED)
    expect(await landing.rows()).toEqual([{ code: 'de' }])
  })

  test('content that was loaded before others is loaded again', async () => {
    const landing = new Landing({ load_strategy: 'replace', skip_unchanged: true })
    for (const [second, code] of [
      [1, 'at'],
      [2, 'de'],
      [3, 'at'],
    ] as const) {
      landing.land(`${second}.csv`, `code\n${code}\n`, second)
      expect(only(await landing.run())).toMatchObject(LOADED)
    }
    expect(await landing.rows()).toEqual([{ code: 'at' }])
  })

  test('a snapshot that is older than one passed over does not come back', async () => {
    const landing = new Landing({ load_strategy: 'replace', skip_unchanged: true })
    landing.land('1.csv', 'code\nat\n', 1)
    await landing.run()
    landing.land('3.csv', 'code\nat\n', 3)
    expect(only(await landing.run())).toMatchObject(SKIPPED)
    landing.land('2.csv', 'code\nde\n', 2)
    expect(only(await landing.run())).toMatchObject(SKIPPED)
    expect(await landing.rows()).toEqual([{ code: 'at' }])
  })

  test('other settings, a full drop, and force_reload_after load it all the same', async () => {
    const landing = new Landing({ load_strategy: 'replace', skip_unchanged: true })
    const again = (second: number, changes: Record<string, unknown> = {}, options = {}) => {
      landing.land('a.csv', 'code\nat\n', second)
      return landing.run(options, changes)
    }
    await again(1)
    expect(only(await again(2))).toMatchObject(SKIPPED)
    expect(only(await again(3, { rename_columns: { code: 'c' } }))).toMatchObject(LOADED)
    expect(only(await again(4, {}, { runType: 'full_drop' }))).toMatchObject(LOADED)
    expect(only(await again(5, { force_reload_after: '1 ms' }))).toMatchObject(LOADED)
  })

  test('a snapshot folder is compared as a whole', async () => {
    const landing = new Landing({ load_strategy: 'replace', skip_unchanged: true, snapshot_unit: 'folder', source_path_pattern: '*/*.csv' })
    landing.land('1/a.csv', 'code\nat\n', 1)
    landing.land('1/b.csv', 'code\nde\n', 1)
    expect(only(await landing.run())).toMatchObject({ files: { loaded: 2 } })
    landing.land('2/x.csv', 'code\nde\n', 2)
    landing.land('2/y.csv', 'code\nat\n', 2)
    expect(only(await landing.run())).toMatchObject({ version: null, files: { loaded: 0, skipped: 2 } })
    landing.land('3/x.csv', 'code\nde\n', 3)
    expect(only(await landing.run())).toMatchObject({ files: { loaded: 1 } })
    expect(await landing.rows()).toEqual([{ code: 'de' }])
  })

  test('load_strategy: upsert merges by key', async () => {
    const landing = new Landing({ load_strategy: 'upsert', primary_keys: ['code'], sequence_by: 'v', skip_unchanged: true })
    landing.land('a.csv', 'code,v\nat,1\n', 1)
    expect(only(await landing.run())).toMatchObject({ ...LOADED, strategy: 'merge' })
    landing.land('a.csv', 'code,v\nat,1\n', 2)
    expect(only(await landing.run())).toMatchObject(SKIPPED)
    landing.land('a.csv', 'code,v\nde,2\n', 3)
    expect(only(await landing.run())).toMatchObject(LOADED)
    expect(await landing.rows('code')).toEqual([{ code: 'at' }, { code: 'de' }])
  })

  test('a batch of another process in between makes it load', async () => {
    const landing = new Landing({ load_strategy: 'replace', skip_unchanged: true })
    landing.land('a.csv', 'code\nat\n', 1)
    await landing.run()
    landing.land('a.csv', 'code\nde\n', 2)
    await landing.run({}, { skip_unchanged: false })
    landing.land('a.csv', 'code\nat\n', 3)
    expect(only(await landing.run())).toMatchObject(LOADED)
    expect(await landing.rows()).toEqual([{ code: 'at' }])
  })
})

test.for([
  [{ load_strategy: 'replace', loading_strategy: 'merge' }, 'load_strategy: replace means loading_strategy: overwrite, but that is merge'],
  [{ loading_strategy: 'append', skip_unchanged: true }, 'append does not use skip_unchanged'],
  [
    { load_strategy: 'upsert', primary_keys: ['id'], skip_unchanged: true },
    'without sequence_by the times of files order the rows of merge',
  ],
  [{ load_strategy: 'upsert' }, 'merge needs primary_keys'],
] as const)('%j is refused', async ([table, problem]) => {
  await expect(new Landing(table).run()).rejects.toMatchObject({
    issues: [expect.objectContaining({ problem: expect.stringContaining(problem) })],
  })
})
