import { toWire } from '../errors/wire.ts'
import { forgetModules } from '../lib/user-modules.ts'
import type { Request, Response } from './child.ts'

export interface Service {
  readonly methods: Readonly<Record<string, (argument: unknown, onProgress: (stage: string, fraction: number) => void) => Promise<unknown>>>
  /** Ends the statement that is running. */
  interrupt(): void
  /** Gives back all that it holds; the next start begins anew. */
  close(): Promise<void>
}

/** The other end of `Child`: answers calls until the parent is gone, then ends; nothing is left running without one. */
export function serve(start: (argument: unknown) => Promise<Service>): void {
  let service: Promise<Service> | undefined
  let closed = Promise.resolve()
  const release = async () => {
    const running = service
    service = undefined
    forgetModules()
    // One that did not start holds nothing.
    await running?.then((one) => one.close()).catch(() => undefined)
  }
  process.on('disconnect', () => process.exit(0))
  // Ctrl-C reaches the whole group; the parent decides when a child ends.
  process.on('SIGINT', () => {})
  process.on('message', (message: Request) => {
    if ('interrupt' in message) void service?.then((running) => running.interrupt())
    else if ('release' in message) closed = release()
    else if (message.id === 0) service = closed.then(() => start(message.argument))
    else void answer(message)
  })
  const answer = async ({ id, method, argument }: Extract<Request, { id: number }>) => {
    const send = (response: Response) => process.send?.(response)
    try {
      const call = (await service)?.methods[method]
      if (call === undefined) throw new Error(`no method ${method}`)
      const result = await call(argument, (stage, fraction) => send({ id, progress: { stage, fraction } }))
      send({ id, result, resident: process.memoryUsage.rss() })
    } catch (error) {
      send({ id, error: toWire(error), resident: process.memoryUsage.rss() })
    }
  }
}
