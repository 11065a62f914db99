import { posix } from 'node:path'
import type { FileSeen } from '../model/file.ts'
import { type Completeness, markerOf } from './complete.ts'
import { joined } from './pattern.ts'
import type { SourceRules } from './rules.ts'
import type { DecisionStep, WaitingFile } from './watcher.ts'

/** Set for a file that only time or a marker keeps from being taken. */
export function waitingOf(completeness: Completeness, file: FileSeen): WaitingFile | undefined {
  if (completeness.kind === 'settling') return { file, reason: 'settling', readyInMs: completeness.readyInMs }
  return completeness.kind === 'marker' ? { file, reason: 'marker', readyInMs: null } : undefined
}

/** What was decided about a file that is there and matches, step by step. */
export function completeSteps({ complete, marker }: SourceRules, completeness: Completeness, file: FileSeen): readonly DecisionStep[] {
  const modified = new Date(Number(file.modifiedNs / 1_000_000n)).toISOString()
  const steps: DecisionStep[] = []
  const add = (check: string, passed: boolean, detail: string) => steps.push({ check, passed, detail })
  if (complete.modifiedAfterMs !== null) {
    const after = new Date(complete.modifiedAfterMs).toISOString()
    const isTooOld = completeness.kind === 'tooOld'
    add('modified_after', !isTooOld, `it was modified ${modified}, ${isTooOld ? 'before' : 'not before'} modified_after ${after}`)
    if (isTooOld) return steps
  }
  const settle = `settle_seconds is ${complete.settleMs / 1000}`
  if (completeness.kind === 'settling') {
    add(
      'settled',
      false,
      `it was modified ${modified} and may still be changing: ${settle}, complete in ${completeness.readyInMs / 1000} s if left alone`,
    )
    return steps
  }
  add('settled', true, `unchanged since ${modified}: ${settle}`)
  if (marker !== null) {
    const name = markerOf(posix.basename(file.path), marker)
    add(
      'marker',
      completeness.kind !== 'marker',
      completeness.kind === 'marker' ? `its marker ${name} is not there` : `its marker ${name} is there`,
    )
  }
  return steps
}

/** The file that a marker at this path stands for; null for the marker of a folder, undefined for what is no marker. */
export function markedFile(path: string, marker: string): string | null | undefined {
  const { dir, base } = posix.parse(path)
  const [before = '', after, ...more] = marker.split('{name}')
  if (after === undefined) return base === marker ? null : undefined
  if (!base.startsWith(before) || !base.endsWith(after) || base.length <= before.length + after.length) return undefined
  return more.length > 0 ? null : joined(dir, base.slice(before.length, base.length - after.length))
}
