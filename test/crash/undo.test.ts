import { existsSync, mkdtempSync, readdirSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { list, query } from '../support/engine.ts'
import type { PlacedProject } from '../support/places.ts'
import { activeFiles, Project } from '../support/project.ts'
import { campaignProject, expectSoundLog, localSource } from './campaign.ts'

/** Three loaded files of two rows, each in a batch of its own. */
async function loaded(table: Record<string, unknown> = {}, make = campaignProject): Promise<PlacedProject> {
  const made = make({
    retry_backoff: { base_seconds: 0.001, factor: 1, max_seconds: 0.001 },
    tables: [{ table_name: 't', source_path_pattern: '*.csv', max_files_per_batch: 1, watch: { settle_seconds: 0 }, ...table }],
  })
  for (const file of [1, 2, 3]) made.write(`landing/${file}.csv`, `id\n${file}0\n${file}1\n`)
  return made
}

async function killed(made: PlacedProject, failpoint: string, args: readonly string[]): Promise<void> {
  const { signal, stdout, stderr } = await made.run(args, { INGEST_FAILPOINT: failpoint })
  if (signal !== 'SIGKILL') throw new Error(`it was not killed at ${failpoint}: ${stdout} ${stderr}`)
}

async function run(made: PlacedProject): Promise<void> {
  const { code, stdout, stderr } = await made.command(['run', '--json'])
  if (code !== 0) throw new Error(`the run ended with ${code}: ${stdout} ${stderr}`)
}

async function ids(made: PlacedProject): Promise<readonly number[]> {
  const rows = await query(`select id from read_parquet(${list(activeFiles(await made.table('t')))}) order by id`)
  return rows.map((row) => Number(row['id']))
}

async function states(made: PlacedProject): Promise<readonly string[]> {
  const files = await made.json<{ file_path: string; status: string; clean_up_status: string | null }[]>(['files'])
  return files.map((file) => `${file.file_path.slice(-5)} ${file.status} ${file.clean_up_status}`)
}

test.each([
  ['after-claim', false],
  ['after-removal', false],
  ['after-manifest', false],
  ['commit-before-link', false],
  ['commit-after-link', true],
  ['after-commit', true],
  ['before-settle', true],
  ['after-settle', true],
])('an unload that is killed at %s is done, or never was', async (failpoint, isDone) => {
  const made = await loaded()
  await run(made)
  await killed(made, failpoint, ['unload', '2.csv', '--yes'])
  await run(made)
  const state = isDone ? 'skipped' : 'completed'
  expect(await states(made)).toEqual(['1.csv completed null', `2.csv ${state} null`, '3.csv completed null'])
  expect(await ids(made)).toEqual(isDone ? [10, 11, 30, 31] : [10, 11, 20, 21, 30, 31])
  expectSoundLog(await made.table('t'))
})

test.each(['after-reopen', 'after-removal', 'after-manifest', 'commit-after-link', 'before-settle'])(
  'a replay that is killed at %s doubles no row, whoever goes on with it',
  async (failpoint) => {
    const made = await loaded()
    await run(made)
    await killed(made, failpoint, ['replay', '2.csv'])
    await run(made)
    expect(await states(made)).toEqual(['1.csv completed null', '2.csv completed null', '3.csv completed null'])
    expect(await ids(made)).toEqual([10, 11, 20, 21, 30, 31])
    expectSoundLog(await made.table('t'))
  },
)

test.each(['after-admit', 'after-removal', 'commit-after-link', 'before-settle'])(
  'new content that replaces the old does so once, killed at %s or not',
  async (failpoint) => {
    const made = await loaded({ on_changed_file: 'replace' })
    await run(made)
    made.write('landing/2.csv', 'id\n22\n')
    await killed(made, failpoint, ['run'])
    await run(made)
    expect(await ids(made)).toEqual([10, 11, 22, 30, 31])
    expectSoundLog(await made.table('t'))
  },
)

const CLEAN_UP = [
  'before-clean-up-mark',
  'after-clean-up-plan',
  'archive-after-place',
  'archive-after-remove',
  'before-clean-up-settle',
  'after-clean-up-settle',
]

test.each(['before-settle', ...CLEAN_UP])('an archive that is killed at %s ends with each file there once', async (failpoint) => {
  const made = await loaded()
  const table = { table_name: 't', source_path_pattern: '*.csv', max_files_per_batch: 1, watch: { settle_seconds: 0 } }
  made.configure({ tables: [{ ...table, after_load: { archive: made.sourcePath('archive') } }] })
  await killed(made, failpoint, ['run'])
  await run(made)
  await run(made)
  expect(await made.names('landing')).toEqual([])
  expect(await made.names('archive')).toEqual(['1.csv', '2.csv', '3.csv'])
  expect(await states(made)).toEqual(['1.csv completed archived', '2.csv completed archived', '3.csv completed archived'])
  expect(await ids(made)).toEqual([10, 11, 20, 21, 30, 31])
})

// Another file system, where the machine has one.
test.skipIf(!existsSync('/dev/shm'))('so does one to another disk that is killed after the copy', async () => {
  const made = await loaded({}, localSource)
  const far = new Project({ tables: [] }, mkdtempSync('/dev/shm/ingestd-archive-'))
  onTestFinished(() => far.remove())
  const table = {
    table_name: 't',
    source_path_pattern: '*.csv',
    watch: { settle_seconds: 0 },
    after_load: { archive: far.path('archive') },
  }
  made.configure({ tables: [table] })
  for (const failpoint of ['archive-after-copy:2', 'archive-after-place']) await killed(made, failpoint, ['run'])
  await run(made)
  expect(readdirSync(made.path('landing'))).toEqual([])
  expect(readdirSync(far.path('archive')).sort()).toEqual(['1.csv', '2.csv', '3.csv'])
})

test('a delete that is killed half way is gone on with', async () => {
  const made = await loaded({ after_load: 'delete' })
  await killed(made, 'before-clean-up-settle', ['run'])
  await run(made)
  expect(await made.names('landing')).toEqual([])
  expect(await states(made)).toEqual(['1.csv completed deleted', '2.csv completed deleted', '3.csv completed deleted'])
})
