import { TableError } from '../errors/errors.ts'
import type { Column } from '../model/schema.ts'
import type { TableConfig } from '../model/table.ts'
import { parseType } from '../model/type-text.ts'

/** Files of one header, and where their columns go. */
interface Named {
  readonly group: { readonly empty: boolean }
  readonly pairs: readonly { readonly target: string }[]
}

/** A file with rows needs every key, and all that orders the versions of one. */
export function keyProblem({ group, pairs }: Named, table: TableConfig) {
  if (group.empty) return undefined
  const own = new Set(pairs.map(({ target }) => target.toLowerCase()))
  const missing = [...table.primaryKeys, ...table.sequenceBy].find((name) => !own.has(name.toLowerCase()))
  if (missing === undefined) return undefined
  const isKey = table.primaryKeys.includes(missing)
  return {
    code: 'ING-SCHEMA-MISSING-COLUMN' as const,
    message: `the column ${JSON.stringify(missing)} is missing, which ${isKey ? 'primary_keys' : 'sequence_by'} names`,
    hint: isKey ? 'deliver it, or mend primary_keys' : 'deliver it, or mend sequence_by',
  }
}

/** Keys and sequences are values that compare: nothing nested. */
export function checkKeys(table: TableConfig, columns: readonly Column[]): void {
  const types = new Map(columns.map(({ name, type }) => [name.toLowerCase(), type]))
  for (const [key, names] of [
    ['primary_keys', table.primaryKeys],
    ['sequence_by', table.sequenceBy],
  ] as const) {
    for (const name of names) {
      const type = types.get(name.toLowerCase())
      if (type === undefined || parseType(type).kind === 'plain') continue
      throw new TableError('ING-TABLE-KEYS', `${table.name}: column ${name} of type ${type} is nested, and cannot be one of ${key}`, {
        hint: `name columns in ${key} that hold one value`,
      })
    }
  }
}

/** A table that holds rows has the columns of its strategy, of the types that it would give them now. */
export function checkOwnColumns(table: TableConfig, known: readonly Column[], own: readonly Column[]): void {
  const types = new Map(known.map(({ name, type }) => [name.toLowerCase(), type]))
  for (const { name, type } of own) {
    const held = types.get(name.toLowerCase())
    if (held === type) continue
    const problem =
      held === undefined
        ? `the table has no column ${name}, which ${table.strategy} keeps`
        : `column ${name} is ${held}, where ${type} is needed`
    throw new TableError('ING-TABLE-KEYS', `${table.name}: ${problem}`, {
      hint: 'load everything again with `ingest run --full-drop`, or mend sequence_by and the names of the columns',
    })
  }
}
