import { appendFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { waitForSettled } from '../../../src/watcher/settle.ts'
import { land, landingFolder, listerOf, listing } from './support.ts'

const never = new AbortController().signal

it('files that have become complete are taken, those that grow are still changing, and those that went away are forgotten', async () => {
  const root = landingFolder()
  for (const name of ['calm.csv', 'grows.csv', 'gone.csv']) land(join(root, name), 'x', Date.now())
  const lister = listerOf(`${root}/*.csv`, { settleMs: 300 })
  const { waiting } = await listing(lister)
  expect(waiting).toHaveLength(3)
  const settled = waitForSettled(lister, waiting, 10_000, never)
  await setTimeout(150)
  appendFileSync(join(root, 'grows.csv'), 'y')
  rmSync(join(root, 'gone.csv'))
  const { complete, changing } = await settled
  expect(complete.map((file) => file.path)).toEqual([join(root, 'calm.csv')])
  expect(changing.map(({ file, reason }) => [file.path, file.size, reason])).toEqual([[join(root, 'grows.csv'), 2n, 'settling']])
})

it('a file dated in the future settles like any other', async () => {
  const root = landingFolder()
  land(join(root, 'a.csv'), 'x', Date.now() + 9e9)
  const lister = listerOf(`${root}/*.csv`, { settleMs: 200 })
  const { waiting } = await listing(lister)
  expect(waiting).toHaveLength(1)
  expect((await waitForSettled(lister, waiting, 10_000, never)).complete).toHaveLength(1)
})

it('nobody waits for a marker, but one that came meanwhile counts', async () => {
  const root = landingFolder()
  for (const name of ['a.csv', 'b.csv']) land(join(root, name))
  const lister = listerOf(`${root}/*.csv`, { marker: '{name}.done' })
  const { waiting } = await listing(lister)
  land(join(root, 'a.csv.done'))
  const started = performance.now()
  const { complete, changing } = await waitForSettled(lister, waiting, 60_000, never)
  expect(performance.now() - started).toBeLessThan(1000)
  expect(complete.map((file) => file.path)).toEqual([join(root, 'a.csv')])
  expect(changing.map(({ file, reason }) => [file.path, reason])).toEqual([[join(root, 'b.csv'), 'marker']])
})

it('the wait ends at its limit and with its signal', async () => {
  const root = landingFolder()
  land(join(root, 'a.csv'), 'x', Date.now())
  const lister = listerOf(`${root}/*.csv`, { settleMs: 60_000 })
  const { waiting } = await listing(lister)
  const { complete, changing } = await waitForSettled(lister, waiting, 20, never)
  expect([complete.length, changing.length]).toEqual([0, 1])
  await expect(waitForSettled(lister, waiting, 60_000, AbortSignal.timeout(20))).rejects.toMatchObject({ name: 'AbortError' })
})
