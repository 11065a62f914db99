import { finished, type Project } from './project.ts'

interface Answer {
  readonly status: number
  readonly text: string
}

export interface Served extends AsyncDisposable {
  readonly url: string
  readonly get: (path: string, token?: string) => Promise<Answer>
  /** Waits until something holds; fails with what the daemon said. */
  readonly until: (holds: () => Promise<boolean>) => Promise<void>
  /** What it wrote, so far or in all. */
  readonly said: () => string
}

const PATIENCE_MS = 20_000

/** A daemon that serves on a port that is free; stopped by SIGTERM. */
export async function served(at: Project, env: Record<string, string> = {}): Promise<Served> {
  const child = at.start(['daemon'], env)
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (text: Buffer) => {
      said += text.toString()
    })
  const ended = finished(child)
  const url = async () => {
    const status = await at.json<{ daemons: readonly { http: string | null }[] }>(['status'], env)
    return status.daemons[0]?.http ?? undefined
  }
  const until = async (holds: () => Promise<boolean>) => {
    const since = Date.now()
    while (!(await holds())) {
      if (Date.now() - since > PATIENCE_MS || child.exitCode !== null) throw new Error(`it did not come about: ${said}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  let address: string | undefined
  await until(async () => {
    address = await url()
    return address !== undefined
  })
  return {
    url: address ?? '',
    get: async (path, token) => {
      const answer = await fetch(`${address}${path}`, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })
      return { status: answer.status, text: await answer.text() }
    },
    until,
    said: () => said,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}
