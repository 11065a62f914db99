import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { isSpent } from '../../../src/app/pool.ts'
import { Child } from '../../../src/engine/child.ts'

/** Answers `pid`, spins for ever, or sleeps until it is interrupted. */
const PROGRAM = `
let ended
process.on('disconnect', () => process.exit(0))
process.on('message', (message) => {
  const { id, method } = message
  const answer = (result) => process.send({ id, result, resident: process.memoryUsage.rss() })
  if (message.interrupt) ended?.()
  else if (method === 'pid') answer(process.pid)
  else if (method === 'hang') for (;;);
  else if (method === 'die') process.kill(process.pid, 'SIGSEGV')
  else if (method === 'sleep') ended = () => process.send({ id, error: { class: 'Error', message: 'interrupted' } , resident: 1 })
})
`

function child(graceMs?: number): Child {
  const folder = mkdtempSync(join(tmpdir(), 'ingestd-child-'))
  const file = join(folder, 'program.mjs')
  writeFileSync(file, PROGRAM)
  const made = new Child(pathToFileURL(file), {}, graceMs)
  onTestFinished(async () => {
    await made.retire()
    rmSync(folder, { recursive: true })
  })
  return made
}

test('a call that takes too long and cannot be interrupted ends with its process; the next one has another', async () => {
  const one = child()
  const first = await one.call('pid', null)
  await expect(one.call('hang', null, { timeoutMs: 100 })).rejects.toMatchObject({ code: 'ING-FILE-TIMEOUT', retry: 'later' })
  expect(await one.call('pid', null)).not.toBe(first)
})

test('a call that is aborted ends with its process after the time that it was given', async () => {
  const aborting = new AbortController()
  const call = child(50).call('hang', null, { signal: aborting.signal })
  const from = performance.now()
  aborting.abort()
  await expect(call).rejects.toMatchObject({ code: 'ING-ENGINE-CRASH' })
  // Unless it is said, it has ten seconds.
  expect(performance.now() - from).toBeLessThan(9000)
})

test('a call that ends when it is interrupted leaves its process alone, and the calls after it', async () => {
  const one = child()
  const first = await one.call('pid', null)
  await expect(one.call('sleep', null, { timeoutMs: 50 })).rejects.toThrow('interrupted')
  // Longer than an interrupted call has to end.
  await sleep(150)
  expect(await one.call('pid', null)).toBe(first)
})

test('a time limit of months is none', async () => {
  expect(await child().call('pid', null, { timeoutMs: 2 ** 40 })).toEqual(expect.any(Number))
})

test('a process that dies says how', async () => {
  await expect(child().call('die', null)).rejects.toMatchObject({
    code: 'ING-ENGINE-CRASH',
    message: 'the load process died: it was ended by SIGSEGV',
  })
})

test('a process tells its age and its size, and is replaced after it was retired', async () => {
  const one = child()
  const first = await one.call('pid', null)
  expect(one.residentBytes).toBeGreaterThan(10_000_000)
  expect(one.ageMs).toBeGreaterThan(0)
  await one.retire()
  expect([one.ageMs, one.residentBytes]).toEqual([0, 0])
  expect(() => process.kill(Number(first), 0)).toThrow()
  expect(await one.call('pid', null)).not.toBe(first)
})

test('a process is spent when it is old, or keeps more than half of its memory', () => {
  const gib = 2 ** 30
  expect(isSpent({ ageMs: 1000, residentBytes: gib }, { memoryBytes: 2 * gib })).toBe(false)
  expect(isSpent({ ageMs: 1000, residentBytes: 1.6 * gib }, { memoryBytes: 2 * gib })).toBe(true)
  expect(isSpent({ ageMs: 3_600_001, residentBytes: 0 }, { memoryBytes: 2 * gib })).toBe(true)
})
