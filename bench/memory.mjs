// The memory and the processor time of a command and of the load processes that it does not wait for.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

const TICKS = 100

/** The largest resident set of the command and of its load processes, which it does not wait for at its end, and the time that they computed. */
export async function watched(args) {
  const started = performance.now()
  const command = spawn(process.execPath, args, { stdio: 'ignore' })
  let peakMiB = 0
  const computed = new Map()
  const timer = setInterval(() => {
    for (const pid of [command.pid, ...childrenOf(command.pid)]) {
      peakMiB = Math.max(peakMiB, highWaterMiB(pid))
      computed.set(pid, Math.max(computed.get(pid) ?? 0, processorSeconds(pid)))
    }
  }, 20)
  const code = await new Promise((resolve) => command.once('exit', resolve))
  clearInterval(timer)
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`)
  const seconds = (performance.now() - started) / 1000
  return { seconds, peakMiB, cpu: [...computed.values()].reduce((sum, one) => sum + one, 0) }
}

function childrenOf(pid) {
  return proc(`${pid}/task/${pid}/children`).split(' ').filter(Boolean)
}

function highWaterMiB(pid) {
  return Number(/VmHWM:\s*(\d+)/.exec(proc(`${pid}/status`))?.[1] ?? 0) / 1024
}

/** Of the process and its threads so far. */
export function processorSeconds(pid) {
  const fields = proc(`${pid}/stat`).split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS
}

function proc(path) {
  try {
    return readFileSync(`/proc/${path}`, 'utf8')
  } catch {
    // The process has ended.
    return ''
  }
}
