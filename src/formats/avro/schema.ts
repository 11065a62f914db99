import { type Node, PLAIN, UnreadableType } from '../polars/restore.ts'

export interface AvroSchema {
  /** The schema that polars reads the same bytes by. */
  readonly read: unknown
  readonly columns: readonly { readonly name: string; readonly node: Node }[]
}

type Json = Readonly<Record<string, unknown>>

const PRIMITIVES = new Set(['boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'])

/** Logical types that would come out as the bare number or bytes under them. */
const DROPPED = new Set(['duration', 'timestamp-nanos', 'local-timestamp-nanos', 'big-decimal'])

/**
 * The schema of a file for polars, which knows no names, maps, nor nullable enums: names are written out, a map has the bytes
 * of a list of entries, and an enum those of an int. Throws UnreadableType for what it would read wrongly or not at all.
 */
export function avroSchema(text: string): AvroSchema {
  const schema: unknown = JSON.parse(text)
  if (!isJson(schema) || schema['type'] !== 'record') throw new UnreadableType('the schema is no record')
  const { type, node } = new Reading().type(schema, '', [])
  return { read: type, columns: node.kind === 'struct' ? node.fields : [] }
}

interface Read {
  readonly type: unknown
  readonly node: Node
}

class Reading {
  readonly #named = new Map<string, Json>()
  #made = 0

  /** `open` are the records that the type stands in. */
  type(type: unknown, path: string, open: readonly Json[]): Read {
    if (typeof type === 'string') return this.#name(type, path, open)
    if (Array.isArray(type)) return this.#union(type, path, open)
    if (!isJson(type)) throw new UnreadableType(`${place(path)} has no type`)
    if (isJson(type['type']) || Array.isArray(type['type'])) return this.type(type['type'], path, open)
    return this.#complex(type, path, open)
  }

  #name(name: string, path: string, open: readonly Json[]): Read {
    if (PRIMITIVES.has(name)) return { type: name, node: PLAIN }
    if (name === 'null') throw new UnreadableType(`${place(path)} is null alone, and has no type`)
    const named = this.#named.get(name) ?? this.#named.get(name.slice(name.lastIndexOf('.') + 1))
    if (named === undefined) throw new UnreadableType(`${place(path)} is of the type ${name}, which the schema does not define`)
    if (open.includes(named)) throw new UnreadableType(`${place(path)} holds itself: ${name} is recursive`)
    return this.#complex(named, path, open)
  }

  #union(types: readonly unknown[], path: string, open: readonly Json[]): Read {
    const others = types.filter((type) => type !== 'null')
    const [only] = others
    if (others.length !== 1 || types.length > 2) {
      const names = types.map((type) => (isJson(type) ? String(type['name'] ?? type['type']) : String(type)))
      throw new UnreadableType(`${place(path)} is a union of ${names.join(', ')}, of which a column has one`)
    }
    const { type, node } = this.type(only, path, open)
    return { type: types.map((one) => (one === 'null' ? 'null' : type)), node }
  }

  #complex(type: Json, path: string, open: readonly Json[]): Read {
    this.#define(type)
    switch (type['type']) {
      case 'record':
        return this.#record(type, path, [...open, type])
      case 'enum':
        return { type: 'int', node: { kind: 'enum', symbols: listOf(type['symbols']).map(String) } }
      case 'array': {
        const { type: items, node } = this.type(type['items'], `${path}[]`, open)
        return { type: { type: 'array', items }, node: { kind: 'list', item: node } }
      }
      case 'map':
        return this.#map(type, path, open)
      default:
        return { type: this.#plain(type, path), node: PLAIN }
    }
  }

  #record(type: Json, path: string, open: readonly Json[]): Read {
    const fields = listOf(type['fields']).map((field) => {
      const name = isJson(field) ? String(field['name']) : ''
      return { name, ...this.type(isJson(field) ? field['type'] : undefined, path === '' ? name : `${path}.${name}`, open) }
    })
    if (fields.length === 0) throw new UnreadableType(`${place(path)} is a record without fields`)
    return {
      type: { type: 'record', name: this.#fresh(), fields: fields.map((field) => ({ name: field.name, type: field.type })) },
      node: { kind: 'struct', fields: fields.map(({ name, node }) => ({ name, node })) },
    }
  }

  /** Blocks of entries, each a key and a value: byte for byte an array of such records. */
  #map(type: Json, path: string, open: readonly Json[]): Read {
    const { type: values, node } = this.type(type['values'], `${path}{}`, open)
    const fields = [
      { name: 'key', type: 'string' },
      { name: 'value', type: values },
    ]
    return {
      type: { type: 'array', items: { type: 'record', name: this.#fresh(), fields } },
      node: { kind: 'map', key: 'key', value: { name: 'value', node } },
    }
  }

  #plain(type: Json, path: string): unknown {
    const { logicalType, precision } = type
    const base = String(type['type'])
    if (base !== 'fixed' && !PRIMITIVES.has(base)) throw new UnreadableType(`${place(path)} is of the type ${base}`)
    if (typeof logicalType === 'string' && DROPPED.has(logicalType)) throw new UnreadableType(`${place(path)} is a ${logicalType}`)
    if (logicalType === 'uuid' && base === 'fixed') throw new UnreadableType(`${place(path)} is a uuid as fixed bytes`)
    if (logicalType === 'decimal' && (typeof precision !== 'number' || precision > 38))
      throw new UnreadableType(`${place(path)} is a decimal of more than 38 digits`)
    return base === 'fixed' ? { ...type, name: this.#fresh() } : type
  }

  #define(type: Json): void {
    const { name } = type
    if (typeof name !== 'string') return
    this.#named.set(name, type)
    this.#named.set(name.slice(name.lastIndexOf('.') + 1), type)
  }

  #fresh(): string {
    this.#made += 1
    return `n${this.#made}`
  }
}

function place(path: string): string {
  return path === '' ? 'the schema' : `the field ${path}`
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
