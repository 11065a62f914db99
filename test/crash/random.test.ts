import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FAILPOINTS } from '../../src/lib/failpoint.ts'
import { crash, expectComplete, finish, loadedProject } from './campaign.ts'

const KILLS = 50
/** Repeatable: a failure names the seed. */
const SEED = Number(process.env['INGEST_TEST_SEED'] ?? '20')

function* random(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    yield state / 2 ** 31
  }
}

test(`kills at ${KILLS} random times lose nothing and double nothing (seed ${SEED})`, async () => {
  const numbers = random(SEED)
  let kills = 0
  while (kills < KILLS) {
    const made = loadedProject()
    // Several kills on the way of one load, each at a time of its own, then a restored tracker now and then.
    let restore: (() => Promise<void>) | undefined
    for (let round = 0; round < 6 && kills < KILLS; round += 1) {
      if (await crash(made, { afterMs: 100 + numbers.next().value * 1200 })) kills += 1
      // A backup from before the first commit may be one without a tracker, and a table of a lost tracker is refused.
      if (round >= 2 && existsSync(join(await made.table('orders'), '_delta_log'))) restore ??= await made.backup()
    }
    await finish(made)
    await expectComplete(made)
    await restore?.()
    await finish(made)
    await expectComplete(made)
    made.remove()
  }
  expect(kills).toBe(KILLS)
})

// The first comes to a table that is not there (`short`); the third is like the second.
test.each(FAILPOINTS)('a kill at the second %s loses nothing and doubles nothing', async (name) => {
  const made = loadedProject()
  // Steps that come once in a run end it without a kill.
  await crash(made, { failpoint: `${name}:2` })
  await finish(made)
  await expectComplete(made)
})
