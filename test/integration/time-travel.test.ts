import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Landing } from '../support/landing.ts'
import { historyOf, queried, restore, threeVersions } from '../support/time-travel.ts'

describe('query --at', () => {
  test('a table is seen as of a version, or of a time', async () => {
    const landing = await threeVersions()
    const sql = 'select id from default.t order by id'
    expect(await queried(landing, sql)).toEqual([[1], [2], [3]])
    expect(await queried(landing, sql, { at: { t: 1 } })).toEqual([[1], [2]])
    expect(await queried(landing, sql, { at: { 'default.t': '0' } })).toEqual([[1]])
    const [, second] = await historyOf(landing)
    expect(await queried(landing, sql, { at: { t: second?.timestamp ?? '' } })).toEqual([[1], [2]])
    expect(await queried(landing, sql, { at: { t: new Date(Date.now() + 3_600_000) } })).toEqual([[1], [2], [3]])
  })

  test('a version that is not to be had is refused, naming those that are', async () => {
    const landing = await threeVersions()
    const sql = 'select id from default.t'
    await expect(queried(landing, sql, { at: { t: 7 } })).rejects.toMatchObject({ code: 'ING-TABLE-VERSION' })
    await expect(queried(landing, sql, { at: { t: '2001-01-01' } })).rejects.toMatchObject({ code: 'ING-TABLE-VERSION' })
  })

  test('a version whose files were vacuumed says so', async () => {
    const landing = await threeVersions({ delta: { change_data_feed: true } })
    await landing.use(async (ingest) => {
      await ingest.optimize({})
      await ingest.vacuum({ retentionMs: 0, force: true })
    })
    const gone = { code: 'ING-TABLE-DATA-FILE', hint: 'it was vacuumed or deleted: choose a later version, or put the file back' }
    await expect(queried(landing, 'select id from default.t', { at: { t: 0 } })).rejects.toMatchObject(gone)
    await expect(queried(landing, "select id from table_changes('default.t', 0, 1)")).rejects.toMatchObject(gone)
    expect(await queried(landing, 'select count(*) from default.t')).toEqual([[3]])
  })

  test('a table into which nothing was loaded yet says so', async () => {
    const landing = new Landing({})
    const unloaded = { message: 'default.t has no version yet', hint: 'load it first: ingest run --tables default.t' }
    await expect(queried(landing, 'select * from default.t')).rejects.toMatchObject({ code: 'ING-QUERY', ...unloaded })
    await expect(queried(landing, 'select * from default.t', { at: { t: 0 } })).rejects.toMatchObject(unloaded)
    await expect(queried(landing, "select * from table_changes('t', 0)")).rejects.toMatchObject(unloaded)
    expect(await queried(landing, 'select 1 -- default.t')).toEqual([[1]])
  })

  test('a query that would change a table, and an empty one, are refused in plain words', async () => {
    const landing = await threeVersions()
    for (const sql of ['drop table default.t', '/* old */ DELETE FROM default.t', '-- a\n;insert into default.t values (1)']) {
      await expect(queried(landing, sql), sql).rejects.toMatchObject({
        code: 'ING-QUERY',
        message: expect.stringMatching(/^a query changes no table, and this one begins with (DROP|DELETE|INSERT)$/),
      })
    }
    for (const sql of ['', ' \n', ';', '-- select 1'])
      await expect(queried(landing, sql), sql).rejects.toMatchObject({ code: 'ING-QUERY', message: 'the query is empty' })
    expect(await queried(landing, '/* update */ select 1 -- drop')).toEqual([[1]])
  })

  test('what is neither a version nor a time, and a version that changes nothing, are wrong usage', async () => {
    const landing = await threeVersions()
    const sql = 'select id from default.t'
    for (const at of ['-1', '1.5', 'yesterday', '2024-02-30', '2024-01-01T25:00']) {
      await expect(queried(landing, sql, { at: { t: at } }), at).rejects.toMatchObject({ code: 'ING-USAGE' })
    }
    await expect(queried(landing, 'values (1)', { at: { t: 1 } })).rejects.toMatchObject({ code: 'ING-USAGE' })
    await expect(queried(landing, sql, { at: { t: 1, 'default.t': 2 } })).rejects.toMatchObject({ code: 'ING-USAGE' })
    await expect(queried(landing, sql, { at: { u: 1 } })).rejects.toMatchObject({ code: 'ING-CONFIG-TABLE-UNKNOWN' })
  })

  test('the columns are those of the version', async () => {
    const landing = new Landing({})
    landing.land('1.csv', 'id\n1\n', 1)
    await landing.run()
    landing.land('2.csv', 'id,more\n2,x\n', 2)
    await landing.run()
    const sql = 'select * exclude (_load_timestamp, _source_file, _batch_id) from default.t order by id'
    expect(await queried(landing, sql)).toEqual([
      [1, null],
      [2, 'x'],
    ])
    expect(await queried(landing, sql, { at: { t: 0 } })).toEqual([[1]])
  })

  test('output_format: parquet has its current version alone', async () => {
    const landing = await threeVersions({ output_format: 'parquet' })
    expect(await queried(landing, 'select count(*) from default.t')).toEqual([[3]])
    await expect(queried(landing, 'select id from default.t', { at: { t: 1 } })).rejects.toMatchObject({ code: 'ING-TABLE-VERSION' })
    await expect(restore(landing, 0, 'pending')).rejects.toMatchObject({ code: 'ING-TABLE-VERSION' })
  })
})

describe('history', () => {
  test('batches, files, metrics and restores are told', async () => {
    const landing = await threeVersions()
    await restore(landing, 0, 'skipped')
    const [restored, third] = await historyOf(landing)
    expect(restored).toMatchObject({
      version: 3,
      operation: 'RESTORE',
      operation_parameters: { version: '0' },
      operation_metrics: { numRemovedFiles: '2' },
      batch: 4,
      files: 0,
      files_added: 0,
      files_removed: 2,
      only_in_checkpoint: false,
    })
    expect(third).toMatchObject({ version: 2, operation: 'WRITE', batch: 3, files: 1, files_added: 1, rows: 1 })
    expect(third?.user_metadata).toMatch(/^ingestd batch 3 /)
    expect(third?.engine).toMatch(/^ingestd\//)
  })

  test('a version that only a checkpoint holds is told as such, and can be queried', async () => {
    const landing = await threeVersions({ delta: { checkpoint_interval: 2 } })
    for (const version of [0, 1, 2]) rmSync(join(landing.table, '_delta_log', `${String(version).padStart(20, '0')}.json`))
    landing.land('4.csv', 'id\n4\n', 4)
    // The commit that a checkpoint stands for is gone, as other tools leave a log.
    const report = await landing.run()
    expect(report.tables[0]).toMatchObject({ status: 'pass', version: 3 })
    const history = await historyOf(landing)
    expect(history.map(({ version, operation, only_in_checkpoint }) => [version, operation, only_in_checkpoint])).toEqual([
      [3, 'WRITE', false],
      [2, null, true],
    ])
    expect(await queried(landing, 'select id from default.t order by id', { at: { t: 2 } })).toEqual([[1], [2], [3]])
    await expect(queried(landing, 'select id from default.t', { at: { t: 1 } })).rejects.toMatchObject({ code: 'ING-TABLE-VERSION' })
  })
})
