import type { ResolvedConfig } from '../config/config.ts'
import type { EngineLimits } from '../engine/engine.ts'
import { childLimits } from './limits.ts'
import { type LoadProcess, loadProcess } from './load-process.ts'
import { spoolOf } from './places.ts'

/** An engine that runs for weeks grows and grows: after this time its process is replaced, between two pieces of work. */
const MOST_AGE_MS = 3_600_000
/** What a process may keep when it has nothing to do, beside half of the engine's memory: its own code and heap. */
const OWN_BYTES = 512 * 1024 ** 2

/** Load processes, each used by one table at a time. */
export interface LoadPool extends AsyncDisposable {
  /** Starts so many processes, all unless it is said, so that the first of the work finds them ready; others start when they are needed. */
  start(processes?: number): void
  /** Gives the work a process for itself. The caller sees to it that there are not more at a time than the pool's size. */
  use<T>(work: (worker: LoadProcess) => Promise<T>): Promise<T>
}

/** Processes are started when they are needed, and replaced between two pieces of work when they are old or have grown. */
export function loadPool(size: number, config: ResolvedConfig, signal: AbortSignal, graceMs?: number): LoadPool {
  const limits = childLimits(config, size)
  const free: LoadProcess[] = []
  const all: LoadProcess[] = []
  const made = () => {
    const worker = loadProcess({ limits, spool: spoolOf(config), timeoutMs: config.timeoutMs, signal, graceMs })
    all.push(worker)
    return worker
  }
  return {
    start(processes = size) {
      while (all.length < Math.min(processes, size)) {
        const worker = made()
        worker.start()
        free.push(worker)
      }
    },
    async use<T>(work: (worker: LoadProcess) => Promise<T>): Promise<T> {
      const worker = free.pop() ?? made()
      try {
        return await work(worker)
      } finally {
        if (isSpent(worker, limits)) await worker.retire()
        free.push(worker)
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((worker) => worker[Symbol.asyncDispose]()))
    },
  }
}

/** Whether a process is to be replaced before more work; a new one costs a third of a second. */
export function isSpent(
  { ageMs, residentBytes }: Pick<LoadProcess, 'ageMs' | 'residentBytes'>,
  { memoryBytes }: Pick<EngineLimits, 'memoryBytes'>,
): boolean {
  return ageMs > MOST_AGE_MS || residentBytes > memoryBytes / 2 + OWN_BYTES
}
