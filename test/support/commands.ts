import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Finished } from './project.ts'

const SERVER = fileURLToPath(new URL('./commands.mjs', import.meta.url))
/** As commands.mjs writes it behind what a command printed. */
const END = '\u0000end\u0000'

let server: ChildProcess | undefined
let last: Promise<unknown> = Promise.resolve()

/** Runs a command line in the process of all commands of this test file, one at a time; it ends with the tests. */
export function command(args: readonly string[]): Promise<Finished> {
  const next = last.catch(() => undefined).then(() => ask(running(), args))
  last = next
  return next
}

function running(): ChildProcess {
  if (server?.connected) return server
  // No execArgv of vitest. In no folder that a test removes.
  server = fork(SERVER, [], { cwd: '/', execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  return server
}

async function ask(child: ChildProcess, args: readonly string[]): Promise<Finished> {
  const outputs = [textOf(child, 'stdout'), textOf(child, 'stderr')] as const
  const answer = new Promise<Pick<Finished, 'code' | 'signal'>>((resolve) => {
    child.once('message', (message) => resolve({ code: (message as { code: number }).code, signal: null }))
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  child.send({ args })
  const ended = await answer
  const [stdout, stderr] = await Promise.all(outputs)
  for (const event of ['message', 'exit']) child.removeAllListeners(event)
  return { ...ended, stdout, stderr }
}

function textOf(child: ChildProcess, name: 'stdout' | 'stderr'): Promise<string> {
  const stream = child[name]
  if (stream === null) throw new Error(`the commands have no ${name}`)
  stream.setEncoding('utf8')
  return new Promise((resolve) => {
    let text = ''
    const take = (chunk: string): void => {
      text += chunk
      if (text.endsWith(END)) done()
    }
    const done = (): void => {
      stream.off('data', take).off('close', done)
      resolve(text.endsWith(END) ? text.slice(0, -END.length) : text)
    }
    stream.on('data', take).on('close', done)
  })
}
