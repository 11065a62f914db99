import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openSession } from '../../src/engine/duckdb.ts'
import type { Session } from '../../src/engine/engine.ts'

/** A real engine that is closed when the test ends. */
export async function session(): Promise<Session> {
  const folder = mkdtempSync(join(tmpdir(), 'ingestd-engine-'))
  const opened = await openSession({ memoryBytes: 512 * 1024 ** 2, threads: 2, temporaryFolder: folder })
  onTestFinished(async () => {
    await opened[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })
  return opened
}
