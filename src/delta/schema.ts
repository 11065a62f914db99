import { parse, stringify } from 'lossless-json'
import { TableError } from '../errors/errors.ts'
import type { Column } from '../model/schema.ts'
import { parseType, type TypeNode, typeText } from '../model/type-text.ts'
import { isRecord } from './decode.ts'
import { isWidening, type WidenedPart, withTypeChanges } from './type-changes.ts'

/** A field as the log holds it. What we do not know in it (metadata, further keys) is written back as it was. */
export interface DeltaField {
  readonly name: string
  readonly type: DeltaType
  readonly nullable: boolean
  readonly metadata: Readonly<Record<string, unknown>>
}

export type DeltaType =
  | string
  | { readonly type: 'struct'; readonly fields: readonly DeltaField[] }
  | { readonly type: 'array'; readonly elementType: DeltaType; readonly containsNull: boolean }
  | { readonly type: 'map'; readonly keyType: DeltaType; readonly valueType: DeltaType; readonly valueContainsNull: boolean }

export interface SchemaColumn extends Column {
  readonly nullable: boolean
}

const DUCKDB_TYPES: Readonly<Record<string, string>> = {
  string: 'VARCHAR',
  long: 'BIGINT',
  integer: 'INTEGER',
  short: 'SMALLINT',
  byte: 'TINYINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  binary: 'BLOB',
  date: 'DATE',
  timestamp: 'TIMESTAMP WITH TIME ZONE',
  timestamp_ntz: 'TIMESTAMP',
  // A column without values, of which no file has a trace; it becomes text where values are written to it.
  void: 'VARCHAR',
}

const DELTA_TYPES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(DUCKDB_TYPES).flatMap(([delta, duckdb]) => (delta === 'void' ? [] : [[duckdb, delta]])),
)

/** The fields of a `schemaString`. TableError when it is no schema. */
export function parseSchema(schemaString: string): readonly DeltaField[] {
  const value = readJson(schemaString)
  if (!isRecord(value) || value['type'] !== 'struct') throw notASchema()
  return decodeFields(value['fields'])
}

export function schemaText(fields: readonly DeltaField[]): string {
  return stringify({ type: 'struct', fields }) ?? ''
}

/** The fields as columns of DuckDB types. */
export function columnsOf(fields: readonly DeltaField[]): readonly SchemaColumn[] {
  return fields.map((field) => ({ name: field.name, type: duckdbType(field.type, field.name), nullable: field.nullable }))
}

/** The DuckDB type that holds a Delta type exactly. */
export function duckdbType(type: DeltaType, place: string): string {
  return typeText(nodeOf(type, place))
}

/** The Delta type of a DuckDB type that `storableType` gave. */
export function deltaType(type: string): DeltaType {
  return deltaTypeOf(parseType(type))
}

/**
 * The schema with the columns that it lacks, nested fields too, and with the wider types of those that it has; the very same
 * list when nothing changes. New columns are nullable, since the rows that are there do not have them; a type that is widened
 * is noted in the field, as readers of older files need it. TableError for a column of another type.
 */
export function evolved(fields: readonly DeltaField[], columns: readonly SchemaColumn[]): readonly DeltaField[] {
  const asked = columns.map((column) => ({ name: column.name, type: deltaType(column.type), nullable: true, metadata: {} }))
  return mergeFields(fields, asked, '')
}

/** The schema of a new table. */
export function newSchema(columns: readonly SchemaColumn[]): readonly DeltaField[] {
  const fields = columns.map(({ name, type, nullable }) => ({ name, type: deltaType(type), nullable, metadata: {} }))
  const names = new Set<string>()
  for (const { name } of fields) {
    if (names.has(name.toLowerCase()))
      throw new TableError('ING-SCHEMA-TYPE', `two columns are named ${JSON.stringify(name)} when case is ignored`)
    names.add(name.toLowerCase())
  }
  return fields
}

/** Whether a type, or a part of it, satisfies the predicate. */
export function someType(type: DeltaType, predicate: (plain: string) => boolean): boolean {
  if (typeof type === 'string') return predicate(type)
  switch (type.type) {
    case 'struct':
      return type.fields.some((field) => someType(field.type, predicate))
    case 'array':
      return someType(type.elementType, predicate)
    case 'map':
      return someType(type.keyType, predicate) || someType(type.valueType, predicate)
  }
}

/** Whether any column has fields within it. */
export function someNested(fields: readonly DeltaField[]): boolean {
  return fields.some(({ type }) => !fieldsWithin(type).next().done)
}

/** Every field of the schema, nested ones too. */
export function* allFields(fields: readonly DeltaField[]): Generator<DeltaField> {
  for (const field of fields) {
    yield field
    yield* fieldsWithin(field.type)
  }
}

function* fieldsWithin(type: DeltaType): Generator<DeltaField> {
  if (typeof type === 'string') return
  if (type.type === 'struct') yield* allFields(type.fields)
  else if (type.type === 'array') yield* fieldsWithin(type.elementType)
  else {
    yield* fieldsWithin(type.keyType)
    yield* fieldsWithin(type.valueType)
  }
}

function mergeFields(known: readonly DeltaField[], asked: readonly DeltaField[], path: string): readonly DeltaField[] {
  const wanted = new Map(asked.map((field) => [field.name.toLowerCase(), field]))
  const names = new Set(known.map((field) => field.name.toLowerCase()))
  const merged = known.map((field) => {
    const other = wanted.get(field.name.toLowerCase())
    if (other === undefined) return field
    const widened: WidenedPart[] = []
    const type = mergeTypes(field.type, other.type, { path: `${path}${field.name}`, within: [], widened })
    if (type === field.type) return field
    return widened.length === 0 ? { ...field, type } : { ...field, type, metadata: withTypeChanges(field.metadata, widened) }
  })
  const added = asked.filter((field) => !names.has(field.name.toLowerCase()))
  return added.length === 0 && merged.every((field, index) => field === known[index]) ? known : [...merged, ...added]
}

/** Where a type stands in the schema, and what was widened in its field. */
interface MergePlace {
  /** For messages. */
  readonly path: string
  /** Steps from the nearest field: `element`, `key`, `value`. */
  readonly within: readonly string[]
  readonly widened: WidenedPart[]
}

function mergeTypes(known: DeltaType, asked: DeltaType, place: MergePlace): DeltaType {
  if (known === 'void') return asked
  if (typeof known === 'string' && typeof asked === 'string') {
    if (known === asked) return known
    if (isWidening(known, asked)) {
      place.widened.push({ fromType: known, toType: asked, fieldPath: place.within.join('.') })
      return asked
    }
  }
  const merged = typeof known === 'string' || typeof asked === 'string' ? undefined : mergeNested(known, asked, place)
  if (merged) return merged
  const types = `${duckdbType(known, place.path)} in the table, and ${duckdbType(asked, place.path)}`
  throw new TableError('ING-SCHEMA-TYPE', `column ${place.path} has type ${types} was to be written`)
}

type NestedType = Exclude<DeltaType, string>

/** Undefined for types of different kinds. */
function mergeNested(known: NestedType, asked: NestedType, place: MergePlace): NestedType | undefined {
  const { path } = place
  const inner = (step: string, mark: string): MergePlace => ({ ...place, path: `${path}${mark}`, within: [...place.within, step] })
  if (known.type === 'struct' && asked.type === 'struct') {
    const fields = mergeFields(known.fields, asked.fields, `${path}.`)
    return fields === known.fields ? known : { ...known, fields }
  }
  if (known.type === 'array' && asked.type === 'array') {
    const elementType = mergeTypes(known.elementType, asked.elementType, inner('element', '[]'))
    return elementType === known.elementType ? known : { ...known, elementType }
  }
  if (known.type === 'map' && asked.type === 'map') {
    const keyType = mergeTypes(known.keyType, asked.keyType, inner('key', '{key}'))
    const valueType = mergeTypes(known.valueType, asked.valueType, inner('value', '{value}'))
    return keyType === known.keyType && valueType === known.valueType ? known : { ...known, keyType, valueType }
  }
  return undefined
}

function nodeOf(type: DeltaType, place: string): TypeNode {
  if (typeof type === 'string') return { kind: 'plain', text: plainType(type, place) }
  switch (type.type) {
    case 'struct':
      return {
        kind: 'struct',
        fields: type.fields.map((field) => ({ name: field.name, type: nodeOf(field.type, `${place}.${field.name}`) })),
      }
    case 'array':
      return { kind: 'list', element: nodeOf(type.elementType, place) }
    case 'map':
      return { kind: 'map', key: nodeOf(type.keyType, place), value: nodeOf(type.valueType, place) }
  }
}

function plainType(type: string, place: string): string {
  const decimal = /^decimal\((\d+), *(-?\d+)\)$/.exec(type)
  if (decimal) return `DECIMAL(${decimal[1]},${decimal[2]})`
  const found = DUCKDB_TYPES[type]
  if (found === undefined) throw new TableError('ING-TABLE-FEATURE', `column ${place} has the type '${type}', which ingestd does not know`)
  return found
}

function deltaTypeOf(node: TypeNode): DeltaType {
  switch (node.kind) {
    case 'plain': {
      const found = DELTA_TYPES[node.text] ?? /^DECIMAL\(\d+,-?\d+\)$/.exec(node.text.replaceAll(' ', ''))?.[0].toLowerCase()
      if (found === undefined) throw new TableError('ING-SCHEMA-TYPE', `Delta has no type for ${node.text}`)
      return found
    }
    case 'list':
      return { type: 'array', elementType: deltaTypeOf(node.element), containsNull: true }
    case 'map':
      return { type: 'map', keyType: deltaTypeOf(node.key), valueType: deltaTypeOf(node.value), valueContainsNull: true }
    case 'struct':
      return {
        type: 'struct',
        fields: node.fields.map(({ name, type }) => ({ name, type: deltaTypeOf(type), nullable: true, metadata: {} })),
      }
  }
}

function decodeFields(value: unknown): readonly DeltaField[] {
  if (!Array.isArray(value)) throw notASchema()
  return value.map((field: unknown) => {
    if (!isRecord(field) || typeof field['name'] !== 'string') throw notASchema()
    const metadata = isRecord(field['metadata']) ? field['metadata'] : {}
    return { ...field, name: field['name'], type: decodeType(field['type']), nullable: field['nullable'] !== false, metadata }
  })
}

function decodeType(value: unknown): DeltaType {
  if (typeof value === 'string') return value
  if (!isRecord(value)) throw notASchema()
  switch (value['type']) {
    case 'struct':
      return { ...value, type: 'struct', fields: decodeFields(value['fields']) }
    case 'array':
      return { ...value, type: 'array', elementType: decodeType(value['elementType']), containsNull: value['containsNull'] !== false }
    case 'map':
      return {
        ...value,
        type: 'map',
        keyType: decodeType(value['keyType']),
        valueType: decodeType(value['valueType']),
        valueContainsNull: value['valueContainsNull'] !== false,
      }
    default:
      throw notASchema()
  }
}

/** Numbers in metadata may be wider than a JavaScript number, so they stay as text. */
function readJson(text: string): unknown {
  try {
    return parse(text)
  } catch (cause) {
    throw notASchema(cause)
  }
}

function notASchema(cause?: unknown): TableError {
  return new TableError('ING-TABLE-LOG', 'the schema in the log cannot be read', { cause })
}
