import { EXIT } from './exit-codes.ts'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** Turns signals into an abort while a command runs; a second one ends the process, whatever is in flight. */
export class Interrupt implements Disposable {
  readonly #controller = new AbortController()
  readonly #stop: 'at once' | 'gracefully'

  constructor(stop: 'at once' | 'gracefully') {
    this.#stop = stop
    for (const name of SIGNALS) process.on(name, this.#onSignal)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  [Symbol.dispose](): void {
    for (const name of SIGNALS) process.off(name, this.#onSignal)
  }

  readonly #onSignal = (): void => {
    if (this.#stop === 'at once' || this.signal.aborted) process.exit(EXIT.interrupted)
    this.#controller.abort()
  }
}
