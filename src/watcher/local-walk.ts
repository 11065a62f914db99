import type { BigIntStats } from 'node:fs'
import { type IngestError, UnavailableError } from '../errors/errors.ts'
import { enterFolder, takesFile } from '../lib/glob.ts'
import type { FileSeen } from '../model/file.ts'
import { Chunk } from './chunk.ts'
import { completenessOf, type Moment, seenFile } from './complete.ts'
import {
  childOf,
  type Entries,
  type Entry,
  isAbsent,
  isMarked,
  kindOf,
  listedEntries,
  namedEntries,
  type Place,
  statAt,
  statOf,
  unreadable,
} from './local-folder.ts'
import { onlyNames } from './match.ts'
import { joined } from './pattern.ts'
import type { SourceRules } from './rules.ts'
import type { KnownChunks, WaitingFile } from './watcher.ts'

/** What a walk has found since the last page. */
export interface Found {
  readonly files: FileSeen[]
  readonly waiting: WaitingFile[]
  readonly problems: IngestError[]
  /** Of which the files are. */
  readonly chunks: string[]
  /** Files that were passed over, since their chunk is known. */
  known: number
  isFull: boolean
}

export function foundCount({ files, waiting, problems }: Found): number {
  return files.length + waiting.length + problems.length
}

interface WalkOptions {
  /** Told of each folder before it is listed. */
  readonly onFolder?: ((folder: Place) => void) | undefined
  readonly known?: KnownChunks | undefined
}

/** A folder that is being walked. */
interface Frame {
  readonly place: Place
  /** Below the base, with a slash at its end; empty for the base itself. */
  readonly prefix: string
  /** Where in the pattern the names of this folder are compared. */
  readonly positions: readonly number[]
  readonly entries: Entries
  /** A link was followed to come here, so that even a plain folder may be one that the walk is in. */
  readonly isLinked: boolean
  /** Device and inode; looked up only where links are. */
  identity: string | undefined
  /** Whether the folder's own marker is there; undefined until it matters. */
  isMarked: boolean | undefined
  /** Its files cannot be looked at, which is said once. */
  isReported: boolean
}

const NOWHERE: readonly number[] = []

/** How often the walk looks at the clock. */
const ENTRIES_PER_LOOK = 64

/**
 * A walk over the folders that the pattern can lead into, depth first, in slices. It holds one open folder for each
 * level and reads ahead a little in each, so its memory does not grow with the number of files or of folders. Calls are
 * synchronous: on a local disk a round trip through the thread pool costs more than the call itself.
 */
export class Walk {
  readonly #rules: SourceRules
  readonly #options: WalkOptions
  readonly #frames: Frame[] = []
  readonly #chunk = new Chunk()
  #isBegun = false

  constructor(rules: SourceRules, options: WalkOptions = {}) {
    this.#rules = rules
    this.#options = options
  }

  /** Goes on until the time is up or the page is full; true when all is walked. */
  advance(found: Found, moment: Moment, slice: { readonly ms: number; readonly full: number }): boolean {
    if (!this.#isBegun) this.#begin(found)
    const until = performance.now() + slice.ms
    while (this.#frames.length > 0) {
      for (let count = 0; count < ENTRIES_PER_LOOK; count += 1) {
        this.#step(found, moment)
        found.isFull = this.#isFull(found, slice.full)
        if (found.isFull) return false
      }
      if (performance.now() >= until) break
    }
    return this.#isDone(found)
  }

  /** With the chunk that is under way there would be more than a page holds; what is known fills one so that a long listing tells how far it is. */
  #isFull(found: Found, full: number): boolean {
    const count = foundCount(found)
    return count + this.#chunk.count > full || (count === 0 && found.known >= full)
  }

  close(): void {
    for (const frame of this.#frames.splice(0)) frame.entries.close()
  }

  /** The last chunk ends with the listing. */
  #isDone(found: Found): boolean {
    const isDone = this.#frames.length === 0
    if (isDone && this.#chunk.count > 0) this.#endChunk(found)
    return isDone
  }

  #endChunk(found: Found): void {
    const digest = this.#chunk.digest()
    if (this.#options.known?.has(digest) === true) {
      found.known += this.#chunk.count
      this.#chunk.clear()
    } else {
      found.chunks.push(digest)
      for (const file of this.#chunk.take()) found.files.push(file)
    }
  }

  #begin(found: Found): void {
    this.#isBegun = true
    const { pattern } = this.#rules
    const base: Place = { shown: pattern.base, raw: null }
    try {
      const named = statOf(pattern.plain === null ? base : { shown: pattern.plain, raw: null })
      if (named === undefined) found.problems.push(missing(pattern.plain ?? pattern.base, 'does not exist'))
      else if (pattern.plain === null && !named.isDirectory()) found.problems.push(missing(pattern.base, 'is not a folder'))
      else this.#enter(found, base, { prefix: '', positions: pattern.glob.start, isLinked: false })
    } catch (error) {
      found.problems.push(unreadable(pattern.base, error))
    }
  }

  #step(found: Found, moment: Moment): void {
    const frame = this.#frames.at(-1)
    if (frame === undefined) return
    let entry: Entry | undefined
    try {
      entry = frame.entries.next()
    } catch (error) {
      // A folder that was removed meanwhile has ended; anything else would lose files without a word.
      if (!isAbsent(error) || !isGone(frame.place)) found.problems.push(unreadable(frame.place.shown, error))
    }
    if (entry === undefined) {
      this.#frames.pop()
      frame.entries.close()
    } else if (entry.kind !== 'other') this.#visit(found, moment, frame, entry)
  }

  #visit(found: Found, moment: Moment, frame: Frame, entry: Entry): void {
    const { pattern, ignored } = this.#rules
    const isTaken = entry.kind !== 'folder' && takesFile(pattern.glob, frame.positions, entry.name)
    const below = entry.kind === 'file' ? NOWHERE : enterFolder(pattern.glob, frame.positions, entry.name)
    if (!isTaken && below.length === 0) return
    if (ignored(entry.name, frame.prefix) !== undefined) return
    try {
      // Nearly all that a listing meets are plain files, so theirs is the short way.
      if (entry.kind === 'file' && entry.raw === null && frame.place.raw === null) this.#lookAtFile(found, moment, frame, entry)
      else this.#look(found, moment, frame, { entry, place: childOf(frame.place, entry.name, entry.raw), below, isTaken })
    } catch (error) {
      const isLink = entry.kind === 'link'
      const problem = unreadable(isLink ? joined(frame.place.shown, entry.name) : frame.place.shown, error)
      if (isLink || !frame.isReported) found.problems.push(problem)
      frame.isReported ||= !isLink
    }
  }

  #lookAtFile(found: Found, moment: Moment, frame: Frame, entry: Entry): void {
    // The marker before the file itself, so that what it vouches for is what is seen.
    const marked = this.#isMarked(frame, entry)
    const path = joined(frame.place.shown, entry.name)
    const stats = statAt(path)
    if (stats?.isFile() === true) this.#take(found, moment, { path, rawPath: null, stats, marked })
  }

  #look(found: Found, moment: Moment, frame: Frame, visit: Visit): void {
    const { entry, place, below, isTaken } = visit
    if (entry.raw !== null && isMistakable(frame.place, entry)) {
      found.problems.push(sameName(place.shown))
      return
    }
    if (entry.kind === 'folder') {
      this.#descend(found, frame, visit)
      return
    }
    const marked = isTaken && this.#isMarked(frame, entry)
    const stats = statOf(place)
    if (stats?.isFile() === true) {
      if (isTaken) this.#take(found, moment, { path: place.shown, rawPath: place.raw?.toString('base64') ?? null, stats, marked })
    } else if (entry.kind === 'link' && below.length > 0 && stats?.isDirectory() === true) {
      this.#descend(found, frame, visit)
    }
  }

  /**
   * A folder that the walk is in would never end; what lies there is found by the shorter path. Without links, no
   * folder lies in itself, and nothing need be looked up.
   */
  #descend(found: Found, frame: Frame, { entry, place, below }: Visit): void {
    const isLinked = frame.isLinked || entry.kind === 'link'
    const identity = isLinked ? identityAt(place) : undefined
    if (identity !== undefined && this.#isAbove(identity)) return
    this.#enter(found, place, { prefix: `${frame.prefix}${entry.name}/`, positions: below, isLinked })
  }

  #enter(
    found: Found,
    place: Place,
    at: { readonly prefix: string; readonly positions: readonly number[]; readonly isLinked: boolean },
  ): void {
    const { prefix, positions, isLinked } = at
    const names = onlyNames(this.#rules.pattern.glob, positions)
    try {
      this.#options.onFolder?.(place)
      const entries = names === undefined ? listedEntries(place) : namedEntries(place, names)
      this.#frames.push({ place, prefix, positions, entries, isLinked, identity: undefined, isMarked: undefined, isReported: false })
    } catch (error) {
      // A folder that went away since its name was read holds nothing; its files will be seen where they are now.
      if (!isAbsent(error)) found.problems.push(unreadable(place.shown, error))
    }
  }

  #take(found: Found, moment: Moment, { path, rawPath, stats, marked }: Looked): void {
    const completeness = completenessOf(stats, marked, moment)
    if (completeness.kind === 'tooOld') return
    if (completeness.kind === 'complete' && rawPath === null) {
      if (this.#chunk.add(path, stats.size, stats.mtimeNs)) this.#endChunk(found)
      return
    }
    const file = seenFile(path, rawPath, stats.size, stats.mtimeNs)
    if (completeness.kind === 'complete') found.files.push(file)
    else if (completeness.kind === 'marker') found.waiting.push({ file, reason: 'marker', readyInMs: null })
    else found.waiting.push({ file, reason: 'settling', readyInMs: completeness.readyInMs })
  }

  #isMarked(frame: Frame, entry: Entry): boolean {
    const { marker } = this.#rules
    if (marker === null) return true
    if (marker.includes('{name}')) return isMarked(frame.place, entry.name, entry.raw, marker)
    frame.isMarked ??= isMarked(frame.place, entry.name, null, marker)
    return frame.isMarked
  }

  #isAbove(identity: string): boolean {
    return this.#frames.some((frame) => {
      frame.identity ??= identityAt(frame.place)
      return frame.identity === identity
    })
  }
}

interface Looked {
  readonly path: string
  readonly rawPath: string | null
  readonly stats: BigIntStats
  readonly marked: boolean
}

interface Visit {
  readonly entry: Entry
  readonly place: Place
  readonly below: readonly number[]
  readonly isTaken: boolean
}

function isGone(place: Place): boolean {
  try {
    return statOf(place) === undefined
  } catch {
    // What cannot be looked at may well be there.
    return false
  }
}

function identityAt(place: Place): string | undefined {
  const stats = statOf(place)
  return stats === undefined ? undefined : identityOf(stats)
}

export function identityOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}`
}

/** Whether a name that is not UTF-8 is shown like another one; then the other is meant. */
function isMistakable(folder: Place, entry: Entry): boolean {
  return !entry.isUnique || kindOf(childOf(folder, entry.name, null)) !== undefined
}

function sameName(path: string): IngestError {
  const hint = 'rename the file whose name is not UTF-8'
  return new UnavailableError('ING-SOURCE-NAME', `${path} is not taken: its name is not UTF-8 and is shown like another name`, { hint })
}

function missing(path: string, reason: string): IngestError {
  return new UnavailableError('ING-SOURCE-MISSING', `the source ${path} ${reason}`, { hint: 'create it, or mend source_path_pattern' })
}
