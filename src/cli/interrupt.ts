import { EXIT } from './exit-codes.ts'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** Signals this close together are one: `timeout` and some terminals signal the process and its group. */
const ONE_SIGNAL_MS = 500

/** Turns signals into an abort while a command runs; a second one ends the process, whatever is in flight. */
export class Interrupt implements Disposable {
  readonly #controller = new AbortController()
  readonly #stop: 'at once' | 'gracefully'
  #abortedAtMs = 0
  #first: NodeJS.Signals | undefined

  constructor(stop: 'at once' | 'gracefully') {
    this.#stop = stop
    for (const name of SIGNALS) process.on(name, this.#onSignal)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** The signal that came first. */
  get first(): NodeJS.Signals | undefined {
    return this.#first
  }

  [Symbol.dispose](): void {
    for (const name of SIGNALS) process.off(name, this.#onSignal)
  }

  readonly #onSignal = (name: NodeJS.Signals): void => {
    this.#first ??= name
    if (this.#stop === 'at once') process.exit(EXIT.interrupted)
    if (this.signal.aborted && performance.now() - this.#abortedAtMs > ONE_SIGNAL_MS) process.exit(EXIT.interrupted)
    if (!this.signal.aborted) this.#abortedAtMs = performance.now()
    this.#controller.abort()
  }
}
