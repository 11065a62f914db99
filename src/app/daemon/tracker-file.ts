import { statSync } from 'node:fs'
import { UnavailableError } from '../../errors/errors.ts'

/** The file of the tracker: one that was deleted is still open here, and what is written then is lost with this process. */
export class TrackerFile {
  readonly #path: string
  readonly #identity: string | undefined

  constructor(path: string) {
    this.#path = path
    this.#identity = identityOf(path)
  }

  /** UnavailableError `ING-TRACKER-GONE` when another file, or none, lies there by now, or the daemon's lock beside it went. */
  check(isLocked: boolean): void {
    if (isLocked && identityOf(this.#path) === this.#identity) return
    throw new UnavailableError('ING-TRACKER-GONE', `the tracker ${this.#path} was deleted or replaced while the daemon worked with it`, {
      hint: 'put it back, or restore a backup, or run: ingest tracker rebuild; then start the daemon',
    })
  }
}

function identityOf(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}`
}
