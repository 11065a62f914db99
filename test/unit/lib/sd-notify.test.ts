import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { noteLines, notifyService, watchdogMs } from '../../../src/lib/sd-notify.ts'

const has = (program: string, ...args: readonly string[]) => spawnSync(program, args).status === 0

test('states and a status become assignments of the protocol', () => {
  expect(noteLines({ state: 'ready', status: '3 tables\nand more' })).toEqual(['READY=1', 'STATUS=3 tables and more'])
  expect(noteLines({ state: 'stopping' })).toEqual(['STOPPING=1'])
  const [reloading, at] = noteLines({ state: 'reloading' })
  expect([reloading, at?.replace(/\d+$/, 'N')]).toEqual(['RELOADING=1', 'MONOTONIC_USEC=N'])
})

test('the interval of the watchdog is that of this process alone', () => {
  expect(watchdogMs({ WATCHDOG_USEC: '30000000' }, 7)).toBe(30_000)
  expect(watchdogMs({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, 7)).toBe(30_000)
  expect(watchdogMs({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8' }, 7)).toBeUndefined()
  expect(watchdogMs({}, 7)).toBeUndefined()
})

test('without systemd nothing is told, and a socket that nobody listens on is no error of the service', async () => {
  expect(await notifyService({ state: 'ready' }, {})).toBeUndefined()
  expect(await notifyService({ state: 'ready' }, { ...process.env, NOTIFY_SOCKET: '/nonexistent/socket' })).toBeInstanceOf(Error)
})

/** Prints each datagram that comes to a socket; the barrier of systemd-notify is its closing of what came with one. */
const LISTENER = `
import os, socket, sys, array
path = sys.argv[1]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind('\\0' + path[1:] if path.startswith('@') else path)
print('listening', flush=True)
while True:
    data, fds, _, _ = socket.recv_fds(s, 4096, 4)
    for fd in fds: os.close(fd)
    if data != b'BARRIER=1': print(data.decode().replace('\\n', ' '), flush=True)
`

test.skipIf(!has('systemd-notify', '--version') || !has('python3', '--version')).each(['a file', 'an abstract name'])(
  'systemd hears it on a socket that is %s',
  async (kind) => {
    const folder = mkdtempSync(join(tmpdir(), 'ingestd-notify-'))
    const socket = kind === 'a file' ? join(folder, 'notify') : `@${folder}`
    const listener = spawn('python3', ['-c', LISTENER, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => {
      listener.kill()
      rmSync(folder, { recursive: true })
    })
    let heard = ''
    listener.stdout.setEncoding('utf8').on('data', (text: string) => {
      heard += text
    })
    await expect.poll(() => heard, { timeout: 10_000 }).toBe('listening\n')
    expect(await notifyService({ state: 'ready', status: 'loading 2 tables' }, { ...process.env, NOTIFY_SOCKET: socket })).toBeUndefined()
    await expect.poll(() => heard, { timeout: 10_000 }).toBe('listening\nREADY=1 STATUS=loading 2 tables\n')
  },
)
