import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lockDaemon } from '../../../src/app/daemon-lock.ts'

let folder: string
let trackerFile: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ingestd-lock-'))
  trackerFile = join(folder, 'state/metadata.db')
})
afterEach(() => rmSync(folder, { recursive: true }))

const never = new AbortController().signal
const lock = (owner: string) => lockDaemon({ trackerFile, owner, signal: never })

test('a second daemon is refused, and told who is there; after the first there is room', async () => {
  const held = await lock('host:1:a')
  await expect(lock('host:2:b')).rejects.toMatchObject({
    code: 'ING-DAEMON-RUNNING',
    message: `a daemon is running with the tracker ${trackerFile} already: pid 1 on host`,
  })
  held?.[Symbol.dispose]()
  const next = await lock('host:2:b')
  await expect(lock('host:3:c')).rejects.toThrow('pid 2 on host')
  next?.[Symbol.dispose]()
})

test('one that waits takes over when the other is gone, and is told once that it waits', async () => {
  const held = await lock('host:1:a')
  const waits: string[] = []
  const waiting = lockDaemon({ trackerFile, owner: 'host:2:b', standby: true, signal: never, onWait: (holder) => waits.push(holder) })
  await expect.poll(() => waits).toEqual(['pid 1 on host'])
  held?.[Symbol.dispose]()
  const next = await waiting
  expect(next?.isIntact()).toBe(true)
  expect(waits).toHaveLength(1)
  next?.[Symbol.dispose]()
})

test('one that waits and is stopped has no lock', async () => {
  using held = await lock('host:1:a')
  const stop = new AbortController()
  const waiting = lockDaemon({ trackerFile, owner: 'host:2:b', standby: true, signal: stop.signal, onWait: () => stop.abort() })
  expect(await waiting).toBeUndefined()
  expect(held?.isIntact()).toBe(true)
})

test('the lock of a process that is killed is free at once, whoever has its pid by then', async () => {
  const module = pathToFileURL(join(import.meta.dirname, '../../../node_modules/better-sqlite3/lib/index.js')).href
  // What the lock is made of, held by another process under the pid of this one.
  const program = `
    const { default: Database } = await import(${JSON.stringify(module)})
    const database = new Database(${JSON.stringify(`${trackerFile}-daemon`)})
    database.exec("update lock set holder = 'host:${process.pid}:z'")
    database.exec('begin immediate')
    console.log('held')
    setInterval(() => {}, 1000)`
  const first = await lock('host:1:a')
  first?.[Symbol.dispose]()
  const other = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => other.stdout.once('data', resolve))
  await expect(lock('host:2:b')).rejects.toThrow(`pid ${process.pid} on host`)
  const ended = new Promise((resolve) => other.once('exit', resolve))
  other.kill('SIGKILL')
  await ended
  using held = await lock('host:2:b')
  expect(held?.isIntact()).toBe(true)
})

test('a lock whose file was deleted is not intact', async () => {
  using held = await lock('host:1:a')
  rmSync(`${trackerFile}-daemon`)
  expect(held?.isIntact()).toBe(false)
  using other = await lock('host:2:b')
  expect([held?.isIntact(), other?.isIntact()]).toEqual([false, true])
})
