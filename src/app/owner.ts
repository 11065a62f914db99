import { createHash, randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Owner } from '../pipeline/recover.ts'

/**
 * This process as the owner of leases, `host:pid:mark`. The mark says since when the process runs, and where its pid counts: containers may share
 * the name of their host. Of a process that runs elsewhere the lease alone tells.
 */
export function thisOwner(): Owner {
  const id = `${hostname()}:${process.pid}:${markOf(process.pid)}-${randomUUID().slice(0, 8)}`
  return { id, isAlive: (other) => other === id || isAlive(other) }
}

function isAlive(owner: string): boolean {
  const [mark, pid, ...host] = owner.split(':').toReversed()
  if (host.toReversed().join(':') !== hostname() || pid === undefined || mark === undefined) return true
  const [place, start] = mark.split('-')
  if (!isMark(mark)) return Number(pid) !== process.pid && isRunning(Number(pid))
  if (place !== placeOfPids()) return true
  // A pid that has come round belongs to a former owner.
  return Number(pid) !== process.pid && isRunning(Number(pid)) && startOf(Number(pid)) === start
}

/** Owners of earlier versions have a uuid there. */
function isMark(mark: string): boolean {
  return /^[0-9a-f]{12}-\d*-[0-9a-f]{8}$/.test(mark)
}

function markOf(pid: number): string {
  return `${placeOfPids()}-${startOf(pid)}`
}

/** The running system and the namespace within which pids count; the same for all where the system tells neither. */
function placeOfPids(): string {
  const parts = [() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'), () => readlinkSync('/proc/self/ns/pid')].map(orNothing)
  return createHash('sha256').update(parts.join()).digest('hex').slice(0, 12)
}

/** In ticks since the system started; empty where the system does not tell. */
function startOf(pid: number): string {
  // The name of a process may hold anything, a bracket as well.
  return orNothing(
    () =>
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')[19] ?? '',
  )
}

function orNothing(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
