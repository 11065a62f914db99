import { readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'

const HOST = encodeURIComponent(hostname())

/** A folder of this process in one that processes of several machines may share. */
export function processFolder(spool: string): string {
  return join(spool, `${HOST}.${process.pid}`)
}

/** Removes what processes of this machine left that were killed. */
export async function removeAbandoned(spool: string): Promise<void> {
  const folders = await readdir(spool).catch(() => [])
  const abandoned = folders.filter((name) => name.startsWith(`${HOST}.`) && !isRunning(Number(name.slice(HOST.length + 1))))
  await Promise.all(abandoned.map((name) => rm(join(spool, name), { recursive: true, force: true })))
}

function isRunning(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return true
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}
