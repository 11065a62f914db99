import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createIngest } from 'ingestd'
import { expect, test } from 'vitest'
import { daemon, eventually, type Running } from '../support/daemon.ts'
import { Landing } from '../support/landing.ts'

/** So rarely that a test sees what events alone do. */
const RARELY = 86_400

const watched = (more: Record<string, unknown> = {}) => ({ watch: { settle_seconds: 0, poll_interval_seconds: RARELY, ...more } })

/** The daemon has listed all tables once. */
const listed = (running: Running, tables = 1) =>
  eventually(
    async () => running.events.filter(({ kind }) => kind === 'tableEnded').length,
    (ended) => ended >= tables,
  )

const completed = (running: Running, ...names: readonly string[]) =>
  eventually(
    () => running.states(),
    (states) => names.every((name) => states.includes(`${name} completed`)),
  )

test('a file is loaded when it lands, told by an event', async () => {
  const landing = new Landing(watched())
  landing.land('before.csv', 'a\n1\n')
  const running = await daemon(landing)
  await completed(running, 'before.csv')
  landing.land('after.csv', 'a\n2\n')
  await completed(running, 'after.csv')
  await running.stop()
  expect(await landing.rows()).toEqual([{ a: '1' }, { a: '2' }])
})

test('files in folders that are made later, and under the name of a folder that was there before, are heard of', async () => {
  const landing = new Landing({ source_path_pattern: '**/*.csv', ...watched() })
  landing.land('old/1.csv', 'a\n1\n')
  const running = await daemon(landing)
  await completed(running, 'old/1.csv')
  landing.land('x/y/z/2.csv', 'a\n2\n')
  await completed(running, 'x/y/z/2.csv')
  landing.land('x/y/z/3.csv', 'a\n3\n')
  await completed(running, 'x/y/z/3.csv')
  rmSync(landing.path('landing/old'), { recursive: true })
  landing.land('old/4.csv', 'a\n4\n')
  await completed(running, 'old/4.csv')
  landing.land('old/5.csv', 'a\n5\n')
  await completed(running, 'old/5.csv')
  await running.stop()
})

test('a landing folder may be missing at the start, vanish and come back', async () => {
  const landing = new Landing(watched())
  const running = await daemon(landing)
  await listed(running)
  landing.land('1.csv', 'a\n1\n')
  await completed(running, '1.csv')
  renameSync(landing.path('landing'), landing.path('elsewhere'))
  await sleep(100)
  landing.land('2.csv', 'a\n2\n')
  await completed(running, '2.csv')
  landing.land('3.csv', 'a\n3\n')
  await completed(running, '3.csv')
  await running.stop()
})

test('a table that is loaded anew each time keeps the files that no event told of', async () => {
  const landing = new Landing({ run_type: 'full_drop', ...watched() })
  landing.land('1.csv', 'a\n1\n')
  const running = await daemon(landing)
  await completed(running, '1.csv')
  landing.land('2.csv', 'a\n2\n')
  await completed(running, '1.csv', '2.csv')
  await running.stop()
  expect(await landing.rows()).toEqual([{ a: '1' }, { a: '2' }])
})

test('a file that grows is taken when it was left alone for settle_seconds, as a whole', async () => {
  const landing = new Landing(watched({ settle_seconds: 1 }))
  mkdirSync(landing.path('landing'))
  const running = await daemon(landing)
  await listed(running)
  const path = landing.land('1.csv', 'a\n1\n')
  for (let row = 2; row <= 5; row += 1) {
    await sleep(400)
    appendFileSync(path, `${row}\n`)
    expect(await running.states()).toEqual([])
  }
  await completed(running, '1.csv')
  await running.stop()
  expect(await landing.rows()).toEqual(['1', '2', '3', '4', '5'].map((a) => ({ a })))
})

test('without a time to settle, a file is taken when nothing is heard of it for a moment', async () => {
  const landing = new Landing(watched())
  mkdirSync(landing.path('landing'))
  const running = await daemon(landing)
  await listed(running)
  const path = landing.land('1.csv', 'a\n')
  for (let row = 1; row <= 100; row += 1) {
    appendFileSync(path, `${row}\n`)
    await sleep(2)
  }
  await completed(running, '1.csv')
  await running.stop()
  expect(await landing.rows('count(*)::int as n')).toEqual([{ n: 100 }])
})

test('a marker that comes later makes its file complete', async () => {
  const landing = new Landing(watched({ marker: '{name}.done' }))
  mkdirSync(landing.path('landing'))
  const running = await daemon(landing)
  await listed(running)
  landing.land('1.csv', 'a\n1\n')
  await sleep(300)
  expect(await running.states()).toEqual([])
  landing.land('1.csv.done', '')
  await completed(running, '1.csv')
  await running.stop()
})

test('a polled source is listed again and again', async () => {
  const landing = new Landing(watched({ mode: 'poll', poll_interval_seconds: 1 }))
  mkdirSync(landing.path('landing'))
  const running = await daemon(landing)
  await listed(running)
  landing.land('1.csv', 'a\n1\n')
  await completed(running, '1.csv')
  landing.land('2.csv', 'a\n2\n')
  await completed(running, '2.csv')
  await running.stop()
})

test('a source with a schedule is listed at its times alone', async () => {
  const landing = new Landing({})
  landing.config['tables'] = [
    { table_name: 'often', source_path_pattern: 'often/*.csv', ...watched({ cron: '*/2 * * * * *' }) },
    { table_name: 'rarely', source_path_pattern: 'rarely/*.csv', ...watched({ cron: '0 0 29 2 *' }) },
  ]
  landing.land('rarely/1.csv', 'a\n1\n')
  landing.land('often/1.csv', 'a\n1\n')
  const running = await daemon(landing)
  await completed(running, 'often/1.csv')
  landing.land('often/2.csv', 'a\n1\n')
  await completed(running, 'often/2.csv')
  expect((await running.states()).filter((state) => state.startsWith('rarely'))).toEqual([])
  await running.stop()
})

test('a table that is paused is left alone, and taken up when it is resumed', async () => {
  const landing = new Landing(watched())
  mkdirSync(landing.path('landing'))
  await landing.use((ingest) => ingest.pause())
  const running = await daemon(landing)
  await listed(running)
  landing.land('1.csv', 'a\n1\n')
  await sleep(300)
  expect(await running.states()).toEqual([])
  await landing.use((ingest) => ingest.resume())
  await completed(running, '1.csv')
  await running.stop()
})

test('files that another command makes pending are loaded', async () => {
  const landing = new Landing({ ...watched({ include_existing: false }) })
  landing.land('1.csv', 'a\n1\n')
  const running = await daemon(landing)
  await eventually(
    () => running.states(),
    (states) => states.includes('1.csv skipped'),
  )
  await landing.use((ingest) => ingest.retry({ status: 'skipped' }))
  await completed(running, '1.csv')
  await running.stop()
})

test('a table with much to load does not keep the others waiting', async () => {
  const landing = new Landing({})
  landing.config['tables'] = [
    { table_name: 'much', source_path_pattern: 'much/*.csv', max_files_per_batch: 1, ...watched() },
    { table_name: 'little', source_path_pattern: 'little/*.csv', ...watched() },
  ]
  for (let file = 0; file < 12; file += 1) landing.land(`much/${file}.csv`, 'a\n1\n')
  landing.land('little/1.csv', 'a\n1\n')
  const running = await daemon(landing)
  const batches = await eventually(
    async () => running.events.flatMap((event) => (event.kind === 'batchEnded' ? [event.table] : [])),
    (tables) => tables.length === 13,
  )
  await running.stop()
  expect(batches.indexOf('default.little')).toBe(4)
})

test('a daemon that is stopped finishes the batch that runs, and leaves the rest pending', async () => {
  const landing = new Landing({ max_files_per_batch: 1, ...watched() })
  for (let file = 0; file < 30; file += 1) landing.land(`${file}.csv`, 'a\n1\n')
  const running = await daemon(landing)
  await eventually(
    async () => running.events.filter(({ kind }) => kind === 'batchEnded').length,
    (ended) => ended >= 2,
  )
  await running.stop()
  const states = await landing.states()
  expect(states.filter((state) => state.endsWith('processing'))).toEqual([])
  expect(states.filter((state) => state.endsWith('pending')).length).toBeGreaterThan(0)
  const rows = await landing.rows('count(*)::int as n')
  expect(rows).toEqual([{ n: states.filter((state) => state.endsWith('completed')).length }])
})

test('a tracker that is deleted under a daemon ends it, before more is loaded', async () => {
  const landing = new Landing(watched())
  landing.land('1.csv', 'a\n1\n')
  const running = await daemon(landing)
  await completed(running, '1.csv')
  for (const suffix of ['', '-wal', '-shm']) rmSync(landing.path(`state/metadata.db${suffix}`), { force: true })
  await expect(running.ended).rejects.toMatchObject({ code: 'ING-TRACKER-UNAVAILABLE' })
})

test('a table that fails is tried again later, and its neighbour loads on', async () => {
  const landing = new Landing({}, { retry_backoff: { base_seconds: 1, factor: 1, max_seconds: 1 } })
  landing.config['tables'] = [
    { table_name: 'bad', source_path_pattern: 'bad/*.csv', target_path: landing.path('tables/bad'), ...watched() },
    { table_name: 'good', source_path_pattern: 'good/*.csv', ...watched() },
  ]
  // A file lies where the table's folder should be.
  mkdirSync(landing.path('tables'), { recursive: true })
  writeFileSync(landing.path('tables/bad'), '')
  landing.land('bad/1.csv', 'a\n1\n')
  landing.land('good/1.csv', 'a\n1\n')
  const running = await daemon(landing)
  await completed(running, 'good/1.csv')
  const failures = () => running.events.filter((event) => event.kind === 'tableEnded' && event.report.status === 'error').length
  await eventually(
    async () => failures(),
    (count) => count >= 1,
  )
  rmSync(landing.path('tables/bad'))
  await completed(running, 'bad/1.csv')
  expect(failures()).toBeLessThan(5)
  await running.stop()
})

test('a daemon that was told to stop before it began does nothing', async () => {
  const landing = new Landing(watched())
  await using ingest = await createIngest({ config: { http: null, ...landing.config } })
  await ingest.daemon({ signal: AbortSignal.abort() })
  expect(await landing.states()).toEqual([])
})
