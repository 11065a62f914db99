import { closest } from 'fastest-levenshtein'
import { ConfigError } from '../errors/errors.ts'
import type { TableConfig } from '../model/table.ts'

/** Tables by bare or qualified names, in the config's order; all when none is named. */
export function selectTables(tables: readonly TableConfig[], names: readonly string[] | undefined): readonly TableConfig[] {
  if (names === undefined || names.length === 0) return tables
  const wanted = new Set(names.map((name) => oneTable(tables, name).name))
  return tables.filter((table) => wanted.has(table.name))
}

/** The table that a name means. ConfigError for none or several. */
export function oneTable(tables: readonly TableConfig[], name: string): TableConfig {
  const found = tables.filter((table) => table.name === name || table.tableName === name)
  const [only] = found
  if (only !== undefined && found.length === 1) return only
  if (only !== undefined) {
    const all = found.map((table) => table.name).join(', ')
    throw new ConfigError('ING-CONFIG-TABLE-UNKNOWN', `${name} is ambiguous: ${all}`, [], { hint: 'name it as database.table' })
  }
  const names = tables.map((table) => table.name)
  const hint =
    names.length === 0
      ? 'the config has no tables'
      : `did you mean ${closest(name, names)}? The config has ${names.slice(0, 20).join(', ')}`
  throw new ConfigError('ING-CONFIG-TABLE-UNKNOWN', `the config has no table ${name}`, [], { hint })
}
