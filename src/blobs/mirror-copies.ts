import { createHash } from 'node:crypto'
import pLimit from 'p-limit'
import { UnavailableError } from '../errors/errors.ts'
import type { LocalMirror } from './local-mirror.ts'
import type { ObjectEntry, ObjectStore } from './objects.ts'

/** Files of the log may be written anew under their names, so their copies bear the etag. */
export const LOG = '_delta_log/'
/** Objects up to so many bytes are read by one request, and lie in the memory meanwhile. */
const SMALL = 1024n * 1024n
const SMALL_AT_ONCE = 32
/** Each is read in parts that go at the same time. */
const LARGE_AT_ONCE = 4
/** Looks at an object that changes while it is read. */
const LOOKS = 5

type Known = Pick<ObjectEntry, 'key' | 'size' | 'etag'>
type Outcome = 'read' | 'absent' | 'changed'

/** Brings copies of objects into a mirror. */
export class MirrorCopies {
  readonly #store: ObjectStore
  readonly #prefix: string
  readonly #mirror: LocalMirror
  /** Files of the log as they were listed last, by their paths. */
  readonly #log = new Map<string, Known>()
  readonly #small = pLimit(SMALL_AT_ONCE)
  readonly #large = pLimit(LARGE_AT_ONCE)

  constructor(store: ObjectStore, prefix: string, mirror: LocalMirror) {
    this.#store = store
    this.#prefix = prefix
    this.#mirror = mirror
  }

  /** A listing of the log begins: of a whole one, what it does not show is not there. */
  listing(isWhole: boolean): void {
    if (isWhole) this.#log.clear()
  }

  listed(path: string, entry: Known): void {
    this.#log.set(path, entry)
  }

  forgotten(path: string): void {
    this.#log.delete(path)
  }

  /** The place of a copy of each; one without a file for what is not there. */
  async fetch(paths: readonly string[], sizes: readonly (bigint | null)[]): Promise<readonly string[]> {
    return Promise.all(
      paths.map((path, index) => this.#small(() => (path.startsWith(LOG) ? this.#entry(path) : this.#file(path, sizes[index] ?? null)))),
    )
  }

  placeOf(path: string, etag: string): string {
    if (!path.startsWith(LOG)) return this.#mirror.path(path)
    const cut = path.lastIndexOf('/') + 1
    const mark = createHash('sha256').update(etag).digest('hex').slice(0, 16)
    return this.#mirror.path(`${path.slice(0, cut)}${mark}-${path.slice(cut)}`)
  }

  /** By what was listed; an object that is another by now is looked at anew. */
  async #entry(path: string): Promise<string> {
    const known = this.#log.get(path)
    if (known !== undefined && (await this.#copied(path, known)) === 'read') return this.placeOf(path, known.etag)
    return this.#looked(path)
  }

  /** A name that is not of the log never gets another content. */
  async #file(path: string, size: bigint | null): Promise<string> {
    const place = this.#mirror.path(path)
    if (await this.#mirror.has(place, size)) return place
    return size === null || size === 0n || size > SMALL ? this.#looked(path) : this.#readWhole(path, place, size)
  }

  async #looked(path: string): Promise<string> {
    for (let look = 0; look < LOOKS; look += 1) {
      const known = await this.#store.head(this.#prefix + path)
      const outcome = known === undefined ? 'absent' : await this.#copied(path, known)
      if (known !== undefined && outcome === 'read') return this.placeOf(path, known.etag)
      if (outcome === 'absent') return this.#absent(path)
    }
    throw new UnavailableError('ING-STORAGE', `${path} was written anew again and again while it was read`)
  }

  /** Without a look at the object before it: the log tells how long it is. */
  async #readWhole(path: string, place: string, size: bigint): Promise<string> {
    const result = await this.#store.read(this.#prefix + path, { bytes: Number(size) + 1 })
    if (result.kind !== 'read') return this.#absent(path)
    await this.#mirror.take(place, (temporary) => this.#written(temporary, result.content))
    return place
  }

  async #copied(path: string, known: Known): Promise<Outcome> {
    const place = this.placeOf(path, known.etag)
    if (await this.#mirror.has(place, known.size)) return 'read'
    let outcome: Outcome = 'absent'
    await this.#mirror.take(place, async (temporary) => {
      outcome = await (known.size > SMALL ? this.#large(() => this.#store.download(known, temporary)) : this.#read(known, temporary))
      return outcome === 'read'
    })
    return outcome
  }

  async #read({ key, etag }: Known, temporary: string): Promise<Outcome> {
    const result = await this.#store.read(key, { etag })
    if (result.kind === 'read') await this.#written(temporary, result.content)
    return result.kind
  }

  async #written(path: string, content: Uint8Array): Promise<true> {
    await this.#mirror.write(path, content)
    return true
  }

  /** A place without a file, whatever copies there were. */
  async #absent(path: string): Promise<string> {
    const place = this.#mirror.path(path)
    await this.#mirror.forget(place)
    return place
  }
}
