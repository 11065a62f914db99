import type { OptionValue, TableConfig } from '../model/table.ts'

/** The first of the given spellings of an option that is set. Kinds were checked with the config. */
function option(table: TableConfig, names: readonly string[]): OptionValue | undefined {
  const name = names.find((one) => table.formatOptions[one] !== undefined)
  return name === undefined ? undefined : table.formatOptions[name]
}

export function textOption(table: TableConfig, ...names: readonly string[]): string | undefined {
  const value = option(table, names)
  // `'\t'` in single quotes is how YAML users write a tab.
  return value === undefined ? undefined : String(value).replaceAll('\\t', '\t')
}

export function flagOption(table: TableConfig, ...names: readonly string[]): boolean | undefined {
  const value = option(table, names)
  return value === undefined ? undefined : value === true || String(value).toLowerCase() === 'true'
}

export function numberOption(table: TableConfig, ...names: readonly string[]): number | undefined {
  const value = option(table, names)
  return value === undefined ? undefined : Number(value)
}

export function listOption(table: TableConfig, ...names: readonly string[]): readonly string[] | undefined {
  const value = option(table, names)
  if (value === undefined) return undefined
  return Array.isArray(value) ? value.map(String) : [String(value)]
}
