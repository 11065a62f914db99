import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import BetterSqlite from 'better-sqlite3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Ingest } from '../../src/index.ts'
import { Project } from '../support/project.ts'

const TABLES = [{ table_name: 'a', source_path_pattern: 'a/*.csv', watch: { settle_seconds: 0 } }]
const here = new Project({ tables: TABLES })
let ingest: Ingest

async function opened(config: Record<string, unknown> = {}): Promise<Ingest> {
  here.configure({ tables: TABLES, ...config })
  const { createIngest }: typeof import('../../src/index.ts') = await import(new URL('../../dist/index.js', import.meta.url).href)
  return createIngest({ configFile: here.path('ingest.yaml'), logLevel: 'ERROR' })
}

beforeAll(async () => {
  ingest = await opened()
  for (const number of [1, 2, 3]) {
    here.write('landing/a/1.csv', `id\n${number}\n`)
    here.write(`landing/a/more-${number}.csv`, `id\n${number}\n`)
    await ingest.run()
  }
})
afterAll(async () => {
  await ingest[Symbol.asyncDispose]()
  here.remove()
})

test('a backup is a database of its own, from which the tracker goes on', async () => {
  const { file, bytes } = await ingest.tracker.backup()
  expect(file).toMatch(/\/state\/backups\/metadata-20\d\d-.*Z\.db$/)
  expect(bytes).toBeGreaterThan(0)
  expect(readdirSync(here.path('state/backups'))).toHaveLength(1)
  here.write('landing/a/after-backup.csv', 'id\n9\n')
  expect((await ingest.run()).totals.files).toBe(1)
  await ingest[Symbol.asyncDispose]()
  for (const name of readdirSync(here.path('state')).filter((one) => one.startsWith('metadata.db'))) rmSync(here.path('state', name))
  cpSync(file, here.path('state/metadata.db'))
  ingest = await opened()
  expect((await ingest.run()).totals).toMatchObject({ error: 0, files: 0 })
  expect(await ingest.verify()).toMatchObject({ ok: true })
})

test('a backup overwrites nothing, and there must be a tracker', async () => {
  const file = here.write('taken.db', 'x')
  await expect(ingest.tracker.backup({ file })).rejects.toMatchObject({ code: 'ING-TRACKER-BACKUP' })
  const { code, stderr } = await here.command(['tracker', 'backup', '--var', 'checkpoint_path=./none'])
  expect(code).toBe(2)
  expect(stderr).toContain('there is no tracker')
  expect(existsSync(here.path('none'))).toBe(false)
})

test('with backup_tracker_before_run the tracker is copied before each run, and the newest ten are kept', async () => {
  await using careful = await opened({ backup_tracker_before_run: true })
  const before = (await ingest.tracker.backup()).file
  for (let number = 0; number < 11; number += 1) await careful.run()
  const names = readdirSync(here.path('state/backups'))
  expect(names.filter((name) => name.startsWith('metadata-before-run-'))).toHaveLength(10)
  expect(names).toContain(before.split('/').at(-1))
  await careful.run({ dryRun: true })
  expect(readdirSync(here.path('state/backups'))).toEqual(names)
})

function count(table: string): number {
  const database = new BetterSqlite(here.path('state/metadata.db'), { readonly: true })
  try {
    return Number(Object.values(database.prepare(`select count(*) as n from file_processing_tracker${table}`).get() as object)[0])
  } finally {
    database.close()
  }
}

function age(days: number): void {
  const database = new BetterSqlite(here.path('state/metadata.db'))
  const ms = days * 86_400_000
  database.exec(`update file_processing_tracker_history set at = at - ${ms};
    update file_processing_tracker_batches set started_at = started_at - ${ms}, ended_at = ended_at - ${ms}`)
  database.close()
}

test('prune forgets old history, and no file: nothing is loaded again', async () => {
  age(40)
  const [files, events] = [count(''), count('_history')]
  const foreseen = await ingest.tracker.prune({ olderThanDays: 30, dryRun: true })
  expect(foreseen).toMatchObject({ dry_run: true })
  expect(foreseen.events).toBeGreaterThan(0)
  expect(count('_history')).toBe(events)
  expect(await ingest.tracker.prune({ olderThanDays: 30 })).toMatchObject({ events: foreseen.events, batches: foreseen.batches })
  // The last move of each file tells how it came to what it is.
  expect(count('_history')).toBe(files)
  expect(count('')).toBe(files)
  expect((await ingest.run()).totals).toMatchObject({ error: 0, files: 0 })
  expect(await ingest.verify()).toMatchObject({ ok: true })
  expect(await ingest.tracker.prune({ olderThanDays: 30 })).toMatchObject({ events: 0, batches: 0 })
  await expect(ingest.tracker.prune()).rejects.toMatchObject({ code: 'ING-TRACKER-RETENTION' })
  expect((await here.command(['tracker', 'prune', '--older-than', '0'])).code).toBe(2)
})

test('with tracker_retention_days each run forgets what is older', async () => {
  here.write('landing/a/late.csv', 'id\n7\n')
  await ingest.run()
  age(40)
  const events = count('_history')
  await using forgetful = await opened({ tracker_retention_days: 30 })
  await forgetful.run()
  expect(count('_history')).toBeLessThan(events)
})
