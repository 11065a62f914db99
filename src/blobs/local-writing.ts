import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'

const PERIOD_MS = 200
/** Files that are looked at each time; more than these are small, and quickly synced at the end. */
const FILES = 32

/**
 * Has the files of a local folder go to the disk while `write` makes them grow, so that the sync before a commit finds
 * little left to do. Promises nothing: whoever needs the files durable syncs them.
 */
export async function writingBehind<T>(folder: string, write: () => Promise<T>): Promise<T> {
  let flushing: Promise<void> | undefined
  const timer = setInterval(() => {
    flushing ??= flush(folder).finally(() => {
      flushing = undefined
    })
  }, PERIOD_MS)
  try {
    return await write()
  } finally {
    clearInterval(timer)
    await flushing
  }
}

async function flush(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => [])
  for (const entry of entries.filter((one) => one.isFile()).slice(0, FILES)) {
    const file = await open(join(entry.parentPath, entry.name), 'r').catch(() => undefined)
    // A file that is gone, or that cannot be synced now, is no concern of this.
    await file?.datasync().catch(() => undefined)
    await file?.close().catch(() => undefined)
  }
}
