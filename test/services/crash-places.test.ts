import { describe, expect, test } from 'vitest'
import { campaignProject, crash, expectComplete, expectSoundLog, finish, loadedProject } from '../crash/campaign.ts'
import { openPlace, type PlacedProject } from '../support/places.ts'

/*
 * Some steps of each kind of work, chosen because a store of objects is another there than a disk: what is uploaded, the put that decides
 * who makes a version, copies of what was read. `INGEST_TEST_PLACE=s3+postgres npm run test:crash` leads the whole suite on such a place.
 */

const PLACES = ['s3', 'azure', ...(process.env['INGEST_TEST_EVERYWHERE'] === '1' ? ['s3-tables+postgres', 'postgres'] : [])]

/** One after the other in one project: each kill finds what the one before left. */
const STEPS = [
  'after-admit',
  'after-claim',
  'after-stage',
  'commit-before-link',
  'commit-after-link',
  'checkpoint-before-pointer',
  'before-settle',
]

async function killed(made: PlacedProject, failpoint: string, args: readonly string[]): Promise<void> {
  const { signal, stdout, stderr } = await made.run(args, { INGEST_FAILPOINT: failpoint })
  if (signal !== 'SIGKILL') throw new Error(`it was not killed at ${failpoint}: ${stdout} ${stderr}`)
}

async function done(made: PlacedProject, args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await made.command(args)
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stdout} ${stderr}`)
}

describe.each(PLACES)('on %s', (name) => {
  test('a load that is killed at step after step loses nothing and doubles nothing, nor does a tracker from half-way', async () => {
    const made = loadedProject(await openPlace(name))
    for (const failpoint of STEPS) {
      expect([failpoint, await crash(made, { failpoint })]).toEqual([failpoint, true])
      // Copies of what was read may be gone, too.
      if (failpoint === 'after-stage') made.forget()
    }
    const restore = await made.backup()
    await finish(made)
    await restore()
    await finish(made)
    await expectComplete(made)
    await done(made, ['verify'])
  })

  test('merges, rejected rows, rewrites, deletes and archives that are killed are whole or never were', async () => {
    const table = {
      table_name: 't',
      source_path_pattern: '*.csv',
      loading_strategy: 'merge',
      primary_keys: ['id'],
      sequence_by: 'v',
      delete_when: "v = 'zz'",
      max_bad_rows: 1,
      watch: { settle_seconds: 0 },
      delta: { deletion_vectors: true, change_data_feed: true, checkpoint_interval: 2 },
    }
    const config = { retry_attempts: 20, retry_backoff: { base_seconds: 0.001, factor: 1, max_seconds: 0.001 } }
    const made = campaignProject({ ...config, tables: [table] }, await openPlace(name))
    made.write('landing/1.csv', 'id,v\n1,a\n2,a\n3,a\n,x\n')
    await killed(made, 'after-quarantine', ['run'])
    await finish(made)
    made.write('landing/2.csv', 'id,v\n2,b\n4,b\n5,zz\n,y\n')
    for (const failpoint of ['after-removal', 'after-side-file', 'commit-after-link:2']) await killed(made, failpoint, ['run'])
    await finish(made)
    await expectRows(made, ['1 a', '2 b', '3 a', '4 b'])
    expect(await made.json<unknown[]>(['quarantine', 'list'])).toHaveLength(2)

    await killed(made, 'optimize-after-publish', ['optimize'])
    await done(made, ['optimize'])
    await killed(made, 'vacuum-half-way', ['vacuum', '--retention', '0s', '--force'])
    await expectRows(made, ['1 a', '2 b', '3 a', '4 b'])

    made.configure({ ...config, tables: [{ ...table, after_load: { archive: made.sourcePath('archive') } }] })
    made.write('landing/3.csv', 'id,v\n1,c\n')
    await killed(made, 'archive-after-place', ['run'])
    await finish(made)
    expect(await made.names('archive')).toEqual(['3.csv'])
    await expectRows(made, ['1 c', '2 b', '3 a', '4 b'])
    await done(made, ['verify'])
  })
})

async function expectRows(made: PlacedProject, rows: readonly string[]): Promise<void> {
  made.forget()
  const found = await made.json<{ row: string }[]>(['query', `select id || ' ' || v as "row" from "default".t order by id`])
  expect(found.map(({ row }) => row)).toEqual(rows)
  expectSoundLog(await made.table('t'))
}
