import type { KnownListing, Tracker } from '../tracker/tracker.ts'
import type { KnownChunks, ListingPage } from '../watcher/watcher.ts'

/** Below as many files to compare them all costs less than to remember anything. */
const WORTH_REMEMBERING = 10_000

/** What the last listing of a table found known: this one passes over it, and finds what the next one may pass over. */
export class KnownFiles implements KnownChunks {
  readonly #tracker: Tracker
  readonly #table: string
  readonly #before: KnownListing
  readonly #known: ReadonlySet<string>
  readonly #now = new Set<string>()
  #files = 0

  private constructor(tracker: Tracker, table: string, before: KnownListing) {
    this.#tracker = tracker
    this.#table = table
    this.#before = before
    this.#known = new Set(before.chunks)
  }

  static async of(tracker: Tracker, table: string): Promise<KnownFiles> {
    return new KnownFiles(tracker, table, await tracker.knownListing(table))
  }

  has(chunk: string): boolean {
    if (!this.#known.has(chunk)) return false
    this.#now.add(chunk)
    return true
  }

  /** The tracker was asked about a page. */
  compared({ chunks = [], files, known = 0 }: ListingPage, allKnown: boolean): void {
    if (chunks.length + known > 0) this.#files += files.length + known
    if (allKnown) for (const chunk of chunks) this.#now.add(chunk)
  }

  /** The listing came to its end: what it did not meet is gone. */
  async remember(): Promise<void> {
    if (this.#files <= WORTH_REMEMBERING) return
    const isSame = this.#now.size === this.#known.size && [...this.#now].every((chunk) => this.#known.has(chunk))
    if (!isSame) await this.#tracker.rememberListing(this.#table, { chunks: [...this.#now], at: this.#before.at })
  }
}
