import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { RunReport, VerifyReport } from '../../src/index.ts'
import type { PlacedProject } from '../support/places.ts'
import { logActions } from '../support/project.ts'
import { campaignProject } from './campaign.ts'

const TABLES = ['a', 'b', 'c'].map((name) => ({
  table_name: name,
  source_path_pattern: `${name}/*.csv`,
  max_bad_rows: 5,
  columns: { id: 'BIGINT' },
  watch: { settle_seconds: 0 },
}))

/** Table a, with rows in quarantine, is of one tracker; b and c are of another, whose database is lost where `lost`. */
async function ofTwoTrackers(lost: boolean): Promise<PlacedProject> {
  const made = campaignProject({ tables: TABLES.slice(0, 1) })
  for (const name of ['a', 'b', 'c']) made.write(`landing/${name}/1.csv`, 'id,x\n1,2\nnope,3\n4,5\n')
  for (const name of ['a', 'b', 'c']) made.write(`landing/${name}/2.csv`, 'id,x\n6,7\n')
  await made.command(['run'])
  made.newTracker()
  made.configure({ tables: TABLES })
  await made.command(['run', '--tables', 'b,c'])
  if (lost) await made.loseTracker()
  return made
}

const versions = (made: PlacedProject) =>
  Promise.all(['a', 'b', 'c'].map(async (name) => logActions(await made.table(name)).at(-1)?.version))

async function expectLoadedOnce(made: PlacedProject): Promise<void> {
  expect(await made.json<VerifyReport>(['verify'])).toMatchObject({ ok: true })
  expect((await made.json<RunReport>(['run'])).totals).toMatchObject({ error: 0, files: 0, rows: 0 })
  // One commit each for its files, and one that hands the first over.
  expect(await versions(made)).toEqual([1, 0, 0])
}

test.each([
  'adopt-after-quarantine',
  'commit-after-link:2',
  'adopt-after-commit',
  'rebuild-after-table:1',
  'rebuild-after-table:3',
  'rebuild-before-place',
  'rebuild-half-way',
  'rebuild-after-place',
])('a rebuild that is killed at %s is done by a repeat', async (name) => {
  const made = await ofTwoTrackers(true)
  expect((await made.run(['tracker', 'rebuild'], { INGEST_FAILPOINT: name })).signal).toBe('SIGKILL')
  expect((await made.command(['tracker', 'rebuild', '--force'])).code).toBe(0)
  await expectLoadedOnce(made)
})

test.each(['adopt-after-quarantine', 'commit-before-link:2', 'adopt-after-commit'])(
  'a table whose take-over is killed at %s is taken over by a repeat',
  async (name) => {
    const made = await ofTwoTrackers(false)
    const adopt = ['tracker', 'adopt', 'a', '--yes']
    expect((await made.run(adopt, { INGEST_FAILPOINT: name })).signal).toBe('SIGKILL')
    expect((await made.command(adopt)).code).toBe(0)
    await expectLoadedOnce(made)
  },
)

test('a table that was handed over before the kill is finished by the next run', async () => {
  const made = await ofTwoTrackers(false)
  expect((await made.run(['tracker', 'adopt', 'a', '--yes'], { INGEST_FAILPOINT: 'adopt-after-commit' })).signal).toBe('SIGKILL')
  expect((await made.json<RunReport>(['run'])).totals).toMatchObject({ error: 0, files: 0 })
  await expectLoadedOnce(made)
})

test('a backup that is killed leaves none under its name', async () => {
  const made = await ofTwoTrackers(false)
  const file = made.path('copy.db')
  expect((await made.run(['tracker', 'backup', file], { INGEST_FAILPOINT: 'backup-before-name' })).signal).toBe('SIGKILL')
  expect(existsSync(file)).toBe(false)
  expect((await made.command(['tracker', 'backup', file])).code).toBe(0)
})
