import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'
import type { ResolvedConfig } from '../config/config.ts'
import type { EngineLimits } from '../engine/engine.ts'

/** The least memory that a load process works with, in bytes. */
const LEAST_MEMORY = 128 * 1024 ** 2

/** The config's limits are totals; each of `children` load processes gets its part, of the container's limit where there is one. */
export function childLimits(config: ResolvedConfig, children: number): EngineLimits {
  const { memory, threads, temporaryFolder } = config.engine
  const total = 'bytes' in memory ? memory.bytes : machineMemory() * memory.share
  const cores = threads === 'auto' ? availableParallelism() : threads
  return {
    memoryBytes: Math.max(LEAST_MEMORY, Math.floor(total / children)),
    threads: Math.max(1, Math.floor(cores / children)),
    temporaryFolder: temporaryFolder ?? join(config.checkpointPath, 'spill'),
  }
}

/** Bytes of the machine, or of the container where it has a limit. */
export function machineMemory(): number {
  const constrained = process.constrainedMemory?.() ?? 0
  return constrained > 0 && constrained < totalmem() ? constrained : totalmem()
}
