import { expect, test } from 'vitest'
import { eventually } from '../support/daemon.ts'
import { started, states } from '../support/daemon-process.ts'
import type { PlacedProject } from '../support/places.ts'
import { campaignProject } from './campaign.ts'

const TABLE = { table_name: 't', source_path_pattern: '*.csv', watch: { settle_seconds: 0, poll_interval_seconds: 86_400 } }
const CONFIG = { http: null, max_parallel_jobs: 1, log_format: 'json', retry_backoff: { base_seconds: 0.2, factor: 1, max_seconds: 1 } }

/** Daemons of a place, which lists buckets again soon. */
function fresh(): PlacedProject {
  const made = campaignProject({ ...CONFIG, tables: [TABLE] })
  if (made.place.source !== null)
    made.configure({ ...CONFIG, tables: [{ ...TABLE, watch: { settle_seconds: 0, poll_interval_seconds: 1 } }] })
  return made
}

const STEPS = ['after-admit', 'after-claim', 'after-stage', 'after-manifest', 'after-commit', 'before-settle', 'after-settle']

test('a load process that dies costs one attempt, and the files are tried again when that is due', async () => {
  const place = fresh()
  place.write('landing/1.csv', 'a\n1\n')
  await place.ready()
  const daemon = started(place, [], { INGEST_FAILPOINT: 'child:after-stage' })
  await daemon.logged('table ended')
  expect(daemon.text()).toContain('ING-ENGINE-CRASH')
  daemon.child.kill('SIGTERM')
  await daemon.ended
  // Each new process of that daemon dies at the same place; another daemon goes on where it ended.
  const next = started(place)
  await next.logged('batch committed').catch(() => undefined)
  await eventually(
    () => states(place),
    (found) => found.includes('1.csv completed'),
  )
  next.child.kill('SIGTERM')
  expect(await next.ended).toEqual([0, null])
})

test.each(STEPS)('a daemon that is killed %s is followed by one that loads each file once', async (step) => {
  const place = fresh()
  for (const name of ['1', '2', '3']) place.write(`landing/${name}.csv`, `a\n${name}\n`)
  await place.ready()
  const killed = started(place, [], { INGEST_FAILPOINT: step })
  await killed.ended
  const next = started(place)
  // Behind the last step nothing is left for it to do.
  await next.logged('daemon started')
  await eventually(
    () => states(place),
    (found) => found.length === 3 && found.every((state) => state.endsWith('completed')),
  )
  next.child.kill('SIGTERM')
  expect(await next.ended).toEqual([0, null])
  expect(await place.json(['query', 'select count(*)::int as n from "default".t'])).toEqual([{ n: 3 }])
})
