/** Actors that stop before every step, and a scheduler that decides whose step comes next. */
export class Schedule {
  readonly #choices: readonly number[]
  readonly #waiting = new Map<string, () => void>()
  readonly #dead = new Set<string>()
  /** How many actors could have gone on at each step, and which one did. */
  readonly taken: { readonly of: number; readonly index: number; readonly actor: string }[] = []
  #running = 0
  #quiet: (() => void) | undefined

  constructor(choices: readonly number[]) {
    this.#choices = choices
  }

  /** The step of an actor begins when its turn comes; for a dead one it never does. */
  async step(actor: string): Promise<void> {
    await new Promise<void>((resolve) => {
      if (!this.#dead.has(actor)) this.#waiting.set(actor, resolve)
      this.#rest()
    })
  }

  /** The process of the actor ends: whatever it waits for, it takes no further step. */
  kill(actor: string): Promise<never> {
    this.#dead.add(actor)
    this.#waiting.delete(actor)
    this.#rest()
    return new Promise(() => undefined)
  }

  /** Runs all actors to their ends (or deaths), one step at a time, by the choices and then always the first. */
  async run(actors: Readonly<Record<string, () => Promise<void>>>): Promise<void> {
    const names = Object.keys(actors)
    this.#running = names.length
    for (const name of names) {
      void actors[name]?.().finally(() => this.#rest())
    }
    for (;;) {
      await this.#allRest()
      const ready = [...this.#waiting.keys()].sort()
      if (ready.length === 0) return
      const index = this.#choices[this.taken.length] ?? 0
      const actor = ready[index] ?? never()
      this.taken.push({ of: ready.length, index, actor })
      const go = this.#waiting.get(actor)
      this.#waiting.delete(actor)
      this.#running += 1
      go?.()
    }
  }

  #rest(): void {
    this.#running -= 1
    if (this.#running === 0) this.#quiet?.()
  }

  async #allRest(): Promise<void> {
    if (this.#running > 0)
      await new Promise<void>((resolve) => {
        this.#quiet = resolve
      })
  }
}

/** Every schedule once: `run` follows the choices that it is given; what it could have chosen leads to the next ones. */
export async function everySchedule(run: (schedule: Schedule) => Promise<void>): Promise<number> {
  let choices: readonly number[] | undefined = []
  let count = 0
  while (choices !== undefined) {
    const schedule: Schedule = new Schedule(choices)
    try {
      await run(schedule)
    } catch (error) {
      const order = schedule.taken.map(({ actor }) => actor).join(' ')
      throw new Error(`schedule ${order}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
    count += 1
    choices = nextChoices(schedule)
  }
  return count
}

function nextChoices({ taken }: Schedule): readonly number[] | undefined {
  const last = taken.findLastIndex(({ of, index }) => index + 1 < of)
  if (last < 0) return undefined
  return [...taken.slice(0, last).map(({ index }) => index), (taken[last]?.index ?? 0) + 1]
}

function never(): never {
  throw new Error('a schedule chose an actor that is not ready')
}
