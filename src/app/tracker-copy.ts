import { resolve } from 'node:path'
import type { ResolvedConfig } from '../config/config.ts'
import { ConfigError, UnavailableError } from '../errors/errors.ts'
import type { Clock } from '../lib/clock.ts'
import type { TrackerPlace } from '../model/tracker-place.ts'
import type { CopyReport } from '../model/tracker-report.ts'
import type { Owner } from '../pipeline/recover.ts'
import { copyTracker, isTrackerThere, openTracker } from '../tracker/open.ts'
import type { Tracker } from '../tracker/tracker.ts'
import { SILENT_MS } from './daemon/shares.ts'
import { lockDaemon } from './daemon-lock.ts'
import { postgresPlace, shownTracker, trackerAt, trackerPlace } from './tracker-options.ts'

export interface CopyAsked {
  /** A URL of Postgres, or a file of SQLite; the tracker of the config when left out. */
  readonly from?: string | undefined
  readonly to: string
}

interface CopyWork {
  readonly config: ResolvedConfig
  readonly owner: Owner
  readonly clock: Clock
}

/** Takes a tracker to another place, with its uuid and all that it knows. Nobody may be at work with either meanwhile. */
export async function copyTrackerTo({ from, to }: CopyAsked, { config, owner, clock }: CopyWork): Promise<CopyReport> {
  const source = trackerAt(config, clock, from === undefined ? trackerPlace(config) : placeOf(from, config))
  const target = trackerAt(config, clock, placeOf(to, config))
  if (shownTracker(source.place) === shownTracker(target.place)) {
    throw new ConfigError('ING-TRACKER-COPY', `${shownTracker(target.place)} is the tracker itself`, [], {
      hint: 'name another place in --to',
    })
  }
  if (!(await isTrackerThere(source))) {
    throw new ConfigError('ING-TRACKER-COPY', `there is no tracker ${shownTracker(source.place)}`, [], {
      hint: 'name it in --from: a URL of Postgres, or a file',
    })
  }
  using _from = await lockOf(source.place, owner)
  using _to = await lockOf(target.place, owner)
  await using tracker = await openTracker(source)
  await using held = await heldTables(tracker, owner, config)
  const copied = await copyTracker(source, target, { history: true, replace: false })
  return { from: shownTracker(source.place), to: shownTracker(target.place), ...copied, tables: held.tables.length }
}

/** `postgres://…`, or a path of this machine. */
function placeOf(text: string, config: ResolvedConfig): TrackerPlace {
  if (/^postgres(ql)?:/.test(text)) return postgresPlace(config, text)
  return { kind: 'sqlite', file: resolve(text.replace(/^sqlite:/, '')) }
}

function lockOf(place: TrackerPlace, owner: Owner) {
  return lockDaemon({ trackerFile: place.kind === 'sqlite' ? place.file : null, owner: owner.id, signal: new AbortController().signal })
}

/** What is copied stands still: no daemon runs, and no table is loaded. */
async function heldTables(tracker: Tracker, owner: Owner, config: ResolvedConfig) {
  const [daemon] = (await tracker.peers(SILENT_MS)).filter((other) => other !== owner.id && owner.isAlive(other))
  if (daemon !== undefined) throw busy(`a daemon works with the tracker: ${daemon}`)
  const names = new Set([...config.tables.map(({ name }) => name), ...(await tracker.counts()).map(({ table_name: name }) => name)])
  const tables: string[] = []
  const release = async () => {
    for (const table of tables) await tracker.unlockTable(table, owner.id)
  }
  for (const table of names) {
    if (!(await tracker.lockTable(table, owner.id, owner.isAlive))) {
      await release()
      throw busy(`another process is working on ${table}`)
    }
    tables.push(table)
  }
  return { tables, [Symbol.asyncDispose]: release }
}

function busy(problem: string): UnavailableError {
  return new UnavailableError('ING-TABLE-BUSY', problem, { hint: 'stop it, and copy the tracker again' })
}
