import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Owner } from '../pipeline/recover.ts'

/** This process as the owner of leases. Another process of this machine is alive while its pid is; of others the lease tells. */
export function thisOwner(): Owner {
  const id = `${hostname()}:${process.pid}:${randomUUID()}`
  return { id, isAlive: (other) => other === id || isAlive(other) }
}

function isAlive(owner: string): boolean {
  const [pid, host] = owner.split(':').toReversed().slice(1, 3)
  if (host !== hostname() || pid === undefined) return true
  // A pid that has come round to this very process belongs to a former owner.
  return Number(pid) !== process.pid && isRunning(Number(pid))
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
