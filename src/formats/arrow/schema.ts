import { type Node, PLAIN, UnreadableType } from '../polars/restore.ts'
import type { FlatTable } from './flatbuffer.ts'

/** Numbers of fields in the tables of the format's Schema.fbs. */
const SCHEMA = { endianness: 0, fields: 1 } as const
const FIELD = { name: 0, kind: 2, type: 3, dictionary: 4, children: 5, metadata: 6 } as const
const MAP = 17
const STRUCT = 13
/** List, fixed-size list and large list. */
const LISTS = [12, 16, 21]
const DECIMAL = 7

/** Kinds of types that polars has none for, or reads as the bare number under them. */
const UNREADABLE: Readonly<Record<number, string>> = {
  1: 'null alone',
  11: 'an interval',
  14: 'a union',
  18: 'a duration',
  22: 'run-end encoded',
  25: 'a list view',
  26: 'a large list view',
}

/** The columns of a schema message; a map is read as a list of entries. Throws UnreadableType for what polars would read wrongly or not at all. */
export function arrowColumns(schema: FlatTable): readonly { readonly name: string; readonly node: Node }[] {
  if (schema.short(SCHEMA.endianness) !== 0) throw new UnreadableType('the numbers are big-endian')
  return schema.tables(SCHEMA.fields).map((field) => ({ name: field.text(FIELD.name), node: nodeOf(field, field.text(FIELD.name)) }))
}

function nodeOf(field: FlatTable, path: string): Node {
  const kind = field.byte(FIELD.kind)
  const unreadable = UNREADABLE[kind]
  if (unreadable !== undefined) throw new UnreadableType(`the column ${path} is ${unreadable}`)
  const extension = field.tables(FIELD.metadata).find((entry) => entry.text(0) === 'ARROW:extension:name')
  if (extension !== undefined) throw new UnreadableType(`the column ${path} is of the extension type ${extension.text(1)}`)
  if (kind === DECIMAL && (field.table(FIELD.type)?.int(2, 128) ?? 128) > 128)
    throw new UnreadableType(`the column ${path} is a decimal of 256 bits`)
  if (field.table(FIELD.dictionary) !== undefined) return PLAIN
  const children = field.tables(FIELD.children)
  const [child] = children
  if (kind === STRUCT)
    return {
      kind: 'struct',
      fields: children.map((one) => ({ name: one.text(FIELD.name), node: nodeOf(one, `${path}.${one.text(FIELD.name)}`) })),
    }
  if (LISTS.includes(kind) && child !== undefined) return { kind: 'list', item: nodeOf(child, `${path}[]`) }
  if (kind === MAP && child !== undefined) return mapOf(child, path)
  return PLAIN
}

function mapOf(entries: FlatTable, path: string): Node {
  const [key, value] = entries.tables(FIELD.children)
  if (key === undefined || value === undefined) throw new UnreadableType(`the column ${path} is a map without entries`)
  const own = { name: value.text(FIELD.name), node: nodeOf(value, `${path}{}`) }
  return { kind: 'map', key: key.text(FIELD.name), value: own }
}
