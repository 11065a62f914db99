import { nearest } from '../config/nearest.ts'
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
  throw new ConfigError('ING-CONFIG-TABLE-UNKNOWN', `the config has no table ${name}`, [], { hint: proposal(tables, name) })
}

/** The same, of a table that can be worked on. ConfigError `ING-CONFIG-UNSUPPORTED` for one that asks for what is not built. */
export function runnableTable(tables: readonly TableConfig[], name: string): TableConfig {
  const table = oneTable(tables, name)
  const [unsupported] = table.unsupported
  if (unsupported) throw new ConfigError('ING-CONFIG-UNSUPPORTED', unsupported.message, [], { hint: unsupported.hint })
  return table
}

function proposal(tables: readonly TableConfig[], name: string): string {
  if (tables.length === 0) return 'the config has no tables'
  const word = nearest(
    name,
    tables.flatMap((table) => [table.tableName, table.name]),
  )
  const meant = tables.find((table) => word === table.tableName || word === table.name)
  const all = `config has ${tables
    .slice(0, 20)
    .map((table) => table.name)
    .join(', ')}${tables.length > 20 ? ' …' : ''}`
  return meant === undefined ? `the ${all}` : `did you mean ${meant.name}? The ${all}`
}
