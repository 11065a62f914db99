import { expect, test } from 'vitest'
import { FAILPOINTS } from '../../src/lib/failpoint.ts'
import { crash, expectComplete, finish, loadedProject } from './campaign.ts'

/** Steps of an ordinary run; reopening comes in a full drop alone. */
const RUN_FAILPOINTS = FAILPOINTS.filter((name) => name !== 'after-reopen')

test.each(RUN_FAILPOINTS)('a kill at %s loses nothing and doubles nothing', async (name) => {
  const made = loadedProject()
  expect(await crash(made, { failpoint: `${name}:1` })).toBe(true)
  await finish(made)
  await expectComplete(made)
})

test('a load process that dies alone costs one attempt of its batch', async () => {
  const made = loadedProject()
  await made.run(['run', '--json'], { INGEST_FAILPOINT: 'child:after-stage:2' })
  await finish(made)
  await expectComplete(made)
})

test('a tracker restored from a backup taken half-way doubles nothing', async () => {
  const made = loadedProject()
  expect(await crash(made, { failpoint: 'after-settle:2' })).toBe(true)
  const restore = await made.backup()
  await finish(made)
  await restore()
  await finish(made)
  await expectComplete(made)
})

test('a tracker restored from before a commit that nobody settled doubles nothing', async () => {
  const made = loadedProject()
  expect(await crash(made, { failpoint: 'after-claim:3' })).toBe(true)
  const restore = await made.backup()
  expect(await crash(made, { failpoint: 'before-settle:1' })).toBe(true)
  await restore()
  await finish(made)
  await expectComplete(made)
})

test.each(['after-reopen', 'after-claim', 'after-stage', 'commit-before-link', 'commit-after-link', 'before-settle'] as const)(
  'a full drop that is killed at %s is finished by the next run, whatever its kind, and doubles nothing',
  async (name) => {
    const made = loadedProject()
    await finish(made)
    expect(await crash(made, { failpoint: `${name}:1` }, ['--full-drop', '--yes'])).toBe(true)
    await finish(made)
    await expectComplete(made)
  },
)
