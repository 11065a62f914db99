import type { ResolvedConfig } from '../../config/config.ts'
import type { Clock } from '../../lib/clock.ts'
import type { TableReport } from '../../model/report.ts'
import type { Owner } from '../../pipeline/recover.ts'
import type { Tracker } from '../../tracker/tracker.ts'
import type { LoadProcess } from '../load-process.ts'
import type { Logger } from '../log.ts'
import { PUBLISH_PROBLEM, publishTracker } from '../tracker-publish.ts'

/** The turn in which the tracker is published: no name of a table. */
export const PUBLISHING = ' tracker'

/** A table of all files is written anew each time: a steady stream of batches waits for each other. */
const LEAST_PAUSE_MS = 60_000

interface PublisherParts {
  readonly config: ResolvedConfig
  readonly tracker: Tracker
  readonly owner: Owner
  readonly clock: Clock
  readonly log: Logger
}

/** Publishes the tracker of a daemon once turns have changed it, with `publish_tracker`. */
export class Publisher implements Disposable {
  readonly #parts: PublisherParts
  readonly #want: () => void
  #isDue = false
  #notBeforeMs = 0
  #timer: NodeJS.Timeout | undefined

  constructor(parts: PublisherParts, want: () => void) {
    this.#parts = parts
    this.#want = want
  }

  /** Whether turns changed what was published. */
  get isDue(): boolean {
    return this.#isDue
  }

  /** A turn has ended. */
  told({ version, files }: TableReport): void {
    if (!this.#parts.config.trackerCare.publishAfterRun) return
    if (version === null && files.failed + files.skipped === 0) return
    this.#isDue = true
    this.#plan()
  }

  /** Whatever becomes of it, loads go on. */
  async turn(config: ResolvedConfig, worker: LoadProcess): Promise<void> {
    const { tracker, owner, clock, log } = this.#parts
    this.#isDue = false
    try {
      await publishTracker({ config, tracker, owner, clock, worker })
    } catch (err) {
      log.warn({ err }, PUBLISH_PROBLEM)
      this.#isDue = true
    }
    this.#notBeforeMs = performance.now() + LEAST_PAUSE_MS
    if (this.#isDue) this.#plan()
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
  }

  #plan(): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined
        this.#want()
      },
      Math.max(0, this.#notBeforeMs - performance.now()),
    )
  }
}
