import type { StoreDeps } from './deps.ts'
import type { Store } from './store.ts'

/** Stores by `output_format`; each is loaded when it is first used. */
export const STORES = {
  delta: async (deps: StoreDeps): Promise<Store> => (await import('./delta.ts')).deltaStore(deps),
  parquet: async (deps: StoreDeps): Promise<Store> => (await import('./parquet.ts')).parquetStore(deps),
} as const
