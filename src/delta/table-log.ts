import type { Blobs } from '../blobs/blobs.ts'
import type { Session } from '../engine/engine.ts'
import { type LogState, Snapshot, type SnapshotOptions } from './snapshot.ts'

/** The log of a table that may not exist yet, at the version that was read last. */
export class TableLog {
  readonly name: string
  readonly blobs: Blobs
  readonly session: Session
  readonly #options: SnapshotOptions
  #snapshot: Snapshot | undefined

  private constructor(name: string, blobs: Blobs, session: Session, options: SnapshotOptions) {
    this.name = name
    this.blobs = blobs
    this.session = session
    this.#options = options
  }

  static async open(name: string, blobs: Blobs, session: Session, options: SnapshotOptions = {}): Promise<TableLog> {
    const log = new TableLog(name, blobs, session, options)
    await log.advance()
    return log
  }

  get snapshot(): Snapshot | undefined {
    return this.#snapshot
  }

  get state(): LogState | undefined {
    return this.#snapshot?.state
  }

  /** Reads on to the newest version; the versions that are new, none for a table that is opened just now. */
  async advance(): Promise<readonly bigint[]> {
    if (this.#snapshot) return this.#snapshot.advance()
    this.#snapshot = await Snapshot.open(this.name, this.blobs, this.session, this.#options)
    return []
  }

  /** Takes over the state after our own commit, which is in the log by now: nothing may fail it any more. */
  async committed(state: LogState | undefined): Promise<void> {
    if (this.#snapshot && state) this.#snapshot.committed(state)
    // A new table that cannot be read right now is opened by the next call.
    else await this.advance().catch(() => [])
  }

  async close(): Promise<void> {
    await this.#snapshot?.close()
  }
}
