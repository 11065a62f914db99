import type { ObjectEntry, ObjectPage, ObjectStore } from '../blobs/objects.ts'
import { enterFolder, type Glob, takesFile } from '../lib/glob.ts'
import { ignoredPath } from './ignore.ts'
import { onlyNames } from './match.ts'
import type { DateFolders } from './object-dates.ts'
import type { SourceRules } from './rules.ts'

/** What a walk over the keys of a bucket needs. */
export interface ObjectSource {
  readonly rules: SourceRules
  readonly store: Pick<ObjectStore, 'list' | 'head'>
  /** Folders that are named by dates. */
  readonly dates: DateFolders
  /** Given where old ones of these are passed over: what time it is. */
  readonly nowMs: number | undefined
  readonly signal: AbortSignal
}

/** An object with its place below the base of the source. */
export interface FoundObject {
  readonly entry: ObjectEntry
  /** Below the base. */
  readonly relative: string
}

/** What one request gave. */
export interface FoundPage {
  readonly objects: readonly FoundObject[]
  /** All keys that were listed beside them, where the source has markers. */
  readonly keys: ReadonlySet<string> | undefined
}

/** A folder is the part of keys up to a slash; below the base, empty for the base itself. */
interface Folder {
  readonly path: string
  /** Where in the pattern the names of this folder are compared. */
  readonly positions: readonly number[]
}

/** Folders that are listed at the same time; each holds a page. */
const WIDTH = 8

/** Objects that the pattern takes and no rule ignores, page by page. `positions` are those of the base. */
export function walkObjects(source: ObjectSource): AsyncGenerator<FoundPage, void, undefined> {
  return walkFolder(source, { path: '', positions: source.rules.pattern.glob.start }, WIDTH)
}

/** The key of a path below the base. */
export function keyOf({ pattern }: SourceRules, relative: string): string {
  const base = pattern.base.slice(pattern.root.length + 1)
  return base === '' ? relative : `${base}/${relative}`
}

async function* walkFolder(source: ObjectSource, folder: Folder, width: number): AsyncGenerator<FoundPage, void, undefined> {
  const { rules, dates, nowMs } = source
  const { glob } = rules.pattern
  const names = onlyNames(glob, folder.positions)
  if (names !== undefined) yield* walkNames(source, folder, names, width)
  else if (isListedFlat(glob, folder.positions) && !(nowMs !== undefined && dates.leadsToDates(folder.path)))
    yield* matching(source, folder)
  else yield* walkLevel(source, folder, width)
}

/** Where the pattern names what there is, nothing is listed to find it. */
async function* walkNames(
  source: ObjectSource,
  folder: Folder,
  names: readonly string[],
  width: number,
): AsyncGenerator<FoundPage, void, undefined> {
  const { rules, store } = source
  const { glob } = rules.pattern
  for (const name of names) {
    const relative = folder.path + name
    if (rules.ignored(name, folder.path) !== undefined) continue
    if (takesFile(glob, folder.positions, name)) {
      const entry = await store.head(keyOf(rules, relative))
      if (entry !== undefined) {
        source.dates.see(folder.path)
        yield { objects: [{ entry, relative }], keys: rules.marker === null ? undefined : new Set() }
      }
    }
    const positions = enterFolder(glob, folder.positions, name)
    if (positions.length > 0) yield* walkFolder(source, { path: `${relative}/`, positions }, width)
  }
}

/** One level with a delimiter, and then the folders that the pattern can lead into. */
async function* walkLevel(source: ObjectSource, folder: Folder, width: number): AsyncGenerator<FoundPage, void, undefined> {
  const { rules, dates, nowMs } = source
  const { glob } = rules.pattern
  const below: Folder[] = []
  for await (const page of pagesOf(source, folder, '/')) {
    const found = taken(source, folder, page)
    if (found.objects.length > 0) yield found
    for (const prefix of page.prefixes) {
      const path = prefix.slice(keyOf(rules, '').length)
      const name = path.slice(folder.path.length, -1)
      const positions = enterFolder(glob, folder.positions, name)
      if (positions.length === 0 || rules.ignored(name, folder.path) !== undefined) continue
      if (nowMs === undefined || !dates.isOld(path, nowMs)) below.push({ path, positions })
    }
  }
  // Only one level of many folders is walked at the same time, so that the width bounds all of it.
  const inner = below.length > 1 ? 1 : width
  yield* merged(below, below.length > 1 ? width : 1, (next) => walkFolder(source, next, inner))
}

/** All keys below a folder that can match, without regard to folders. */
async function* matching(source: ObjectSource, folder: Folder): AsyncGenerator<FoundPage, void, undefined> {
  for await (const page of pagesOf(source, folder, undefined)) {
    const found = taken(source, folder, page)
    if (found.objects.length > 0) yield found
  }
}

async function* pagesOf({ rules, store, signal }: ObjectSource, folder: Folder, delimiter: '/' | undefined): AsyncGenerator<ObjectPage> {
  const prefix = keyOf(rules, folder.path) + commonPrefix(rules.pattern.glob, folder.positions)
  for await (const page of store.list(prefix, { delimiter, signal })) {
    signal.throwIfAborted()
    yield page
  }
}

/**
 * What of a page is taken. Keys come sorted, so that what is decided of a folder is decided once for its files. A key that ends with a slash
 * is what consoles make for an empty folder.
 */
function taken({ rules, dates }: ObjectSource, from: Folder, { objects }: ObjectPage): FoundPage {
  const { glob } = rules.pattern
  const above = keyOf(rules, '').length
  const found: FoundObject[] = []
  let folder: string | undefined
  let positions: readonly number[] = []
  for (const entry of objects) {
    const relative = entry.key.slice(above)
    const path = withoutSlash(relative)
    if (path !== relative && entry.size === 0n) continue
    const slash = path.lastIndexOf('/') + 1
    if (folder === undefined || path.slice(0, slash) !== folder) {
      folder = path.slice(0, slash)
      positions = positionsOf(rules, from, folder)
    }
    const name = path.slice(slash)
    if (takesFile(glob, positions, name) && rules.ignored(name, folder) === undefined) found.push({ entry, relative })
  }
  for (const seen of new Set(found.map(({ relative }) => relative.slice(0, relative.lastIndexOf('/') + 1)))) dates.see(seen)
  return { objects: found, keys: rules.marker === null ? undefined : new Set(objects.map(({ key }) => key)) }
}

function withoutSlash(key: string): string {
  return key.endsWith('/') ? key.slice(0, -1) : key
}

/** Where the names of a folder are compared that a listing met somewhere below another one; none in one that is ignored. */
function positionsOf(rules: SourceRules, from: Folder, folder: string): readonly number[] {
  const names = folder.slice(from.path.length).split('/').slice(0, -1)
  let positions = from.positions
  for (const name of names) positions = enterFolder(rules.pattern.glob, positions, name)
  if (names.length === 0 || positions.length === 0) return positions
  return ignoredPath(rules.ignored, folder.slice(0, -1)) === undefined ? positions : []
}

/**
 * Whether all keys below a folder are listed in one row rather than folder by folder: where the pattern takes any depth, and where most folders
 * match, so that to look into each by itself would save nothing.
 */
function isListedFlat({ steps }: Glob, positions: readonly number[]): boolean {
  let hasFolders = false
  for (const position of positions) {
    for (let at = position; ; at += 1) {
      const step = steps[at]
      if (step === undefined || step.segment.kind === 'deep') return true
      if (step.last) break
      hasFolders = true
      if (step.segment.kind === 'literal' || !/^[^*]*\*$/.test(step.segment.text)) return false
    }
  }
  return hasFolders
}

/** What all keys begin with that can match below a folder. */
function commonPrefix({ steps }: Glob, positions: readonly number[]): string {
  const beginnings = positions.map((position) => {
    const segment = steps[position]?.segment
    if (segment === undefined || segment.kind === 'deep') return ''
    return segment.kind === 'literal' ? segment.text : (/^[^*?[\\]*/.exec(segment.text)?.[0] ?? '')
  })
  const [first = '', ...others] = beginnings
  let length = first.length
  for (const other of others) while (!other.startsWith(first.slice(0, length))) length -= 1
  return first.slice(0, length)
}

/** What several generators give, some of them at the same time, in the order in which it comes. */
async function* merged<T, R>(
  items: readonly T[],
  width: number,
  begin: (item: T) => AsyncGenerator<R, void, undefined>,
): AsyncGenerator<R, void, undefined> {
  const running = new Map<AsyncGenerator<R, void, undefined>, Promise<Answer<R>>>()
  const advance = (from: AsyncGenerator<R, void, undefined>) =>
    running.set(
      from,
      from.next().then((result) => ({ from, result })),
    )
  let next = 0
  try {
    for (;;) {
      for (; running.size < width && next < items.length; next += 1) advance(begin(items[next] as T))
      if (running.size === 0) return
      const { from, result } = await Promise.race(running.values())
      if (result.done === true) running.delete(from)
      else {
        advance(from)
        yield result.value
      }
    }
  } finally {
    for (const [from, pending] of running) {
      pending.catch(() => undefined)
      from.return().catch(() => undefined)
    }
  }
}

interface Answer<R> {
  readonly from: AsyncGenerator<R, void, undefined>
  readonly result: IteratorResult<R, void>
}
