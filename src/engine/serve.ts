import { toWire } from '../errors/wire.ts'
import type { Request, Response } from './child.ts'

export interface Service {
  readonly methods: Readonly<Record<string, (argument: unknown, onProgress: (stage: string, fraction: number) => void) => Promise<unknown>>>
  /** Ends the statement that is running. */
  interrupt(): void
}

/** The other end of `Child`: answers calls until the parent is gone, then ends; nothing is left running without one. */
export function serve(start: (argument: unknown) => Promise<Service>): void {
  let service: Promise<Service> | undefined
  process.on('disconnect', () => process.exit(0))
  // Ctrl-C reaches the whole group; the parent decides when a child ends.
  process.on('SIGINT', () => {})
  process.on('message', (message: Request) => {
    if ('interrupt' in message) void service?.then((running) => running.interrupt())
    else if (message.id === 0) service = start(message.argument)
    else void answer(message)
  })
  const answer = async ({ id, method, argument }: Exclude<Request, { interrupt: true }>) => {
    const send = (response: Response) => process.send?.(response)
    try {
      const call = (await service)?.methods[method]
      if (call === undefined) throw new Error(`no method ${method}`)
      send({ id, result: await call(argument, (stage, fraction) => send({ id, progress: { stage, fraction } })) })
    } catch (error) {
      send({ id, error: toWire(error) })
    }
  }
}
