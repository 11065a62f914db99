import { constants } from 'node:fs'
import { copyFile, open, rm, stat } from 'node:fs/promises'
import BetterSqlite from 'better-sqlite3'

const ATTEMPTS = 5
/** Format, page size, checkpoint number and salts: another header means that the log began anew. */
const WAL_HEADER_BYTES = 32

/**
 * Copies the database and then its write-ahead log. That pair is consistent while the log did not begin anew in
 * between: whatever a checkpoint moved into the database meanwhile still stands in the log, and SQLite applies it again.
 */
export async function copySqlite(from: string, to: string, attempts = ATTEMPTS): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const before = await stateOf(from)
    await copyFile(from, to, constants.COPYFILE_FICLONE)
    await rm(`${to}-wal`, { force: true })
    if (before.log !== null) await copyFile(`${from}-wal`, `${to}-wal`).catch(ignoreMissing)
    const after = await stateOf(from)
    // Without a log, the database itself must not have moved.
    if (before.log === after.log && (before.log !== null || before.changed === after.changed)) return
  }
  await backUp(from, to)
}

/** Another process writes without a pause: its own lock and log are there already, and nothing new comes into being. */
async function backUp(from: string, to: string): Promise<void> {
  await rm(`${to}-wal`, { force: true })
  await rm(to, { force: true })
  const database = new BetterSqlite(from, { readonly: true, fileMustExist: true })
  try {
    await database.backup(to)
  } finally {
    database.close()
  }
}

async function stateOf(file: string): Promise<{ readonly log: string | null; readonly changed: string }> {
  const { mtimeNs, size } = await stat(file, { bigint: true })
  return { log: await logHeader(`${file}-wal`), changed: `${mtimeNs}-${size}` }
}

/** Null when there is no log, or none with content. */
async function logHeader(file: string): Promise<string | null> {
  try {
    const handle = await open(file, 'r')
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(WAL_HEADER_BYTES), 0, WAL_HEADER_BYTES, 0)
      return bytesRead === 0 ? null : buffer.toString('hex', 0, bytesRead)
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

export async function exists(file: string): Promise<boolean> {
  try {
    await stat(file)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
