import type { Path, Places } from './places.ts'
import { isTree } from './tree.ts'

/** `defaults` under a table: maps merge by key, everything else replaces. Merged values keep the place where they were written. */
export function mergeDefaults(
  defaults: unknown,
  table: unknown,
  at: { readonly defaults: Path; readonly table: Path },
  places: Places,
): unknown {
  if (!isTree(defaults) || !isTree(table)) return table
  const merged: [string, unknown][] = Object.entries(table).map(([key, value]) => {
    const inherited = Object.hasOwn(defaults, key) ? defaults[key] : undefined
    return [key, mergeDefaults(inherited, value, { defaults: [...at.defaults, key], table: [...at.table, key] }, places)]
  })
  for (const [key, value] of Object.entries(defaults)) {
    if (Object.hasOwn(table, key)) continue
    places.alias([...at.table, key], [...at.defaults, key])
    merged.push([key, value])
  }
  return Object.fromEntries(merged)
}
