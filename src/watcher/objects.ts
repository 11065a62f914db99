import pLimit from 'p-limit'
import type { ObjectEntry, ObjectStore } from '../blobs/objects.ts'
import { type IngestError, UnavailableError } from '../errors/errors.ts'
import type { Clock } from '../lib/clock.ts'
import type { FileSeen } from '../model/file.ts'
import { completenessOf, type Moment, markerOf, momentOf } from './complete.ts'
import { completeSteps, waitingOf } from './decisions.ts'
import { ignoredPath } from './ignore.ts'
import { matchesPattern, nearMiss } from './match.ts'
import type { DateFolders } from './object-dates.ts'
import { type FoundObject, type FoundPage, keyOf, walkObjects } from './object-walk.ts'
import { below } from './pattern.ts'
import type { SourceRules } from './rules.ts'
import type { DecisionStep, Lister, ListingPage, Sighting, WaitingFile } from './watcher.ts'

/** What a lister of a bucket works with. */
export interface ObjectListing {
  readonly rules: SourceRules
  /** Opened when it is first needed. */
  readonly open: () => Promise<Pick<ObjectStore, 'list' | 'head'>>
  readonly clock: Clock
  readonly dates: DateFolders
  /** Passes over folders that are named by dates before those that are new; otherwise all is listed, and the folders are learned. */
  readonly onlyNew: boolean
}

/** Files of a page; what a listing holds in memory. */
const PAGE = 10_000

/** Markers that are asked for at the same time. */
const ASKED = 32

/**
 * Looks for the files of a table in a bucket, by the decisions of a folder. An object is whole when it is visible; `settle_seconds` holds all the
 * same, by the time that the store gives it, since what writes to a store with appends may not be done. Errors of the store are thrown.
 */
export function objectLister({ rules, open, clock, dates, onlyNew }: ObjectListing): Lister {
  return {
    base: rules.pattern.base,
    pages: async function* (signal) {
      const store = await open()
      if (!onlyNew) dates.clear()
      const markers = new Markers(rules, store)
      const found = walkObjects({ rules, store, dates, nowMs: onlyNew ? clock.now() : undefined, signal })
      yield* pagesOf(found, markers, { rules, clock })
    },
    look: (path) => lookAt(path, { rules, open, clock }),
  }
}

interface Page {
  files: Map<string, FileSeen>
  waiting: Map<string, WaitingFile>
  problems: IngestError[]
}

async function* pagesOf(
  found: AsyncIterable<FoundPage>,
  markers: Markers,
  { rules, clock }: Pick<ObjectListing, 'rules' | 'clock'>,
): AsyncGenerator<ListingPage, void, undefined> {
  let page = emptyPage()
  for await (const listed of found) {
    const { objects } = listed
    const marked = await markers.of(listed)
    const moment = momentOf(rules.complete, clock.now())
    for (const [index, object] of objects.entries()) take(page, object, { rules, moment, marked: marked?.[index] ?? true })
    if (page.files.size + page.waiting.size + page.problems.length < PAGE) continue
    yield asListed(page)
    page = emptyPage()
  }
  if (page.files.size + page.waiting.size + page.problems.length > 0) yield asListed(page)
}

function emptyPage(): Page {
  return { files: new Map(), waiting: new Map(), problems: [] }
}

/** A store that gives an object twice gives one file. */
function asListed({ files, waiting, problems }: Page): ListingPage {
  return { files: [...files.values()], waiting: [...waiting.values()], problems }
}

interface Judging {
  readonly rules: SourceRules
  readonly moment: Moment
  readonly marked: boolean
}

function take({ files, waiting, problems }: Page, { entry, relative }: FoundObject, { rules, moment, marked }: Judging): void {
  const file = fileOf(rules, entry, relative)
  if (relative === '' || relative.endsWith('/')) {
    problems.push(folderWithBytes(file.path))
    return
  }
  const completeness = completenessOf(timesOf(file), marked, moment)
  if (completeness.kind === 'tooOld') return
  const young = waitingOf(completeness, file)
  if (young === undefined) files.set(file.path, file)
  else waiting.set(file.path, young)
}

function fileOf({ pattern }: SourceRules, { size, modifiedMs, etag }: ObjectEntry, relative: string): FileSeen {
  return {
    path: `${pattern.base}/${relative}`,
    rawPath: null,
    size,
    modifiedNs: BigInt(Math.round(modifiedMs)) * 1_000_000n,
    version: etag,
  }
}

/** The clock of a store may be ahead of this one, and its objects are whole: a time in the future is none to wait for. */
function timesOf({ modifiedNs }: FileSeen) {
  return { mtimeNs: modifiedNs, ctimeNs: 0n }
}

function folderWithBytes(path: string): IngestError {
  const hint = 'rename the object, so that its key does not end with a slash'
  return new UnavailableError('ING-SOURCE-NAME', `${path} is not taken: its key ends with a slash, as that of a folder does`, { hint })
}

/** Markers of files or of folders: looked for among the keys that were listed beside, and asked for one by one where they are not there. */
class Markers {
  readonly #rules: SourceRules
  readonly #store: Pick<ObjectStore, 'head'>
  readonly #limit = pLimit(ASKED)
  /** Markers of folders that were asked for lately. */
  readonly #folders = new Map<string, Promise<boolean>>()

  constructor(rules: SourceRules, store: Pick<ObjectStore, 'head'>) {
    this.#rules = rules
    this.#store = store
  }

  /** Whether each has its marker; undefined where none is asked for. */
  async of({ objects, keys }: FoundPage): Promise<readonly boolean[] | undefined> {
    if (keys === undefined) return undefined
    return Promise.all(objects.map(({ relative }) => this.isMarked(relative, keys)))
  }

  isMarked(relative: string, listed?: ReadonlySet<string>): Promise<boolean> {
    const { marker } = this.#rules
    if (marker === null) return Promise.resolve(true)
    const slash = relative.lastIndexOf('/') + 1
    const wanted = keyOf(this.#rules, relative.slice(0, slash) + markerOf(relative.slice(slash), marker))
    if (listed?.has(wanted) === true) return Promise.resolve(true)
    const ask = () => this.#limit(async () => (await this.#store.head(wanted)) !== undefined)
    if (marker.includes('{name}')) return ask()
    const known = this.#folders.get(wanted) ?? ask()
    if (this.#folders.size >= PAGE) this.#folders.clear()
    this.#folders.set(wanted, known)
    return known
  }
}

/** The decisions of the walk about one path, until the first that says no. */
async function lookAt(path: string, { rules, open, clock }: Pick<ObjectListing, 'rules' | 'open' | 'clock'>): Promise<Sighting> {
  const steps: DecisionStep[] = []
  const pass = (check: string, detail: string) => steps.push({ check, passed: true, detail })
  const stop = (check: string, detail: string): Sighting => ({ file: undefined, steps: [...steps, { check, passed: false, detail }] })

  const { pattern } = rules
  const relative = below(pattern.base, path)
  if (relative === undefined || !matchesPattern(pattern, path)) return stop('matched', nearMiss(pattern, path, rules.subject))
  pass('matched', `matches ${rules.subject}: ${pattern.text}`)

  const rule = ignoredPath(rules.ignored, relative)
  if (rule !== undefined) return stop('not_ignored', rule)
  pass('not_ignored', 'no rule ignores it')

  const store = await open()
  // Before the object itself, so that what it vouches for is what is seen.
  const marked = await new Markers(rules, store).isMarked(relative)
  const entry = await store.head(keyOf(rules, relative))
  if (entry === undefined) return stop('exists', 'there is no such object')
  pass('exists', 'it is there')
  if (relative.endsWith('/')) return stop('regular_file', 'its key ends with a slash, as that of a folder does')
  pass('regular_file', 'it is an object')

  const file = fileOf(rules, entry, relative)
  const completeness = completenessOf(timesOf(file), marked, momentOf(rules.complete, clock.now()))
  return { file, waiting: waitingOf(completeness, file), steps: [...steps, ...completeSteps(rules, completeness, file)] }
}
