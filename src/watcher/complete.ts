import type { FileSeen } from '../model/file.ts'
import { FutureClock } from './settle-clock.ts'

/** What the file system says of a file, under its names. */
export interface FileTimes {
  /** When the content was last changed, as its writer says. */
  readonly mtimeNs: bigint
  /** When content, name or rights last changed by the file system's own clock, which no writer can set. */
  readonly ctimeNs: bigint
}

/** Which files count as whole, and which as too old; from the table's `watch`. */
export interface CompleteRules {
  readonly settleMs: number
  readonly modifiedAfterMs: number | null
  /** Remembers what was seen of a clock that is ahead; without it each moment begins anew. */
  readonly future?: FutureClock | undefined
}

/** The rules at one instant, in the unit of the files' times: a listing makes it once for many files. */
export interface Moment {
  readonly nowMs: number
  readonly settleMs: number
  readonly settledBeforeNs: bigint
  readonly notBeforeNs: bigint | null
  readonly future: FutureClock
}

export type Completeness =
  | { readonly kind: 'complete' }
  | { readonly kind: 'settling'; readonly readyInMs: number }
  | { readonly kind: 'marker' }
  | { readonly kind: 'tooOld' }

const COMPLETE: Completeness = { kind: 'complete' }

export function momentOf(rules: CompleteRules, nowMs: number): Moment {
  return {
    nowMs,
    settleMs: rules.settleMs,
    settledBeforeNs: nsOf(nowMs - rules.settleMs),
    notBeforeNs: rules.modifiedAfterMs === null ? null : nsOf(rules.modifiedAfterMs),
    future: rules.future ?? new FutureClock(),
  }
}

/**
 * The decisions on a file that is there and matches; listing and looking both make them here. `isMarked` was looked up
 * before the times, so that what the marker vouches for is what was seen; true where no marker is asked for.
 */
export function completenessOf(times: FileTimes, isMarked: boolean, moment: Moment): Completeness {
  // `modified_after` leaves out what is older; a file of that very moment is taken.
  if (moment.notBeforeNs !== null && times.mtimeNs < moment.notBeforeNs) return { kind: 'tooOld' }
  const waitMs = readyInMs(times, moment)
  if (waitMs > 0) return { kind: 'settling', readyInMs: waitMs }
  return isMarked ? COMPLETE : { kind: 'marker' }
}

/**
 * Milliseconds until the file has been left alone for `settleMs`; 0 when it has. A modified time in the future says
 * nothing, so the time of the last change stands for it: a file dated 2099 waits as long as any other. Where that lies in
 * the future, too, another clock gave it, and tells what has passed since.
 */
export function readyInMs(times: FileTimes, moment: Moment): number {
  if (times.mtimeNs <= moment.settledBeforeNs) return 0
  const changedMs = msOf(times.ctimeNs)
  const past = [msOf(times.mtimeNs), changedMs].find((ms) => ms <= moment.nowMs)
  const sinceMs = past === undefined ? moment.future.nowAfter(changedMs) - changedMs : moment.nowMs - past
  // Timers count whole milliseconds.
  return Math.max(0, Math.ceil(moment.settleMs - sinceMs))
}

/** Where the marker of a file lies, from the file's folder. */
export function markerOf(name: string, marker: string): string {
  return marker.replaceAll('{name}', () => name)
}

/** A file with its version: size and time tell two contents at one path apart, and loading compares them with the file as it reads. */
export function seenFile(path: string, rawPath: string | null, size: bigint, modifiedNs: bigint): FileSeen {
  return { path, rawPath, size, modifiedNs, version: `${size}-${modifiedNs}` }
}

function msOf(ns: bigint): number {
  return Number(ns / 1_000_000n)
}

function nsOf(ms: number): bigint {
  return BigInt(Math.floor(ms)) * 1_000_000n
}
