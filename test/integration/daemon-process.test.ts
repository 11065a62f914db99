import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { eventually } from '../support/daemon.ts'
import { started, states } from '../support/daemon-process.ts'
import { finished, project } from '../support/project.ts'

const TABLE = { table_name: 't', source_path_pattern: '*.csv', watch: { settle_seconds: 0, poll_interval_seconds: 86_400 } }
const CONFIG = { http: null, max_parallel_jobs: 1, log_format: 'json', retry_backoff: { base_seconds: 0.2, factor: 1, max_seconds: 1 } }

test('SIGTERM ends a daemon with 0, SIGINT with 130', async () => {
  const place = project({ ...CONFIG, tables: [TABLE] })
  place.write('landing/1.csv', 'a\n1\n')
  const first = started(place)
  await first.logged('table ended')
  first.child.kill('SIGTERM')
  expect(await first.ended).toEqual([0, null])
  expect(await states(place)).toEqual(['1.csv completed'])
  const second = started(place)
  await second.logged('daemon started')
  second.child.kill('SIGINT')
  expect(await second.ended).toEqual([130, null])
})

test('a daemon has a load process for a table that loads, and no more', async () => {
  const place = project({ ...CONFIG, max_parallel_jobs: 4, tables: [TABLE] })
  place.write('landing/1.csv', 'a\n1\n')
  const daemon = started(place)
  await daemon.logged('table ended')
  const { pid } = daemon.child
  expect(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')).toHaveLength(1)
  daemon.child.kill('SIGTERM')
  expect(await daemon.ended).toEqual([0, null])
})

test('SIGTERM releases what does not end within shutdown_timeout_seconds, and the next daemon loads it', async () => {
  const place = project({ ...CONFIG, shutdown_timeout_seconds: 1, tables: [TABLE] })
  place.write('landing/1.csv', 'a\n1\n')
  const hanging = started(place, [], { INGEST_FAULT: 'hang:1.csv' })
  await eventually(
    () => states(place),
    (files) => files[0] === '1.csv processing',
  )
  const from = performance.now()
  hanging.child.kill('SIGTERM')
  expect(await hanging.ended).toEqual([0, null])
  // A process that does not end by itself is otherwise killed ten seconds after it was told.
  expect(performance.now() - from).toBeLessThan(9000)
  expect(await states(place)).toEqual(['1.csv pending'])
  const next = started(place)
  await next.logged('table ended')
  next.child.kill('SIGTERM')
  expect(await next.ended).toEqual([0, null])
  expect(await states(place)).toEqual(['1.csv completed'])
})

test('a run that is interrupted gives back what is in flight, and exits 130', async () => {
  const place = project({ ...CONFIG, tables: [TABLE] })
  place.write('landing/1.csv', 'a\n1\n')
  const child = place.start(['run'], { INGEST_FAULT: 'hang:1.csv' })
  await eventually(
    () => states(place),
    (files) => files[0] === '1.csv processing',
  )
  child.kill('SIGINT')
  expect((await finished(child)).code).toBe(130)
  expect(await states(place)).toEqual(['1.csv pending'])
})

test('a second daemon on the tracker exits 4; with --standby it begins when the first is killed', async () => {
  const place = project({ ...CONFIG, tables: [TABLE] })
  place.write('landing/1.csv', 'a\n1\n')
  const first = started(place)
  await first.logged('table ended')
  const { code, stderr } = await place.run(['daemon'])
  expect([code, stderr]).toEqual([4, expect.stringContaining('ING-DAEMON-RUNNING')])
  const standby = started(place, ['--standby'])
  await standby.logged('another daemon has the tracker: waiting until it is gone')
  first.kill('SIGKILL')
  await standby.logged('daemon started')
  place.write('landing/2.csv', 'a\n2\n')
  await standby.logged('table ended')
  standby.child.kill('SIGTERM')
  expect(await standby.ended).toEqual([0, null])
  expect(await states(place)).toEqual(['1.csv completed', '2.csv completed'])
})

test('SIGHUP reads the config again: tables come, and a broken one changes nothing', async () => {
  const place = project({ ...CONFIG, tables: [TABLE] })
  place.write('landing/other/1.csv', 'a\n1\n')
  const daemon = started(place)
  await daemon.logged('daemon started')
  place.configure({ ...CONFIG, tables: [TABLE, { ...TABLE, table_name: 'other', source_path_pattern: 'other/*.csv' }] })
  daemon.child.kill('SIGHUP')
  await daemon.logged('the config was read again')
  await daemon.logged('table ended')
  place.configure({ ...CONFIG, tabels: [] })
  daemon.child.kill('SIGHUP')
  await daemon.logged('the config has errors: the old one stays in force')
  expect(daemon.text()).toContain('ING-CONFIG-UNKNOWN-KEY')
  place.write('landing/other/2.csv', 'a\n2\n')
  await eventually(
    async () => daemon.text().split('"msg":"table ended"').length,
    (count) => count === 3,
  )
  daemon.child.kill('SIGTERM')
  expect(await daemon.ended).toEqual([0, null])
})
