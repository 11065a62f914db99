import { setTimeout } from 'node:timers/promises'
import type { FileSeen } from '../model/file.ts'
import type { Lister, WaitingFile } from './watcher.ts'

export interface Settled {
  readonly complete: readonly FileSeen[]
  /** Files that changed again, or still lack their marker; their `file` is what was seen last. */
  readonly changing: readonly WaitingFile[]
}

/** A timer may end a little before the clock that gave the time; a file that then lacks a millisecond would wait for the next run. */
const SLACK_MS = 5

/**
 * Waits once, until the last of the files may be complete, but not longer than `maxMs`, and looks at each again. Files
 * that wait for a marker are looked at, too, but nobody waits for them. A file that went away is in neither list.
 * Throws the signal's abort error.
 */
export async function waitForSettled(
  lister: Lister,
  waiting: readonly WaitingFile[],
  maxMs: number,
  signal: AbortSignal,
): Promise<Settled> {
  let waitMs = 0
  for (const { readyInMs } of waiting) if (readyInMs !== null && readyInMs > waitMs) waitMs = readyInMs
  if (waitMs > 0) await setTimeout(Math.min(waitMs, maxMs) + SLACK_MS, undefined, { signal })
  const complete: FileSeen[] = []
  const changing: WaitingFile[] = []
  for (const { file } of waiting) {
    signal.throwIfAborted()
    const now = await lister.look(file.path)
    if (now.waiting !== undefined) changing.push(now.waiting)
    else if (now.file !== undefined && now.steps.every((step) => step.passed)) complete.push(now.file)
  }
  return { complete, changing }
}
