import { readFile } from 'node:fs/promises'

/** Resident bytes of each process that this one started; undefined where the system does not tell (no /proc). */
export async function childMemory(pid: number = process.pid): Promise<readonly number[] | undefined> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => undefined)
  if (children === undefined) return undefined
  const pids = children.split(' ').filter((child) => child !== '')
  // One that ended meanwhile has no memory.
  return (await Promise.all(pids.map(residentMemory))).flatMap((bytes) => bytes ?? [])
}

/** Resident bytes of a process; undefined where there is none, or no /proc. */
export async function residentMemory(pid: string | number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? []
  return kib === undefined ? undefined : Number(kib) * 1024
}
