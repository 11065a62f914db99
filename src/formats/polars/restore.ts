import { id, join, literalList, raw, type Sql, sql } from '../../engine/sql.ts'

/** A type of a file, as far as it is read as something else. */
export type Node =
  | { readonly kind: 'plain' }
  /** Read as the number of the symbol. */
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  | { readonly kind: 'list'; readonly item: Node }
  | { readonly kind: 'struct'; readonly fields: readonly { readonly name: string; readonly node: Node }[] }
  /** Read as a list of entries. */
  | { readonly kind: 'map'; readonly key: string; readonly value: { readonly name: string; readonly node: Node } }

/** A type that cannot be read exactly. */
export class UnreadableType extends Error {}

export const PLAIN: Node = { kind: 'plain' }

/** What a value was in its file; null where it was read as it is. */
export function restored(value: Sql, node: Node, depth = 0): Sql | null {
  const element = raw(`e${depth}`)
  switch (node.kind) {
    case 'plain':
      return null
    case 'enum':
      return sql`(${literalList(node.symbols)})[${value} + 1]`
    case 'list': {
      const item = restored(element, node.item, depth + 1)
      return item === null ? null : sql`list_transform(${value}, lambda ${element}: ${item})`
    }
    case 'struct': {
      const fields = node.fields.map(({ name, node: inner }) => ({ name, value: restored(sql`${value}.${id(name)}`, inner, depth) }))
      if (fields.every((field) => field.value === null)) return null
      const parts = fields.map((field) => sql`${id(field.name)} := ${field.value ?? sql`${value}.${id(field.name)}`}`)
      return sql`case when ${value} is not null then struct_pack(${join(parts)}) end`
    }
    case 'map': {
      const own = sql`${element}.${id(node.value.name)}`
      const entry = sql`struct_pack(key := ${element}.${id(node.key)}, value := ${restored(own, node.value.node, depth + 1) ?? own})`
      return sql`map_from_entries(list_transform(${value}, lambda ${element}: ${entry}))`
    }
  }
}
