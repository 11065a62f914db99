import type { ResolvedConfig } from '../config/config.ts'
import type { TrackerOptions } from '../tracker/tracker.ts'

/** A lease outlives a few missed heartbeats, and ends soon after its process. */
export const LEASE_MS = 60_000

export function trackerOptions(config: ResolvedConfig): TrackerOptions {
  return { retryAttempts: config.retryAttempts, retryBackoff: config.retryBackoff, leaseMs: LEASE_MS }
}
