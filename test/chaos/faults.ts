import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import BetterSqlite from 'better-sqlite3'
import type { Project } from '../support/project.ts'

/** Processes that a process started, of which there may be none by now. */
export function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended by itself.
  }
}

/** Holds the tracker's write lock for some time. */
export async function lockTracker(made: Project, ms: number): Promise<void> {
  const database = new BetterSqlite(made.path('state/metadata.db'), { timeout: 5000 })
  try {
    database.exec('begin immediate')
    await sleep(ms)
    database.exec('rollback')
  } finally {
    database.close()
  }
}

/** A disk of its own for a folder of the project; undefined where none can be mounted. */
export function smallDisk(folder: string, bytes: number): Disposable | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  return { [Symbol.dispose]: () => execFileSync('umount', ['-l', folder]) }
}

/** Takes all room of a folder's disk for some time. */
export async function fillDisk(folder: string, ms: number): Promise<void> {
  const filler = `${folder}/filler`
  try {
    const { bavail, bsize } = statfsSync(folder)
    try {
      writeFileSync(filler, Buffer.alloc(bavail * bsize))
    } catch {
      // What another took meanwhile is not there any more: full it is.
    }
    await sleep(ms)
  } finally {
    rmSync(filler, { force: true })
  }
}
