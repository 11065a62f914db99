import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { MAINTENANCE_FAILPOINTS } from '../../src/lib/failpoint.ts'
import type { PlacedProject } from '../support/places.ts'
import { finished, logActions } from '../support/project.ts'
import { crash, expectComplete, expectRows, finish, loadedConfig, loadedProject } from './campaign.ts'

/** Data files that no version of the log names, and what rewrites left under `_ingestd`. */
async function leftovers(made: PlacedProject): Promise<readonly string[]> {
  const table = await made.table('orders')
  const named = new Set(
    logActions(table).flatMap(({ action }) => (action['add'] ? [decodeURIComponent(String(action['add']['path']))] : [])),
  )
  const orphans = readdirSync(table).filter((name) => name.endsWith('.parquet') && !named.has(name))
  const own = ['stage', 'rewrites'].flatMap((folder) => {
    const path = join(table, '_ingestd', folder)
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
  const made = loadedProject()
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
  expect(await leftovers(made)).toEqual([])
})

test.each(MAINTENANCE_FAILPOINTS.filter((name) => name.startsWith('vacuum')))('a kill at %s costs no live file', async (name) => {
  const made = loadedProject()
  expect((await made.command(['run', '--optimize'])).code).toBe(0)
  expect((await made.run(['vacuum', '--retention', '0s', '--force'], { INGEST_FAILPOINT: `${name}:1` })).signal).toBe('SIGKILL')
  await finish(made)
  await expectComplete(made)
  expect((await made.command(['vacuum', '--retention', '0s', '--force'])).code).toBe(0)
  await expectComplete(made)
  expect(readdirSync(await made.table('orders')).filter((file) => file.endsWith('.parquet'))).toHaveLength(1)
})

test('a load process that dies while files are put together is an error of that work alone', async () => {
  const made = loadedProject()
  const { code, stdout } = await made.run(['run', '--optimize', '--json'], { INGEST_FAILPOINT: 'child:optimize-after-publish:1' })
  expect(code).toBe(1)
  expect(stdout).toContain('ING-ENGINE-CRASH')
  await finish(made)
  await expectComplete(made)
})

test('a kill while the log is cleaned leaves one that opens, without a gap', async () => {
  const made = loadedProject()
  expect(await crash(made, { failpoint: 'after-settle:4' })).toBe(true)
  const { tables } = loadedConfig()
  made.configure({ tables: tables.map((table) => ({ ...table, delta: { ...table.delta, log_retention: '0 seconds' } })) })
  expect(await crash(made, { failpoint: 'log-cleanup-half-way:1' })).toBe(true)
  expect(existsSync(join(await made.table('orders'), '_delta_log', `${'0'.padStart(20, '0')}.json`))).toBe(false)
  await finish(made)
  await expectRows(made)
  const versions = [...new Set(logActions(await made.table('orders')).map(({ version }) => version))]
  expect(versions).toEqual(versions.map((_, index) => (versions[0] ?? 0) + index))
})

test('optimize and vacuum beside loads that are killed at random lose nothing and double nothing', async () => {
  const made = loadedProject()
  await made.ready()
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
