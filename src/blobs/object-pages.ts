import { UnavailableError } from '../errors/errors.ts'
import { compareKeys } from './object-order.ts'
import type { ListOptions, ObjectEntry, ObjectPage } from './objects.ts'

/** A page as the store sent it, and where the next one is. */
export interface RawPage extends ObjectPage {
  /** Undefined at the end. */
  readonly next: string | undefined
}

const REPEATS = 5

/**
 * Pages as they are given out. A page that the store sends again is left out, and one without an end is an error: stores behind
 * proxies and caches do so. Nothing is left out that was not given out, whatever the order.
 */
export async function* checkedPages(
  root: string,
  pageAt: (next: string | undefined) => Promise<RawPage>,
  { after, signal }: ListOptions,
): AsyncIterable<ObjectPage> {
  const progress = new Progress(root, after)
  for (let next: string | undefined; ; ) {
    signal?.throwIfAborted()
    const raw = await pageAt(next)
    const page = progress.take(raw, next)
    if (page !== undefined) yield page
    if (raw.next === undefined) return
    next = raw.next
  }
}

class Progress {
  readonly #root: string
  readonly #after: string | undefined
  /** Of the page before. */
  #known: ReadonlySet<string> = new Set()
  #last: string | undefined
  #repeats = 0

  constructor(root: string, after: string | undefined) {
    this.#root = root
    this.#after = after
  }

  /** What is new of a page that was asked for by a token. */
  take(raw: RawPage, token: string | undefined): ObjectPage | undefined {
    const received = namesOf(raw)
    const page = fresh(raw, this.#known, this.#after)
    const names = namesOf(page)
    const last = this.#last
    if (last !== undefined && !names.every((name) => isAfter(name, last))) throw unordered(this.#root, last)
    this.#count(raw, token, names.length)
    if (received.length > 0) this.#known = new Set(received)
    if (names.length === 0) return undefined
    this.#last = names.reduce((one, other) => (compareKeys(one, other) > 0 ? one : other))
    return sorted(page)
  }

  /** Pages that filters leave empty are lawful, and lead to another one. */
  #count(raw: RawPage, token: string | undefined, taken: number): void {
    const isRepeated = taken === 0 && raw.next !== undefined && (raw.next === token || namesOf(raw).some((name) => this.#known.has(name)))
    this.#repeats = isRepeated ? this.#repeats + 1 : 0
    if (this.#repeats > REPEATS) throw endless(this.#root)
  }
}

function namesOf({ objects, prefixes }: ObjectPage): readonly string[] {
  return [...objects.map(({ key }) => key), ...prefixes]
}

function fresh({ objects, prefixes }: ObjectPage, known: ReadonlySet<string>, after: string | undefined): ObjectPage {
  const isNew = (name: string): boolean => !known.has(name) && (after === undefined || compareKeys(name, after) > 0)
  return { objects: objects.filter(({ key }) => isNew(key)), prefixes: prefixes.filter(isNew) }
}

/** Some stores sort by UTF-16, which differs for rare characters alone. */
function isAfter(name: string, last: string): boolean {
  return compareKeys(name, last) > 0 || name > last
}

function sorted({ objects, prefixes }: ObjectPage): ObjectPage {
  const byKey = (one: ObjectEntry, other: ObjectEntry): number => compareKeys(one.key, other.key)
  return { objects: [...objects].sort(byKey), prefixes: [...prefixes].sort(compareKeys) }
}

function unordered(root: string, last: string): UnavailableError {
  return new UnavailableError('ING-STORAGE-LISTING', `${root}: the listing went back before ${JSON.stringify(last)}`, {
    hint: 'it is tried again; a store that never lists keys in order cannot be used (docs/object-stores.md)',
  })
}

function endless(root: string): UnavailableError {
  return new UnavailableError('ING-STORAGE-LISTING', `${root}: the store sends the same page of a listing again and again`, {
    hint: 'it is tried again; look at the proxy or cache before the store',
  })
}
