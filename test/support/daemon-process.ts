import { once } from 'node:events'
import { eventually } from './daemon.ts'
import type { Project } from './project.ts'

/** A daemon of the command line and what it logs. */
export function started(place: Project, args: readonly string[] = [], env: Record<string, string> = {}) {
  const child = place.start(['daemon', ...args], env)
  let text = ''
  child.stderr?.on('data', (part: Buffer) => {
    text += part.toString()
  })
  const logged = (message: string) =>
    eventually(
      async () => text,
      (log) => log.includes(`"msg":"${message}"`),
    )
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const kill = (signal: NodeJS.Signals) => process.kill(-(child.pid ?? 0), signal)
  return { child, logged, ended, kill, text: () => text }
}

/** `name status` of each tracked file. */
export const states = async (place: Project) =>
  (await place.json<{ file_path: string; status: string }[]>(['files'])).map(
    ({ file_path: path, status }) => `${path.split('/').at(-1)} ${status}`,
  )
