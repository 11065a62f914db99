import { parseType, type TypeNode, typeText } from './type-text.ts'

/** Where two types differ. */
export interface TypeChange {
  /** Names of nested fields, as `address.zip`; `[]` for elements of a list, `{key}` and `{value}` for those of a map. */
  readonly path: string
  /** DuckDB types; `from` is null for a field that is new, `to` for one that is gone. */
  readonly from: string | null
  readonly to: string | null
}

/** Where two DuckDB types of one column differ; names are compared ignoring case. */
export function changesBetween(from: string, to: string, path: string): readonly TypeChange[] {
  return changes(parseType(from), parseType(to), path)
}

/** The same for all columns of a table. */
export function columnChanges(
  from: readonly { readonly name: string; readonly type: string }[],
  to: readonly { readonly name: string; readonly type: string }[],
): readonly TypeChange[] {
  const struct = (columns: typeof from): TypeNode => ({
    kind: 'struct',
    fields: columns.map(({ name, type }) => ({ name, type: parseType(type) })),
  })
  return changes(struct(from), struct(to), '')
}

function changes(from: TypeNode, to: TypeNode, path: string): readonly TypeChange[] {
  if (from.kind === 'struct' && to.kind === 'struct') {
    const before = new Map(from.fields.map((field) => [field.name.toLowerCase(), field.type]))
    const after = new Set(to.fields.map(({ name }) => name.toLowerCase()))
    const place = (name: string) => (path === '' ? name : `${path}.${name}`)
    return [
      ...to.fields.flatMap(({ name, type }) => {
        const known = before.get(name.toLowerCase())
        return known === undefined ? [{ path: place(name), from: null, to: typeText(type) }] : changes(known, type, place(name))
      }),
      ...from.fields.flatMap(({ name, type }) =>
        after.has(name.toLowerCase()) ? [] : [{ path: place(name), from: typeText(type), to: null }],
      ),
    ]
  }
  if (from.kind === 'list' && to.kind === 'list') return changes(from.element, to.element, `${path}[]`)
  if (from.kind === 'map' && to.kind === 'map')
    return [...changes(from.key, to.key, `${path}{key}`), ...changes(from.value, to.value, `${path}{value}`)]
  return typeText(from) === typeText(to) ? [] : [{ path, from: typeText(from), to: typeText(to) }]
}
