import { isDeepStrictEqual } from 'node:util'
import type { UnsupportedKey } from '../model/table.ts'
import { TABLE_DEFAULTS } from './checks/strategy-keys.ts'
import type { Path, Places } from './input/places.ts'
import { valueAt } from './input/tree.ts'
import type { TableInput } from './schema/table.ts'
import { type GlobalInput, globalSchema } from './schema.ts'

/*
 * What the schema knows and nothing does yet. Whoever builds a capability deletes its line here; a key without a line
 * is built.
 */

interface Unbuilt {
  readonly key: Path
  /** What is not built, as a sentence begins: `merge`, `guard`. */
  readonly what?: (value: unknown) => string
  /** Values other than the default that are built. */
  readonly built?: (value: unknown) => boolean
  readonly hint?: string
}

const TABLE_KEYS: readonly Unbuilt[] = [
  { key: ['source'] },
  { key: ['store'] },
  { key: ['transform', 'scope'], what: () => 'transform.scope: batch', hint: 'remove it, so that the transform sees one file' },
  { key: ['pre_sql'] },
  { key: ['post_sql'] },
]

/** Keys of the whole config: all tables fail, since none could be loaded as asked. */
const GLOBAL_KEYS: readonly Unbuilt[] = [
  { key: ['engine', 'type'], what: (value) => `engine.type: ${String(value)}`, hint: 'use duckdb' },
  { key: ['engine', 'connection'] },
  { key: ['upstream_dependencies'] },
  { key: ['downstream_notifications'] },
  { key: ['lineage'] },
  { key: ['use_unity_catalog'] },
  { key: ['default_catalog'] },
  { key: ['enable_cluster_optimizations'] },
  { key: ['enable_job_dependencies'] },
]

/** Table properties of Delta that change nothing a writer must do, or that this one does. */
const TABLE_PROPERTIES = [
  'delta.appendOnly',
  'delta.autoOptimize.autoCompact',
  'delta.autoOptimize.optimizeWrite',
  'delta.checkpoint.writeStatsAsJson',
  'delta.checkpoint.writeStatsAsStruct',
  'delta.checkpointInterval',
  'delta.columnMapping.mode',
  'delta.dataSkippingNumIndexedCols',
  'delta.dataSkippingStatsColumns',
  'delta.deletedFileRetentionDuration',
  'delta.enableExpiredLogCleanup',
  'delta.enableInCommitTimestamps',
  'delta.enableTypeWidening',
  'delta.isolationLevel',
  'delta.logRetentionDuration',
  'delta.targetFileSize',
  'delta.tuneFileSizesForRewrites',
]

const GLOBAL_DEFAULTS: GlobalInput = globalSchema.parse({})

export function unsupportedGlobals(input: GlobalInput, places: Places): readonly UnsupportedKey[] {
  return unbuilt(GLOBAL_KEYS, { input, defaults: GLOBAL_DEFAULTS, at: [] }, places)
}

export function unsupportedOfTable(input: TableInput, at: Path, places: Places): readonly UnsupportedKey[] {
  const properties = Object.entries(input.table_properties)
    .filter(([name, value]) => name.startsWith('delta.') && !isBuiltProperty(name) && value.toLowerCase() !== 'false')
    .map(([name]) => entry(places.at([...at, 'table_properties', name]).key, `the table property ${name}`, 'remove it'))
  return [...unbuilt(TABLE_KEYS, { input, defaults: TABLE_DEFAULTS, at }, places), ...properties]
}

function isBuiltProperty(name: string): boolean {
  return TABLE_PROPERTIES.includes(name) || name.startsWith('delta.constraints.')
}

/** A path of a table that leads to a store that is not built. */
export function unsupportedLocation(key: string, scheme: string): UnsupportedKey {
  return entry(key, `${scheme}://`, 'use a path of this machine')
}

/** A source that is a Delta table in a bucket. */
export function unsupportedSourceTable(key: string): UnsupportedKey {
  return entry(key, 'file_format: delta of a source in a bucket', 'use a table of this machine as the source')
}

function unbuilt(
  keys: readonly Unbuilt[],
  from: { readonly input: unknown; readonly defaults: unknown; readonly at: Path },
  places: Places,
): readonly UnsupportedKey[] {
  return keys.flatMap(({ key, what, built, hint }) => {
    const value = valueAt(from.input, key)
    if (isDeepStrictEqual(value, valueAt(from.defaults, key)) || built?.(value) === true) return []
    return [entry(places.at([...from.at, ...key]).key, what?.(value) ?? key.join('.'), hint ?? 'remove it')]
  })
}

function entry(key: string, what: string, hint: string): UnsupportedKey {
  return { key, message: `${what} is not built yet`, hint: `${hint}; the other tables run` }
}
