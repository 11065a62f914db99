import type { ResolvedConfig } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { TrackerPlace } from '../model/tracker-place.ts'
import type { TrackerAt } from '../tracker/open.ts'
import type { TrackerOptions } from '../tracker/tracker.ts'

/** A lease outlives a few missed heartbeats, and ends soon after its process. */
export const LEASE_MS = 60_000

export function trackerOptions(config: ResolvedConfig): TrackerOptions {
  return { retryAttempts: config.retryAttempts, retryBackoff: config.retryBackoff, leaseMs: LEASE_MS }
}

/** Where the config has the tracker. */
export function trackerPlace(config: ResolvedConfig): TrackerPlace {
  if (config.trackerUrl === null) return { kind: 'sqlite', file: config.trackerFile }
  return postgresPlace(config, config.trackerUrl)
}

/** A server by its URL; schema and tables are those of the config. */
export function postgresPlace({ trackerDatabase, trackerPoolSize }: ResolvedConfig, url: string): TrackerPlace & { kind: 'postgres' } {
  return { kind: 'postgres', url, schema: trackerDatabase, poolSize: trackerPoolSize }
}

export function trackerAt(config: ResolvedConfig, clock: Clock, place = trackerPlace(config)): TrackerAt {
  return { place, table: config.trackerTable, trackerOptions: trackerOptions(config), clock }
}

/** Of a server without user, password and parameters. */
export function shownTracker(place: TrackerPlace): string {
  if (place.kind === 'sqlite') return place.file
  const [, hosts = ''] = /^[a-z]+:\/\/((?:.*@)?[^/?#]*(?:\/[^?#]*)?)/s.exec(place.url) ?? []
  return `postgres://${hosts.slice(hosts.lastIndexOf('@') + 1)} (schema ${place.schema})`
}
