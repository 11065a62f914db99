import { readdirSync, readFileSync, renameSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Project } from '../support/project.ts'
import { childrenOf } from './faults.ts'

const MIB = 1024 ** 2

/** What a daemon holds at an instant. */
export interface Held {
  readonly residentMiB: number
  readonly handles: number
  readonly children: number
  readonly childMiB: number
  /** Entries of the folder for temporary files, and of the one of the tracker. */
  readonly temporary: number
  readonly state: number
}

/** Files that come one after the other, the same number for each table, until the time is over; what the daemon held meanwhile. */
export class Soak {
  readonly #made: Project
  readonly #pid: number
  readonly #temporary: string
  readonly held: Held[] = []
  files = 0

  constructor(made: Project, pid: number, temporary: string) {
    this.#made = made
    this.#pid = pid
    this.#temporary = temporary
  }

  /** `tables` are folders of the landing area; a file has one row, whose id is the number of the file. */
  async run(tables: readonly string[], seconds: number, pauseMs: number): Promise<void> {
    const until = performance.now() + seconds * 1000
    const everyMs = (seconds * 1000) / 60
    for (let next = 0; performance.now() < until; await sleep(pauseMs)) {
      for (const table of tables) {
        const written = this.#made.write(`landing/${table}/next.tmp`, `id,key,text\n${this.files},${this.files % 50},some text\n`)
        renameSync(written, this.#made.path(`landing/${table}/${this.files}.csv`))
      }
      this.files += 1
      if (performance.now() < next) continue
      next = performance.now() + everyMs
      this.held.push(this.#look())
    }
    this.held.push(this.#look())
  }

  #look(): Held {
    const children = childrenOf(this.#pid)
    return {
      residentMiB: residentOf(this.#pid),
      handles: readdirSync(`/proc/${this.#pid}/fd`).length,
      children: children.length,
      childMiB: Math.max(0, ...children.map(residentOf)),
      temporary: readdirSync(this.#temporary).length,
      state: readdirSync(this.#made.path('state'), { recursive: true }).length,
    }
  }
}

/** 0 for one that has ended. */
function residentOf(pid: number): number {
  try {
    const [, kibibytes] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Math.round((Number(kibibytes ?? 0) * 1024) / MIB)
  } catch {
    return 0
  }
}

/** The most of something in the second quarter of a soak, when all is warm, and in the last. */
export function laterOf(held: readonly Held[], what: keyof Held): { readonly before: number; readonly after: number } {
  const most = (from: number, to: number) =>
    Math.max(...held.slice(Math.floor(held.length * from), Math.ceil(held.length * to)).map((one) => one[what]))
  return { before: most(0.25, 0.5), after: most(0.75, 1) }
}
