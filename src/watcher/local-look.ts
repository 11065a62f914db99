import { accessSync, type BigIntStats, constants } from 'node:fs'
import { posix } from 'node:path'
import { enterFolder } from '../lib/glob.ts'
import { completenessOf, momentOf, seenFile } from './complete.ts'
import { completeSteps, waitingOf } from './decisions.ts'
import { ignoredPath } from './ignore.ts'
import { childOf, type EntryKind, findChild, isMarked, type Place, realPath, statOf, unreadable } from './local-folder.ts'
import { identityOf } from './local-walk.ts'
import { matchesPattern, nearMiss, onlyNames } from './match.ts'
import { below } from './pattern.ts'
import type { SourceRules } from './rules.ts'
import type { DecisionStep, Sighting } from './watcher.ts'

/** The decisions of the walk about one path, until the first that says no. */
export function lookAt(rules: SourceRules, path: string, nowMs: number): Sighting {
  const steps: DecisionStep[] = []
  const pass = (check: string, detail: string) => steps.push({ check, passed: true, detail })
  const stop = (check: string, detail: string): Sighting => ({ file: undefined, steps: [...steps, { check, passed: false, detail }] })

  const { pattern } = rules
  const wanted = withoutSlash(posix.normalize(path))
  const relative = below(pattern.base, wanted)
  if (relative === undefined || !matchesPattern(pattern, wanted)) return stop('matched', nearMiss(pattern, wanted, rules.subject))
  pass('matched', `matches ${rules.subject}: ${pattern.text}`)

  const rule = ignoredPath(rules.ignored, relative)
  if (rule !== undefined) return stop('not_ignored', rule)
  pass('not_ignored', 'no rule ignores it')

  const reached = reach(rules, relative)
  if (reached.kind === 'absent') return stop('exists', reached.detail)
  pass('exists', 'it is there')

  const { place, marked, stats } = reached
  if (!stats.isFile()) return stop('regular_file', `it is ${whatIs(stats)}`)
  pass('regular_file', reached.entry === 'link' ? 'it is a link to a file' : 'it is a file')

  const file = seenFile(place.shown, place.raw?.toString('base64') ?? null, stats.size, stats.mtimeNs)
  const completeness = completenessOf(stats, marked, momentOf(rules.complete, nowMs))
  return { file, waiting: waitingOf(completeness, file), steps: [...steps, ...completeSteps(rules, completeness, file)] }
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

function whatIs(stats: BigIntStats): string {
  if (stats.isDirectory()) return 'a folder'
  if (stats.isFIFO()) return 'a pipe'
  return stats.isSocket() ? 'a socket' : 'a device'
}

interface Reached {
  readonly kind: 'there'
  readonly place: Place
  readonly entry: EntryKind
  readonly marked: boolean
  readonly stats: BigIntStats
}

interface Absent {
  readonly kind: 'absent'
  readonly detail: string
}

/** Goes from the base to the file as the walk would, and tells where the walk would stop. */
function reach(rules: SourceRules, relative: string): Reached | Absent {
  const names = relative.split('/')
  const name = names.pop() ?? ''
  let folder: Place = { shown: rules.pattern.base, raw: null }
  try {
    let positions = rules.pattern.glob.start
    const above = new Set<string>()
    for (const next of names) {
      const stopped = whyNotEntered(rules, folder, positions, above)
      if (stopped !== undefined) return absent(stopped)
      positions = enterFolder(rules.pattern.glob, positions, next)
      folder = findChild(folder, next)?.place ?? childOf(folder, next, null)
    }
    const stopped = whyNotEntered(rules, folder, positions, above)
    return stopped === undefined ? reachFile(rules, folder, name) : absent(stopped)
  } catch (error) {
    return absent(unreadable(folder.shown, error).message)
  }
}

/** Why the walk does not go through a folder; throws where it may not be listed. `above` gathers the folders on the way. */
function whyNotEntered({ pattern }: SourceRules, folder: Place, positions: readonly number[], above: Set<string>): string | undefined {
  const stats = statOf(folder)
  if (stats === undefined) return `the folder ${folder.shown} does not exist`
  if (!stats.isDirectory()) return `${folder.shown} is not a folder`
  const identity = identityOf(stats)
  if (above.has(identity)) return `${folder.shown} leads back to a folder that it lies in; files there are found by the shorter path`
  above.add(identity)
  if (onlyNames(pattern.glob, positions) === undefined) accessSync(realPath(folder), constants.R_OK)
  return undefined
}

function reachFile(rules: SourceRules, folder: Place, name: string): Reached | Absent {
  const found = findChild(folder, name)
  if (found === undefined) return absent('there is no such file')
  // Before the file itself, as in the walk.
  const marked = rules.marker === null || isMarked(folder, name, found.raw, rules.marker)
  const stats = statOf(found.place)
  if (stats === undefined) return absent(found.kind === 'link' ? 'it is a link that leads nowhere' : 'there is no such file')
  return { kind: 'there', place: found.place, entry: found.kind, marked, stats }
}

function absent(detail: string): Absent {
  return { kind: 'absent', detail }
}

/** Device and inode of the folder that a source begins in; undefined when it is not there. */
export function baseIdentity({ pattern }: SourceRules): string | undefined {
  try {
    const stats = statOf({ shown: pattern.base, raw: null })
    return stats === undefined ? undefined : identityOf(stats)
  } catch {
    // The listing tells why it cannot be looked at.
    return undefined
  }
}
