/**
 * Gives tables their turn: at most `slots` at a time, one turn of a table at a time, and always the one that has waited longest.
 * A table that wants another turn while it has one comes behind all that wait by then, so that none can starve the others.
 */
export class Turns {
  readonly #slots: number
  readonly #turn: (table: string) => Promise<void>
  readonly #waiting = new Set<string>()
  readonly #running = new Map<string, Promise<void>>()
  #isStopped = false

  /** `turn` does not throw. */
  constructor(slots: number, turn: (table: string) => Promise<void>) {
    this.#slots = slots
    this.#turn = turn
  }

  /** How many wait that could begin if there were room. */
  get waiting(): number {
    let waiting = 0
    for (const table of this.#waiting) if (!this.#running.has(table)) waiting += 1
    return waiting
  }

  get running(): readonly string[] {
    return [...this.#running.keys()]
  }

  /** A table that waits already keeps its place. */
  want(table: string): void {
    if (this.#isStopped) return
    this.#waiting.add(table)
    this.#begin()
  }

  forget(table: string): void {
    this.#waiting.delete(table)
  }

  /** Begins none any more; those that run are waited for. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#waiting.clear()
    await Promise.all(this.#running.values())
  }

  /** A set keeps the order in which its members came. */
  #begin(): void {
    for (const table of this.#waiting) {
      if (this.#running.size >= this.#slots) return
      if (this.#running.has(table)) continue
      this.#waiting.delete(table)
      this.#running.set(table, this.#run(table))
    }
  }

  async #run(table: string): Promise<void> {
    try {
      await this.#turn(table)
    } finally {
      this.#running.delete(table)
      this.#begin()
    }
  }
}
