import { expect, test } from 'vitest'
import { list, query } from '../support/engine.ts'
import type { PlacedProject } from '../support/places.ts'
import { activeFiles, logActions } from '../support/project.ts'
import { campaignProject } from './campaign.ts'

const FILES = 5

/** Five files in five batches, with a checkpoint every second commit: the restore makes version 5, or 6 after another one. */
async function loaded(): Promise<PlacedProject> {
  const made = campaignProject({
    tables: [
      {
        table_name: 't',
        source_path_pattern: '*.csv',
        max_files_per_batch: 1,
        watch: { settle_seconds: 0 },
        delta: { checkpoint_interval: 2 },
      },
    ],
  })
  for (let file = 0; file < FILES; file += 1) made.write(`landing/${file}.csv`, `id\n${file}\n`)
  expect((await made.command(['run', '--json'])).code).toBe(0)
  return made
}

async function rows(made: PlacedProject): Promise<readonly number[]> {
  const files = activeFiles(await made.table('t'))
  const found = await query(`select id from read_parquet(${list(files)}, union_by_name = true) order by id`)
  return found.map((row) => Number(row['id']))
}

async function states(made: PlacedProject): Promise<readonly string[]> {
  return (await made.json<{ status: string }[]>(['files'])).map((file) => file.status)
}

async function restoreCommits(made: PlacedProject): Promise<number> {
  const actions = logActions(await made.table('t'))
  return actions.filter(({ action }) => action['commitInfo']?.['operation'] === 'RESTORE').length
}

const restoreTo = (version: number, files: string) => ['restore', 't', '--version', String(version), '--files', files, '--yes', '--json']

const STEPS = [
  ['after-claim', false],
  ['after-manifest', false],
  ['commit-before-link', false],
  ['commit-after-link', true],
  ['after-commit', true],
  ['before-settle', true],
  ['after-settle', true],
] as const

test.each(STEPS)('a restore that is killed at %s is wholly there or not at all: %s', async (name, isThere) => {
  const made = await loaded()
  const killed = await made.run(restoreTo(1, 'skipped'), { INGEST_FAILPOINT: name })
  expect(killed.signal).toBe('SIGKILL')
  expect((await made.command(['run', '--json'])).code).toBe(0)
  expect(await restoreCommits(made)).toBe(isThere ? 1 : 0)
  expect(await rows(made)).toEqual(isThere ? [0, 1] : [0, 1, 2, 3, 4])
  expect(await states(made)).toEqual(['completed', 'completed', ...Array(3).fill(isThere ? 'skipped' : 'completed')])
  // And what comes after it finds a table in order.
  expect((await made.command(restoreTo(4, 'pending'))).code).toBe(0)
  made.write('landing/5.csv', 'id\n5\n')
  expect((await made.command(['run', '--json'])).code).toBe(0)
  expect(await rows(made)).toEqual([0, 1, 2, 3, 4, 5])
  expect(await states(made)).toEqual(Array(6).fill('completed'))
})

test.each(['checkpoint-before-pointer', 'after-checkpoint'])('a kill at %s of its checkpoint loses nothing', async (name) => {
  const made = await loaded()
  expect((await made.command(restoreTo(3, 'pending'))).code).toBe(0)
  // Version 6 has a checkpoint.
  expect((await made.run(restoreTo(1, 'pending'), { INGEST_FAILPOINT: name })).signal).toBe('SIGKILL')
  expect((await made.command(['run', '--json'])).code).toBe(0)
  expect(await restoreCommits(made)).toBe(2)
  expect(await rows(made)).toEqual([0, 1, 2, 3, 4])
  expect(await states(made)).toEqual(Array(FILES).fill('completed'))
})

test.each(STEPS)('pending files are loaded once after a kill at %s', async (name) => {
  const made = await loaded()
  expect((await made.run(restoreTo(1, 'pending'), { INGEST_FAILPOINT: name })).signal).toBe('SIGKILL')
  expect((await made.command(['run', '--json'])).code).toBe(0)
  expect(await rows(made)).toEqual([0, 1, 2, 3, 4])
  expect(await states(made)).toEqual(Array(FILES).fill('completed'))
})

test.each([
  ['child:after-manifest', false],
  ['child:commit-after-link', true],
] as const)('a load process that dies alone at %s leaves no doubt', async (name, isThere) => {
  const made = await loaded()
  const { code, stdout } = await made.run(restoreTo(1, 'skipped'), { INGEST_FAILPOINT: name })
  // The log tells whether it was committed before the process died.
  expect(code).toBe(isThere ? 0 : 4)
  expect(JSON.parse(stdout)).toMatchObject(isThere ? { version: 5, files: { skipped: 3 } } : { error: { code: 'ING-ENGINE-CRASH' } })
  expect(await states(made)).toEqual(['completed', 'completed', ...Array(3).fill(isThere ? 'skipped' : 'completed')])
  expect(await rows(made)).toEqual(isThere ? [0, 1] : [0, 1, 2, 3, 4])
})

test('a load that died before its commit is given back before the restore, and loaded after it', async () => {
  const made = await loaded()
  made.write('landing/5.csv', 'id\n5\n')
  expect((await made.run(['run', '--json'], { INGEST_FAILPOINT: 'after-manifest' })).signal).toBe('SIGKILL')
  expect((await made.command(restoreTo(1, 'skipped'))).code).toBe(0)
  expect(await rows(made)).toEqual([0, 1])
  expect(await states(made)).toEqual(['completed', 'completed', 'skipped', 'skipped', 'skipped', 'pending'])
  expect((await made.command(['run', '--json'])).code).toBe(0)
  expect(await rows(made)).toEqual([0, 1, 5])
})
