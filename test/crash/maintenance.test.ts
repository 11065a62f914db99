import { existsSync, readdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { MAINTENANCE_FAILPOINTS } from '../../src/lib/failpoint.ts'
import { finished, logActions, type Project } from '../support/project.ts'
import { crash, expectComplete, finish, loadedProject } from './campaign.ts'

function fresh(): Project {
  const made = loadedProject()
  onTestFinished(() => made.remove())
  return made
}

const table = (made: Project) => made.path('tables/default/orders')

/** Data files that no version of the log names, and what rewrites left under `_ingestd`. */
function leftovers(made: Project): readonly string[] {
  const named = new Set(
    logActions(table(made)).flatMap(({ action }) => (action['add'] ? [decodeURIComponent(String(action['add']['path']))] : [])),
  )
  const orphans = readdirSync(table(made)).filter((name) => name.endsWith('.parquet') && !named.has(name))
  const own = ['stage', 'rewrites'].flatMap((folder) => {
    const path = join(table(made), '_ingestd', folder)
    return existsSync(path) ? readdirSync(path) : []
  })
  return [...orphans, ...own]
}

const OPTIMIZE = [
  ...MAINTENANCE_FAILPOINTS.filter((name) => name.startsWith('optimize')),
  'commit-before-link:6',
  'commit-after-link:6',
] as const

test.each(OPTIMIZE)('a kill at %s while files are put together loses nothing and doubles nothing', async (name) => {
  const made = fresh()
  expect(await crash(made, { failpoint: name.includes(':') ? name : `${name}:1` }, ['--optimize'])).toBe(true)
  await finish(made)
  await expectComplete(made)
  // The first run cancels what the dead one had begun; once the log is longer, another clears it away.
  expect((await made.command(['optimize'])).code).toBe(0)
  await finish(made)
  await expectComplete(made)
  made.write('landing/orders/empty.csv', 'id,name,amount\n')
  await finish(made)
  await finish(made)
  expect(leftovers(made)).toEqual([])
})

test.each(MAINTENANCE_FAILPOINTS.filter((name) => name.startsWith('vacuum')))('a kill at %s costs no live file', async (name) => {
  const made = fresh()
  expect((await made.command(['run', '--optimize'])).code).toBe(0)
  const child = made.start(['vacuum', '--retention', '0s', '--force'], { INGEST_FAILPOINT: `${name}:1` })
  expect((await finished(child)).signal).toBe('SIGKILL')
  await finish(made)
  await expectComplete(made)
  expect((await made.command(['vacuum', '--retention', '0s', '--force'])).code).toBe(0)
  await expectComplete(made)
  expect(readdirSync(table(made)).filter((file) => file.endsWith('.parquet'))).toHaveLength(1)
})

test('a load process that dies while files are put together is an error of that work alone', async () => {
  const made = fresh()
  const { code, stdout } = await made.run(['run', '--optimize', '--json'], { INGEST_FAILPOINT: 'child:optimize-after-publish:1' })
  expect(code).toBe(1)
  expect(stdout).toContain('ING-ENGINE-CRASH')
  await finish(made)
  await expectComplete(made)
})

test('a kill while the log is cleaned leaves one that opens, without a gap', async () => {
  const made = fresh()
  expect(await crash(made, { failpoint: 'after-settle:4' })).toBe(true)
  const log = join(table(made), '_delta_log')
  for (const name of readdirSync(log)) utimesSync(join(log, name), 1, 1)
  expect(await crash(made, { failpoint: 'log-cleanup-half-way:1' })).toBe(true)
  expect(existsSync(join(log, `${'0'.padStart(20, '0')}.json`))).toBe(false)
  await finish(made)
  const [row] = await made.json<Record<string, string>[]>([
    'query',
    'select count(*)::varchar as rows, count(distinct id)::varchar as ids from default.orders',
  ])
  expect(row).toEqual({ rows: '1000', ids: '1000' })
  const versions = [...new Set(logActions(table(made)).map(({ version }) => version))]
  expect(versions).toEqual(versions.map((_, index) => (versions[0] ?? 0) + index))
})

test('optimize and vacuum beside loads that are killed at random lose nothing and double nothing', async () => {
  const made = fresh()
  for (let round = 0; round < 6; round += 1) {
    const maintenance = (async () => {
      for (let again = 0; again < 3; again += 1) {
        const child = made.start(['optimize', '--target-size', '2kB'])
        const ended = finished(child)
        setTimeout(() => child.pid !== undefined && child.exitCode === null && process.kill(-child.pid, 'SIGKILL'), 250 + 90 * round)
        await ended
        await made.command(['vacuum', '--retention', '0s', '--force'])
      }
    })()
    await crash(made, { afterMs: 350 + 120 * round }, ['--optimize'])
    await maintenance
  }
  await finish(made)
  await expectComplete(made)
})
