import type { StoreDeps } from './deps.ts'
import type { Store } from './store.ts'

/** Stores by `output_format`; each is loaded when it is first used. */
export const STORES = {
  delta: async (deps: StoreDeps): Promise<Store> => (await import('./delta.ts')).deltaStore(deps, 'all versions'),
  /**
   * A folder of Parquet files that any reader takes as it is: the same Delta table, but nothing else in the folder ends in
   * `.parquet`. So no checkpoint is written; the log is JSON alone.
   */
  parquet: async (deps: StoreDeps): Promise<Store> => (await import('./delta.ts')).deltaStore(deps, 'current files only'),
} as const
