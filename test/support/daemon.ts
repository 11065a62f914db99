import { setTimeout as sleep } from 'node:timers/promises'
import { createIngest, type RunEvent } from 'ingestd'
import { onTestFinished } from 'vitest'
import type { Landing } from './landing.ts'

/** A daemon of the library that runs while a test does. */
export interface Running {
  readonly events: RunEvent[]
  /** `name status` of each tracked file. */
  states(): Promise<readonly string[]>
  /** Settles as the daemon ends. */
  readonly ended: Promise<void>
  stop(): Promise<void>
}

/** Starts a daemon on the landing's tables; `http` is off unless the config has it. */
export async function daemon(landing: Landing): Promise<Running> {
  const ingest = await createIngest({ config: { http: null, ...landing.config }, logTo: () => {} })
  const stopping = new AbortController()
  const events: RunEvent[] = []
  const ended = ingest.daemon({ signal: stopping.signal, onEvent: (event) => events.push(event) })
  // Whoever is interested awaits it.
  ended.catch(() => undefined)
  const stop = async () => {
    stopping.abort()
    try {
      await ended
    } finally {
      await ingest[Symbol.asyncDispose]()
    }
  }
  onTestFinished(() => stop().catch(() => undefined))
  const states = async () => {
    const found: string[] = []
    for await (const { file_path: path, status } of ingest.files())
      found.push(`${path.slice(landing.path('landing').length + 1)} ${status}`)
    return found
  }
  return { events, ended, states, stop }
}

/** Asks until the answer is as wanted; says the last one when it does not come. */
export async function eventually<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean, ms = 15_000): Promise<T> {
  const until = performance.now() + ms
  for (;;) {
    const answer = await ask()
    if (wanted(answer)) return answer
    if (performance.now() > until) throw new Error(`after ${ms} ms it is still ${JSON.stringify(answer)}`)
    await sleep(25)
  }
}
