import { afterEach, beforeEach, describe } from 'vitest'
import type { Clock } from '../../src/lib/clock.ts'
import type { Batch, BatchOutcome, FileOutcome } from '../../src/model/batch.ts'
import { NO_STRATEGY_ROWS } from '../../src/model/batch.ts'
import type { FileSeen, RowCounts } from '../../src/model/file.ts'
import type { Manifest } from '../../src/model/manifest.ts'
import type { FileFilter, TrackedFile, Tracker, TrackerOptions } from '../../src/tracker/tracker.ts'

export const TABLE = 'analytics.orders'
export const OWNER = 'host:1:aaaa'
export const OTHER = 'host:2:bbbb'
export const START = Date.parse('2026-01-01T00:00:00.000Z')
export const ALL = { maxFiles: 1_000_000, maxBytes: 2n ** 62n, above: null }

export const OPTIONS: TrackerOptions = {
  retryAttempts: 3,
  retryBackoff: { baseMs: 5_000, factor: 2, maxMs: 15_000 },
  leaseMs: 60_000,
}

export class FakeClock implements Clock {
  ms = START
  now(): number {
    return this.ms
  }
}

/** One tracker, which may be opened several times, as several processes do. */
export interface Harness {
  readonly clock: FakeClock
  readonly open: () => Promise<Tracker>
  readonly close: () => Promise<void>
}

/** Tests that each begin with a new tracker. */
export function describeTracker(
  name: string,
  make: () => Promise<Harness>,
  tests: (tracker: () => Tracker, harness: () => Harness) => void,
): void {
  describe(name, () => {
    let harness: Harness
    let tracker: Tracker
    beforeEach(async () => {
      harness = await make()
      tracker = await harness.open()
    })
    afterEach(() => harness.close())

    tests(
      () => tracker,
      () => harness,
    )
  })
}

export const alive = () => true
export const dead = () => false

export function seen(path: string, more: Partial<FileSeen> = {}): FileSeen {
  const size = more.size ?? 100n
  const modifiedNs = more.modifiedNs ?? 1_700_000_000_000_000_001n
  return { path, rawPath: null, size, modifiedNs, version: `${size}-${modifiedNs}`, ...more }
}

function rowsOf(loaded: bigint): RowCounts {
  return { read: loaded + 3n, loaded, rejected: 1n, filtered: 1n, deduplicated: 1n }
}

export function outcome(batch: Batch, version: bigint | null, files: readonly FileOutcome[]): BatchOutcome {
  return { batchId: batch.id, number: batch.number, version, files, rows: NO_STRATEGY_ROWS, bytes: 0n, warnings: [] }
}

export function completed(path: string, loaded = 10n): FileOutcome {
  return { kind: 'completed', path, rows: rowsOf(loaded) }
}

export function failed(path: string, retry: 'never' | 'later' = 'never'): FileOutcome {
  const code = retry === 'never' ? 'ING-FILE-VALUE' : 'ING-STORAGE'
  return { kind: 'failed', path, error: { code, message: `${path} line 3: 'x' is no number`, hint: null, errorClass: 'FileError', retry } }
}

export async function claimAll(tracker: Tracker, owner = OWNER): Promise<Batch> {
  const batch = await tracker.claim(TABLE, owner, ALL)
  if (batch === undefined) throw new Error('nothing is pending')
  return batch
}

/** Admits files and loads them as one batch. */
export async function load(tracker: Tracker, files: readonly FileSeen[], version: bigint): Promise<Batch> {
  await tracker.admit(TABLE, files, 'load')
  const batch = await claimAll(tracker)
  await tracker.settle(
    TABLE,
    OWNER,
    outcome(
      batch,
      version,
      batch.files.map(({ path }) => completed(path)),
    ),
  )
  return batch
}

export async function statusOf(tracker: Tracker, path: string): Promise<string | undefined> {
  return (await tracker.file(TABLE, path))?.status
}

export async function list(tracker: Tracker, filter: FileFilter = {}): Promise<readonly TrackedFile[]> {
  const files: TrackedFile[] = []
  for await (const file of tracker.files(filter)) files.push(file)
  return files
}

/** The moves of a file as `from>to reason`. */
export async function movesOf(tracker: Tracker, path: string): Promise<readonly string[]> {
  const events = await tracker.history(TABLE, path)
  return events.map((event) => `${event.from_status ?? ''}>${event.to_status}${event.reason === null ? '' : ` ${event.reason}`}`)
}

export function manifest(batchId: string, batch: bigint, files: readonly FileSeen[], previous: bigint | null = null): Manifest {
  return {
    format: 1,
    appId: 'ingestd/x/analytics.orders',
    batch,
    batchId,
    previous,
    table: TABLE,
    createdAt: '2025-12-31T00:00:00.000Z',
    files: files.map((file) => ({ ...file, unit: file.path, rows: rowsOf(7n) })),
    reader: null,
    sideFiles: [],
  }
}
