import type { Column } from './schema.ts'
import { storableType, zonedType } from './storable-type.ts'

interface Settling {
  /** Types of the config, by name. */
  readonly declared: Readonly<Record<string, string>>
  /** Types of all columns of the files; asked only where one that is new is not declared. */
  infer(): Promise<readonly Column[]>
}

/** The columns that were known, with their types, and behind them those that files add; names differ by more than case. */
export async function settledColumns(
  known: readonly Column[],
  names: readonly string[],
  { declared, infer }: Settling,
): Promise<readonly Column[]> {
  const before = new Set(known.map(({ name }) => name.toLowerCase()))
  const added = new Map<string, string>()
  for (const name of names) {
    const key = name.toLowerCase()
    if (!before.has(key) && !added.has(key)) added.set(key, name)
  }
  if (added.size === 0) return known
  const written = new Map(Object.entries(declared).map(([name, type]) => [name.toLowerCase(), storableType(zonedType(type))]))
  const inferred = [...added.keys()].every((key) => written.has(key)) ? [] : await infer()
  const types = new Map(inferred.map(({ name, type }) => [name.toLowerCase(), type]))
  return [...known, ...[...added].map(([key, name]) => ({ name, type: written.get(key) ?? types.get(key) ?? 'VARCHAR' }))]
}
