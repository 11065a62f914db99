import { createHash } from 'node:crypto'
import type { Clock } from '../lib/clock.ts'
import type { Batch, BatchOutcome } from '../model/batch.ts'
import { compareFiles, type FileSeen } from '../model/file.ts'
import type { TableConfig } from '../model/table.ts'
import type { LoadedUnit, Tracker } from '../tracker/tracker.ts'

/** Where the tracker remembers what `skip_unchanged` goes by. */
const CONTENT = 'content'

interface Known {
  /** The batch that loaded it: with another one in the log since, it tells nothing. */
  readonly batch: string
  readonly hash: string
  readonly loadedAtMs: number
  /** The newest file that was seen with this content, by which older snapshots are told. */
  readonly newest: { readonly path: string; readonly modifiedNs: string; readonly unit: string }
}

export interface UnchangedPass {
  readonly table: TableConfig
  readonly tracker: Tracker
  readonly clock: Clock
  /** Undefined where a file cannot be read. */
  readonly contentHash: (files: readonly FileSeen[], algorithm: 'sha256' | 'md5') => Promise<string | undefined>
}

/** `skip_unchanged`: what would be loaded now is compared with what the last batch loaded. */
export class Unchanged {
  readonly #pass: UnchangedPass
  #compared: { readonly files: readonly FileSeen[]; readonly hash: string } | undefined

  constructor(pass: UnchangedPass) {
    this.#pass = pass
  }

  /** The newest snapshot of those that were passed over since the last batch. */
  async newest(lastBatch: bigint | null): Promise<LoadedUnit | undefined> {
    const known = await this.#known(lastBatch)
    return known && { ...known.newest, modifiedNs: BigInt(known.newest.modifiedNs) }
  }

  /** Why the files need no load; undefined where they do. */
  async reason(files: readonly FileSeen[], units: ReadonlyMap<string, string>, lastBatch: bigint | null): Promise<string | undefined> {
    const { table, tracker, clock, contentHash } = this.#pass
    this.#compared = undefined
    const newest = files.toSorted(compareFiles).at(-1)
    if (!table.unchanged.skip || newest === undefined) return undefined
    const content = await contentHash(files, table.unchanged.hash)
    if (content === undefined) return undefined
    const hash = `${content} ${settingsHash(table)}`
    this.#compared = { files, hash }
    const known = await this.#known(lastBatch)
    const { forceReloadAfterMs } = table.unchanged
    if (known?.hash !== hash) return undefined
    if (forceReloadAfterMs !== null && clock.now() - known.loadedAtMs >= forceReloadAfterMs) return undefined
    await tracker.remember(table.name, CONTENT, JSON.stringify({ ...known, newest: placeOf(newest, units) }))
    return `its content is that of the last load, of ${new Date(known.loadedAtMs).toISOString()}`
  }

  /** Remembers what a batch loaded, if it is all that was compared. A process that dies before it loads the same once more. */
  async loaded(batch: Batch, outcome: BatchOutcome): Promise<void> {
    const { table, tracker, clock } = this.#pass
    const compared = this.#compared
    const newest = compared?.files.toSorted(compareFiles).at(-1)
    if (compared === undefined || newest === undefined || outcome.version === null) return
    const taken = new Set(outcome.files.flatMap((file) => (file.kind === 'completed' ? [file.path] : [])))
    if (taken.size !== batch.files.length || taken.size !== compared.files.length) return
    const units = new Map(batch.files.map((file) => [file.path, file.unit]))
    const known: Known = { batch: String(batch.number), hash: compared.hash, loadedAtMs: clock.now(), newest: placeOf(newest, units) }
    await tracker.remember(table.name, CONTENT, JSON.stringify(known))
  }

  async #known(lastBatch: bigint | null): Promise<Known | undefined> {
    const { table, tracker } = this.#pass
    if (!table.unchanged.skip || lastBatch === null) return undefined
    const text = await tracker.recall(table.name, CONTENT)
    // Written by this class alone.
    const known = text === undefined ? undefined : (JSON.parse(text) as Known)
    return known?.batch === String(lastBatch) ? known : undefined
  }
}

function placeOf({ path, modifiedNs }: FileSeen, units: ReadonlyMap<string, string>): Known['newest'] {
  return { path, modifiedNs: String(modifiedNs), unit: units.get(path) ?? path }
}

/** The same content may mean another table under other settings. */
function settingsHash(table: TableConfig): string {
  const text = JSON.stringify(table, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
  return createHash('sha256').update(text).digest('hex')
}
