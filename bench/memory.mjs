// The memory of a command and of the load processes that it does not wait for.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** The largest resident set of the command and of its load processes, which it does not wait for at its end. */
export async function watched(args) {
  const started = performance.now()
  const command = spawn(process.execPath, args, { stdio: 'ignore' })
  let peakMiB = 0
  const timer = setInterval(() => {
    for (const pid of [command.pid, ...childrenOf(command.pid)]) peakMiB = Math.max(peakMiB, highWaterMiB(pid))
  }, 20)
  const code = await new Promise((resolve) => command.once('exit', resolve))
  clearInterval(timer)
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`)
  return { seconds: (performance.now() - started) / 1000, peakMiB }
}

function childrenOf(pid) {
  return proc(`${pid}/task/${pid}/children`).split(' ').filter(Boolean)
}

function highWaterMiB(pid) {
  return Number(/VmHWM:\s*(\d+)/.exec(proc(`${pid}/status`))?.[1] ?? 0) / 1024
}

function proc(path) {
  try {
    return readFileSync(`/proc/${path}`, 'utf8')
  } catch {
    // The process has ended.
    return ''
  }
}
