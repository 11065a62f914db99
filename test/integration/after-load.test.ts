import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { daemon, eventually } from '../support/daemon.ts'
import { only } from '../support/expecting.ts'
import { Landing } from '../support/landing.ts'
import { restore } from '../support/time-travel.ts'

const RETRIES = { retry_backoff: { base_seconds: 0.001, factor: 1, max_seconds: 0.001 } }

function archiving(table: Record<string, unknown> = {}): Landing {
  const landing = new Landing({ source_path_pattern: '**/*.csv', columns: { id: 'BIGINT' }, ...table }, RETRIES)
  return changed(landing, { after_load: { archive: landing.path('archive') } })
}

/** The same landing folder with other settings of its table. */
function changed(landing: Landing, table: Record<string, unknown>): Landing {
  const [first] = landing.config['tables'] as Record<string, unknown>[]
  landing.config['tables'] = [{ ...first, ...table }]
  return landing
}

function filesIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(folder.length + 1))
    .sort()
}

const landed = (landing: Landing) => filesIn(landing.path('landing'))
const archived = (landing: Landing) => filesIn(landing.path('archive'))
const cleanUps = async (landing: Landing) =>
  (await landing.files()).map((file) => `${file.file_path.slice(landing.path('landing').length + 1)} ${file.clean_up_status}`)

describe('after_load: {archive}', () => {
  test('moves loaded files under their path below raw_data_path, and tells where', async () => {
    const landing = archiving()
    const at = statSync(landing.land('2024/05/a.csv', 'id\n1\n', 1)).mtimeMs
    landing.land('b.csv', 'id\nbad\n', 2)
    expect(only(await landing.run())).toMatchObject({ status: 'error', files: { loaded: 1, failed: 1 } })
    expect(landed(landing)).toEqual(['b.csv'])
    expect(archived(landing)).toEqual(['2024/05/a.csv'])
    expect(statSync(landing.path('archive/2024/05/a.csv')).mtimeMs).toBe(at)
    expect(await cleanUps(landing)).toEqual(['2024/05/a.csv archived', 'b.csv null'])
    const [tracked] = await landing.files()
    expect(tracked).toMatchObject({ status: 'completed', clean_up_path: landing.path('archive/2024/05/a.csv') })
    const [explained] = await landing.use((ingest) => ingest.explain(landing.path('landing/2024/05/a.csv')))
    expect(explained?.verdict).toBe('loaded')
    expect(explained?.steps.at(-1)?.detail).toContain(`; archived as ${landing.path('archive/2024/05/a.csv')}`)
    expect(explained?.history.at(-1)?.reason).toBe(`archived as ${landing.path('archive/2024/05/a.csv')}`)
    expect(only(await landing.run())).toMatchObject({ version: null })
    expect(await landing.rows('id')).toEqual([{ id: '1' }])
  })

  test('never overwrites: the next file of the name gets a number, and no pattern takes it', async () => {
    const landing = archiving({ on_changed_file: 'append' })
    for (const second of [1, 2, 3]) {
      landing.land('a.csv', `id\n${second}\n`, second)
      await landing.run()
    }
    expect(archived(landing)).toEqual(['a.csv', 'a.csv.1', 'a.csv.2'])
    expect(archived(landing).map((name) => readFileSync(landing.path('archive', name), 'utf8'))).toEqual(['id\n1\n', 'id\n2\n', 'id\n3\n'])
  })

  test('an archive in the watched folder is not watched', async () => {
    const landing = changed(archiving(), {})
    changed(landing, { after_load: { archive: landing.path('landing/done') } })
    landing.land('a.csv', 'id\n1\n', 1)
    await landing.run()
    expect(landed(landing)).toEqual(['done/a.csv'])
    expect(only(await landing.run())).toMatchObject({ version: null, files: { loaded: 0 } })
    const [explained] = await landing.use((ingest) => ingest.explain(landing.path('landing/done/a.csv')))
    expect(explained?.steps.find(({ check }) => check === 'not_ignored')?.detail).toBe(
      'the folder "done" is ignored: loaded files are archived there (after_load)',
    )
  })

  test('what was loaded before it was asked for stays; files with rejected rows go, as their raw rows are in quarantine', async () => {
    const landing = archiving({ max_bad_rows: 1 })
    landing.land('old.csv', 'id\n1\n', 1)
    await landing.run({}, { after_load: 'keep' })
    landing.land('new.csv', 'id\n2\nbad\n', 2)
    await landing.run()
    expect(landed(landing)).toEqual(['old.csv'])
    expect(archived(landing)).toEqual(['new.csv'])
  })

  test('a file that cannot be moved is a warning, and tried again; what is loaded stays', async () => {
    const landing = archiving()
    writeFileSync(landing.path('archive'), 'a file where the folder should be')
    landing.land('a.csv', 'id\n1\n', 1)
    expect(only(await landing.run())).toMatchObject({ status: 'warn', files: { loaded: 1 }, warnings: [{ code: 'ING-SOURCE-CLEAN-UP' }] })
    expect(await cleanUps(landing)).toEqual(['a.csv failed'])
    const [tracked] = await landing.files()
    expect(tracked).toMatchObject({ status: 'completed', clean_up_attempts: 1 })
    expect(only(await landing.run())).toMatchObject({ status: 'warn' })
    renameSync(landing.path('archive'), landing.path('elsewhere'))
    expect(only(await landing.run())).toMatchObject({ status: 'pass' })
    expect(archived(landing)).toEqual(['a.csv'])
  })

  test('a replay of an archived file is refused by name; a full drop, which would lose its rows, too', async () => {
    const landing = archiving()
    const path = landing.land('a.csv', 'id\n1\n', 1)
    await landing.run()
    await expect(landing.use((ingest) => ingest.replay([path]))).rejects.toThrow(
      `${path} cannot be loaded again: there is no such file; it was archived as ${landing.path('archive/a.csv')}`,
    )
    expect(only(await landing.run({ runType: 'full_drop' })).errors[0]?.code).toBe('ING-SOURCE-CLEANED')
    expect(await landing.rows('id')).toEqual([{ id: '1' }])
    renameSync(landing.path('archive/a.csv'), path)
    expect(only(await landing.use((ingest) => ingest.replay([path])))).toMatchObject({ status: 'pass', files: { loaded: 1 } })
    expect(await landing.rows('id')).toEqual([{ id: '1' }])
    expect(archived(landing)).toEqual(['a.csv'])
  })

  test('a restore that undoes the load leaves the place of the file known', async () => {
    const landing = archiving()
    landing.land('a.csv', 'id\n1\n', 1)
    await landing.run()
    const path = landing.land('b.csv', 'id\n2\n', 2)
    await landing.run()
    await restore(landing, 0, 'pending')
    const [, tracked] = await landing.files()
    expect(tracked).toMatchObject({ status: 'pending', clean_up_path: landing.path('archive/b.csv') })
    renameSync(landing.path('archive/b.csv'), path)
    expect(only(await landing.run())).toMatchObject({ status: 'pass', files: { loaded: 1 } })
    expect(archived(landing)).toEqual(['a.csv', 'b.csv'])
  })

  test('a link is left: what it leads to is not ours', async () => {
    const landing = archiving()
    const real = landing.path('elsewhere.csv')
    writeFileSync(real, 'id\n1\n')
    mkdirSync(landing.path('landing'))
    symlinkSync(real, landing.path('landing/a.csv'))
    await landing.run()
    expect(await cleanUps(landing)).toEqual(['a.csv kept'])
    expect(existsSync(real)).toBe(true)
    expect(archived(landing)).toEqual([])
  })

  test('the marker of a file goes with it', async () => {
    const landing = archiving({ watch: { settle_seconds: 0, marker: '{name}.done' } })
    landing.land('a.csv', 'id\n1\n', 1)
    landing.land('a.csv.done', '', 1)
    landing.land('b.csv.done', '', 1)
    await landing.run()
    expect(landed(landing)).toEqual(['b.csv.done'])
    expect(archived(landing)).toEqual(['a.csv'])
  })

  // Another file system; only where the machine has one.
  test.skipIf(!existsSync('/dev/shm') || statSync('/dev/shm').dev === statSync('/tmp').dev)(
    'to another disk it is copied, synced and then removed',
    async () => {
      const landing = archiving()
      const { mkdtempSync, rmSync } = await import('node:fs')
      const far = mkdtempSync('/dev/shm/ingestd-archive-')
      try {
        changed(landing, { after_load: { archive: far } })
        landing.land('x/a.csv', 'id\n1\n', 1)
        await landing.run()
        expect(filesIn(far)).toEqual(['x/a.csv'])
        expect(landed(landing)).toEqual([])
      } finally {
        rmSync(far, { recursive: true })
      }
    },
  )
})

describe('after_load: delete', () => {
  test('deletes what is loaded, but no file with rejected rows', async () => {
    const landing = changed(archiving({ max_bad_rows: 1 }), { after_load: 'delete' })
    landing.land('a.csv', 'id\n1\n', 1)
    landing.land('b.csv', 'id\n2\nbad\n', 2)
    await landing.run()
    expect(landed(landing)).toEqual(['b.csv'])
    expect(await cleanUps(landing)).toEqual(['a.csv deleted', 'b.csv kept'])
    const [, kept] = await landing.files()
    expect(kept?.clean_up_reason).toBe('1 of its rows were rejected')
    expect(only(await landing.run())).toMatchObject({ version: null })
    expect(await landing.rows('id')).toEqual([{ id: '1' }, { id: '2' }])
  })

  test('a file that got new content after it was loaded stays', async () => {
    const landing = changed(archiving(), { after_load: 'delete' })
    const path = landing.land('a.csv', 'id\n1\n', 1)
    chmodSync(dirname(path), 0o755)
    let isChanged = false
    await landing.run({
      onEvent: ({ kind }) => {
        if (kind !== 'batchEnded' || isChanged) return
        isChanged = true
        landing.land('a.csv', 'id\n1\n2\n', 2)
      },
    })
    expect(landed(landing)).toEqual(['a.csv'])
    expect(await cleanUps(landing)).toEqual(['a.csv kept'])
    const [tracked] = await landing.files()
    expect(tracked?.clean_up_reason).toBe('its content is another one than was loaded')
  })

  test('overwrite and merge tables, too', async () => {
    for (const table of [{ loading_strategy: 'overwrite' }, { loading_strategy: 'merge', primary_keys: ['id'] }]) {
      const landing = changed(archiving(table), { after_load: 'delete' })
      landing.land('a.csv', 'id\n1\n', 1)
      await landing.run()
      landing.land('b.csv', 'id\n2\n', 2)
      await landing.run()
      expect(landed(landing)).toEqual([])
      expect(await landing.rows('id')).toHaveLength(table.loading_strategy === 'merge' ? 2 : 1)
    }
  })
})

test('status tells of clean-ups that failed, and a daemon tries them again when they are due', async () => {
  const landing = changed(new Landing({ columns: { id: 'BIGINT' } }, { retry_backoff: { base_seconds: 1, factor: 1, max_seconds: 1 } }), {})
  changed(landing, { after_load: { archive: landing.path('archive') } })
  const path = landing.land('a.csv', 'id\n1\n', 1)
  writeFileSync(landing.path('archive'), 'no folder')
  await landing.run()
  const [state] = await landing.use(async (ingest) => (await ingest.status()).tables)
  expect(state?.clean_ups).toMatchObject({ due: 0, failed: 1, last_error: expect.stringContaining('archive') })
  expect(state?.clean_ups.next_attempt_at).toMatch(/Z$/)
  const running = await daemon(landing)
  await eventually(async () => running.events.some(({ kind }) => kind === 'tableEnded'), Boolean)
  expect(existsSync(path)).toBe(true)
  unlinkSync(landing.path('archive'))
  await eventually(
    async () => archived(landing).length,
    (files) => files === 1,
  )
  await running.stop()
  const [after] = await landing.use(async (ingest) => (await ingest.status()).tables)
  expect(after?.clean_ups).toEqual({ due: 0, failed: 0, last_error: null, next_attempt_at: null })
})

test.each([
  [{ after_load: 'delete', file_format: 'delta', source_path_pattern: 'x' }, 'the files of a Delta source belong to its table'],
  [{ after_load: 'delete', loading_strategy: 'overwrite', snapshot_unit: 'folder' }, 'a later file loads its folder again'],
  [{ after_load: 'delete', run_type: 'full_drop' }, 'run_type: full_drop loads all files again'],
  [{ after_load: { archive: 's3://bucket/x' } }, 'must be a folder of this machine'],
  [{ after_load: { archive: 'LANDING' } }, 'would hold the landing files of default.t'],
  [{ after_load: { archive: 'TABLE/x' } }, 'the archive would lie in the table default.t'],
])('%j is refused', async (table, problem) => {
  const landing = new Landing({})
  const text = JSON.stringify(table).replace('LANDING', landing.path('landing')).replace('TABLE', landing.table)
  await expect(landing.run({}, JSON.parse(text) as Record<string, unknown>)).rejects.toThrow(problem)
})

test('two names of one file are two files', async () => {
  const landing = archiving()
  const path = landing.land('a.csv', 'id\n1\n', 1)
  linkSync(path, landing.path('landing/b.csv'))
  await landing.run()
  expect(landed(landing)).toEqual([])
  expect(archived(landing)).toEqual(['a.csv', 'b.csv'])
})
