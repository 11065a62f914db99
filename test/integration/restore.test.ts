import { cpSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createIngest } from 'ingestd'
import { describe, expect, test } from 'vitest'
import { Landing } from '../support/landing.ts'
import { logActions } from '../support/project.ts'
import { foreignAppend, foreignTable, historyOf, ids, openTracker, queried, restore, threeVersions } from '../support/time-travel.ts'

describe('restore', () => {
  test('files that were loaded later are pending, and loaded again by the next run', async () => {
    const landing = await threeVersions()
    const report = await restore(landing, 0, 'pending')
    expect(report).toMatchObject({
      table: 'default.t',
      dry_run: false,
      from_version: 2,
      to_version: 0,
      version: 3,
      batch: 4,
      files_added: 0,
      files_removed: 2,
      files: { pending: 2, skipped: 0, completed: 0 },
    })
    expect(await ids(landing)).toEqual([1])
    expect(await landing.states()).toEqual(['1.csv completed', '2.csv pending', '3.csv pending'])
    const [tracked] = (await landing.files()).filter((file) => file.file_path.endsWith('2.csv'))
    expect(tracked).toMatchObject({ status_reason: 'the table was restored to version 0', rows_loaded: null, table_version: null })
    expect((await landing.run()).tables[0]).toMatchObject({ status: 'pass', files: { loaded: 2 } })
    expect(await ids(landing)).toEqual([1, 2, 3])
  })

  test('or skipped, and never loaded', async () => {
    const landing = await threeVersions()
    expect(await restore(landing, 0, 'skipped')).toMatchObject({ files: { pending: 0, skipped: 2, completed: 0 } })
    expect((await landing.run()).tables[0]).toMatchObject({ status: 'pass', version: null })
    expect(await ids(landing)).toEqual([1])
    expect(await landing.states()).toEqual(['1.csv completed', '2.csv skipped', '3.csv skipped'])
  })

  test('the commit says what it did, in the words that other tools show', async () => {
    const landing = await threeVersions()
    await restore(landing, 1, 'pending')
    const info = logActions(landing.table).find(({ version, action }) => version === 3 && action['commitInfo'])?.action['commitInfo']
    expect(info).toMatchObject({
      operation: 'RESTORE',
      operationParameters: { version: '1' },
      operationMetrics: { numRestoredFiles: '0', restoredFilesSize: '0', numRemovedFiles: '1', numOfFilesAfterRestore: '2' },
      isBlindAppend: false,
      isolationLevel: 'Serializable',
      readVersion: 2,
      ingestd: { batch: 4 },
    })
    expect(logActions(landing.table).filter(({ version, action }) => version === 3 && action['txn'])).toHaveLength(1)
  })

  test('a restore to before an earlier restore brings rows back, and their files are completed', async () => {
    const landing = await threeVersions()
    await restore(landing, 0, 'pending')
    expect(await restore(landing, 2, 'pending')).toMatchObject({
      version: 4,
      files_added: 2,
      files_removed: 0,
      files: { pending: 0, skipped: 0, completed: 2 },
    })
    expect(await ids(landing)).toEqual([1, 2, 3])
    expect(await landing.states()).toEqual(['1.csv completed', '2.csv completed', '3.csv completed'])
    expect((await landing.files()).map((file) => [file.table_version, file.rows_loaded])).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
    ])
    await landing.run()
    expect(await ids(landing)).toEqual([1, 2, 3])
  })

  test('a file that was loaded again since is not loaded a third time', async () => {
    const landing = await threeVersions()
    await restore(landing, 1, 'pending')
    await landing.run() // version 4 has file 3 again
    landing.land('4.csv', 'id\n4\n', 4)
    await landing.run()
    await restore(landing, 2, 'pending')
    expect(await ids(landing)).toEqual([1, 2, 3])
    expect(await landing.states()).toEqual(['1.csv completed', '2.csv completed', '3.csv completed', '4.csv pending'])
    await landing.run()
    expect(await ids(landing)).toEqual([1, 2, 3, 4])
  })

  test('to a time', async () => {
    const landing = await threeVersions()
    const [, second] = await historyOf(landing)
    expect(await restore(landing, second?.timestamp ?? '', 'pending')).toMatchObject({ to_version: 1, version: 3 })
    expect(await ids(landing)).toEqual([1, 2])
  })

  test('schema and properties are those of the version', async () => {
    const landing = new Landing({})
    landing.land('1.csv', 'id\n1\n', 1)
    await landing.run()
    landing.land('2.csv', 'id,more\n2,x\n', 2)
    await landing.run()
    await restore(landing, 0, 'skipped')
    expect(await queried(landing, 'select * exclude (_load_timestamp, _source_file, _batch_id) from default.t')).toEqual([[1]])
    landing.land('3.csv', 'id,other\n3,true\n', 3)
    await landing.run()
    expect(await queried(landing, 'select id, other from default.t order by id')).toEqual([
      [1, null],
      [3, true],
    ])
  })

  test('a dry run tells the same and changes nothing', async () => {
    const landing = await threeVersions()
    const before = readdirSync(join(landing.table, '_delta_log'))
    const dry = await restore(landing, 0, 'pending', { dryRun: true })
    expect(dry).toMatchObject({
      dry_run: true,
      from_version: 2,
      to_version: 0,
      version: null,
      batch: null,
      files_removed: 2,
      files: { pending: 2, skipped: 0, completed: 0 },
    })
    expect(readdirSync(join(landing.table, '_delta_log'))).toEqual(before)
    expect(readdirSync(join(landing.table, '_ingestd/manifests'))).toHaveLength(3)
    expect(await landing.states()).toEqual(['1.csv completed', '2.csv completed', '3.csv completed'])
  })

  test('the current version is nothing to restore, and one that was not looked at is refused', async () => {
    const landing = await threeVersions()
    expect(await restore(landing, 2, 'pending')).toMatchObject({ from_version: 2, to_version: 2, version: null })
    await expect(restore(landing, 0, 'pending', { fromVersion: 1 })).rejects.toMatchObject({ code: 'ING-TABLE-CONFLICT' })
    expect(logActions(landing.table).at(-1)?.version).toBe(2)
  })

  test('files that are gone are named before anything is written', async () => {
    const landing = await threeVersions()
    await restore(landing, 0, 'skipped')
    const gone = logActions(landing.table).flatMap(({ version, action }) =>
      version === 1 && action['add'] ? [String(action['add']['path'])] : [],
    )
    for (const path of gone) rmSync(join(landing.table, decodeURIComponent(path)))
    const failure = restore(landing, 2, 'pending')
    await expect(failure).rejects.toMatchObject({ code: 'ING-TABLE-RESTORE' })
    await expect(failure).rejects.toThrow(gone[0])
    expect(logActions(landing.table).at(-1)?.version).toBe(3)
    expect(readdirSync(join(landing.table, '_ingestd/manifests'))).toHaveLength(4)
  })

  test('an append-only table does not shrink', async () => {
    const landing = await threeVersions({ table_properties: { 'delta.appendOnly': 'true' } })
    await expect(restore(landing, 0, 'pending')).rejects.toMatchObject({ code: 'ING-TABLE-APPEND-ONLY' })
  })

  test('a version from before the table was ours undoes all that was loaded', async () => {
    const landing = new Landing({})
    await foreignTable(landing)
    landing.land('1.csv', 'id\n1\n', 1)
    await landing.run()
    expect(await ids(landing)).toEqual([1, 7])
    expect(await restore(landing, 0, 'pending')).toMatchObject({ version: 2, files_removed: 1, files: { pending: 1 } })
    expect(await ids(landing)).toEqual([7])
    await landing.run()
    expect(await ids(landing)).toEqual([1, 7])
    // Another tracker may still not load it: the restore kept whose table it is.
    await using other = await createIngest({ config: { ...landing.config, checkpoint_path: landing.path('other') } })
    await expect(other.restore('t', { at: 0, files: 'pending' })).rejects.toMatchObject({ code: 'ING-TABLE-OTHER-TRACKER' })
  })

  test('a table whose features we do not write is shown and queried at any version, but not restored', async () => {
    const landing = new Landing({})
    await foreignTable(landing, { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['rowTracking', 'domainMetadata'] })
    await foreignAppend(landing, 1, 8)
    expect(await queried(landing, 'select id from default.t order by id')).toEqual([[7], [8]])
    expect(await queried(landing, 'select id from default.t', { at: { t: 0 } })).toEqual([[7]])
    expect((await historyOf(landing)).map(({ operation, batch, engine, files_added }) => [operation, batch, engine, files_added])).toEqual([
      ['STREAMING UPDATE', null, 'Somebody/1.0', 1],
      [null, null, null, 1],
    ])
    await expect(restore(landing, 0, 'pending')).rejects.toMatchObject({ code: 'ING-TABLE-FEATURE' })
  })

  test('another process that works on the table is not disturbed', async () => {
    const landing = await threeVersions()
    await using tracker = await openTracker(landing)
    expect(await tracker.lockTable('default.t', 'elsewhere:1:x', () => true)).toBe(true)
    await expect(restore(landing, 0, 'pending')).rejects.toMatchObject({ code: 'ING-TABLE-BUSY' })
    await tracker.unlockTable('default.t', 'elsewhere:1:x')
    expect(await restore(landing, 0, 'pending')).toMatchObject({ version: 3 })
  })

  test('a full drop that has begun is finished first', async () => {
    const landing = await threeVersions()
    await using tracker = await openTracker(landing)
    await tracker.remember('default.t', 'full_drop', 'begun')
    await expect(restore(landing, 0, 'pending')).rejects.toMatchObject({ code: 'ING-TABLE-RESTORE' })
    await expect(restore(landing, 0, 'pending', { dryRun: true })).rejects.toMatchObject({ code: 'ING-TABLE-RESTORE' })
  })

  test('a tracker from a backup learns of loads and restores in their order', async () => {
    const landing = await threeVersions()
    const backup = landing.path('backup')
    cpSync(landing.path('state'), backup, { recursive: true })
    await restore(landing, 0, 'pending')
    await landing.run()
    await restore(landing, 1, 'skipped')
    rmSync(landing.path('state'), { recursive: true })
    cpSync(backup, landing.path('state'), { recursive: true })
    await landing.run()
    expect(await ids(landing)).toEqual([1, 2])
    expect(await landing.states()).toEqual(['1.csv completed', '2.csv completed', '3.csv skipped'])
  })
})

describe('restore and full drops', () => {
  test('a file of before the full drop stays loaded where its older rows are in force', async () => {
    const landing = await threeVersions()
    await landing.run({ runType: 'full_drop' })
    landing.land('4.csv', 'id\n4\n', 4)
    await landing.run()
    expect(await restore(landing, 1, 'pending')).toMatchObject({ files: { pending: 2 } })
    expect(await ids(landing)).toEqual([1, 2])
    expect(await landing.states()).toEqual(['1.csv completed', '2.csv completed', '3.csv pending', '4.csv pending'])
    await landing.run()
    expect(await ids(landing)).toEqual([1, 2, 3, 4])
  })

  test('rows that a full drop took out are not counted as loaded by a restore to after it', async () => {
    const landing = await threeVersions()
    rmSync(landing.path('landing/3.csv'))
    await landing.run({ runType: 'full_drop' })
    landing.land('3.csv', 'id\n3\n', 3)
    await landing.use((ingest) => ingest.retry({ paths: [landing.path('landing/3.csv')] }))
    await landing.run()
    expect(await ids(landing)).toEqual([1, 2, 3])
    await restore(landing, 3, 'pending')
    expect(await ids(landing)).toEqual([1, 2])
    await landing.run()
    expect(await ids(landing)).toEqual([1, 2, 3])
  })
})

describe('restore and changed files', () => {
  test('where new content is loaded, the content that was undone waits', async () => {
    const landing = new Landing({ loading_strategy: 'overwrite' })
    landing.land('a.csv', 'id\n1\n', 1)
    await landing.run()
    landing.land('a.csv', 'id\n2\n', 2)
    await landing.run()
    await restore(landing, 0, 'pending')
    expect(await ids(landing)).toEqual([1])
    expect(await landing.states()).toEqual(['a.csv pending'])
    await landing.run()
    expect(await ids(landing)).toEqual([2])
  })

  test('or is skipped for good, until the file changes again', async () => {
    const landing = new Landing({ loading_strategy: 'overwrite' })
    landing.land('a.csv', 'id\n1\n', 1)
    await landing.run()
    landing.land('a.csv', 'id\n2\n', 2)
    await landing.run()
    await restore(landing, 0, 'skipped')
    await landing.run()
    expect(await ids(landing)).toEqual([1])
    landing.land('a.csv', 'id\n3\n', 3)
    await landing.run()
    expect(await ids(landing)).toEqual([3])
  })

  test('where it is ignored, the path stands for the content that the table holds', async () => {
    const landing = new Landing({})
    landing.land('a.csv', 'id\n1\n', 1)
    await landing.run()
    landing.land('a.csv', 'id\n2\n', 2)
    // The change is noticed while it is read, and the next run finishes the full drop.
    await landing.run({ runType: 'full_drop' })
    await landing.run()
    expect(await ids(landing)).toEqual([2])
    await restore(landing, 0, 'pending')
    expect(await ids(landing)).toEqual([1])
    expect((await landing.run()).tables[0]).toMatchObject({ status: 'warn', warnings: [{ code: 'ING-FILE-CHANGED-AFTER-LOAD' }] })
    expect(await ids(landing)).toEqual([1])
  })
})
