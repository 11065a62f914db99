import type { SchemaMode } from '../model/schema.ts'
import { storableType, zonedType } from '../model/storable-type.ts'
import { changesBetween } from '../model/type-difference.ts'
import { parseType, type TypeField, type TypeNode, typeText } from '../model/type-text.ts'

const INTEGERS = ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT']
/** Decimal digits that hold every value of an integer type. */
const DIGITS: Readonly<Record<string, number>> = { TINYINT: 3, SMALLINT: 5, INTEGER: 10, BIGINT: 19 }
/** Whole digits of the smallest decimal that Delta widens an integer type to. */
const WIDENED_DIGITS: Readonly<Record<string, number>> = { TINYINT: 10, SMALLINT: 10, INTEGER: 10, BIGINT: 20 }
const MOST_DIGITS = 38

/** The type of a column that a user writes under `columns`: naive timestamps are UTC unless it says TIMESTAMP_NTZ. */
export function declaredType(text: string): string {
  return storableType(zonedType(text))
}

/**
 * Why values of `from` cannot be stored as `to` without loss; undefined when they can. Both are DuckDB types.
 * Nested fields are matched by name; a field that `to` lacks would be lost.
 */
export function misfit(from: string, to: string): string | undefined {
  return misfitOf(parseType(storableType(from)), parseType(to), '')
}

/** How a column of the table takes in what files have. */
export interface Growth {
  readonly mode: SchemaMode
  /** The type of the files was found by looking at texts: a value that it does not tell of may fit all the same. */
  readonly isInferred?: boolean
}

/**
 * The type that a column of type `known` needs to hold values of `from` too, as its mode allows: fields that a struct lacks
 * (evolve, widen), wider types where Delta has a change for them (widen); `ignore` leaves fields out. `known` itself where
 * it holds them; undefined where nothing does.
 */
export function grown(known: string, from: string, growth: Growth): string | undefined {
  const node = parseType(known)
  const result = grownNode(node, parseType(storableType(from)), growth)
  if (result === undefined) return undefined
  const text = typeText(result)
  return text === typeText(node) ? known : text
}

/** Nested fields of `from` that `to` has no place for. */
export function unknownFields(from: string, to: string, path: string): readonly string[] {
  return changesBetween(to, storableType(from), path).flatMap((change) => (change.from === null ? [change.path] : []))
}

/** The smallest type that holds values of `known` and of `from` and that Delta widens `known` to; undefined without one. */
export function widenedType(known: string, from: string): string | undefined {
  if (INTEGERS.includes(known) && INTEGERS.includes(from)) return INTEGERS[Math.max(INTEGERS.indexOf(known), INTEGERS.indexOf(from))]
  if (known === 'DATE') return from === 'TIMESTAMP' ? 'TIMESTAMP' : undefined
  if (isReal(known) || isReal(from)) return [known, from].every(isDouble) ? 'DOUBLE' : undefined
  return widenedDecimal(known, from)
}

function isReal(type: string): boolean {
  return type === 'FLOAT' || type === 'DOUBLE'
}

/** Whether a double has every value. */
function isDouble(type: string): boolean {
  return isReal(type) || (INTEGERS.includes(type) && type !== 'BIGINT')
}

function widenedDecimal(known: string, from: string): string | undefined {
  const before = decimalOf(known) ?? digitsOf(WIDENED_DIGITS[known])
  const wanted = decimalOf(from) ?? digitsOf(DIGITS[from])
  if (before === undefined || wanted === undefined) return undefined
  const whole = Math.max(before.width - before.scale, wanted.width - wanted.scale)
  const scale = Math.max(before.scale, wanted.scale)
  return whole + scale > MOST_DIGITS ? undefined : `DECIMAL(${whole + scale},${scale})`
}

function digitsOf(width: number | undefined): Decimal | undefined {
  return width === undefined ? undefined : { width, scale: 0 }
}

function grownNode(known: TypeNode, from: TypeNode, growth: Growth): TypeNode | undefined {
  if (known.kind === 'struct' && from.kind === 'struct') return grownStruct(known.fields, from.fields, growth)
  if (known.kind === 'list' && from.kind === 'list') {
    const element = grownNode(known.element, from.element, growth)
    return element && { kind: 'list', element }
  }
  if (known.kind === 'map' && from.kind === 'map') {
    const [key, value] = [grownNode(known.key, from.key, growth), grownNode(known.value, from.value, growth)]
    return key && value && { kind: 'map', key, value }
  }
  const text = known.kind === 'plain' && from.kind === 'plain' ? grownPlain(known.text, from.text, growth) : undefined
  // The reader decides by each value whether it fits; what looks like an object to the engine may be a map of the table.
  return text === undefined ? (growth.isInferred ? known : undefined) : { kind: 'plain', text }
}

function grownPlain(known: string, from: string, { mode }: Growth): string | undefined {
  if (widens(from, known)) return known
  return mode === 'widen' ? widenedType(known, from) : undefined
}

function grownStruct(known: readonly TypeField[], from: readonly TypeField[], growth: Growth): TypeNode | undefined {
  const brought = new Map(from.map((field) => [field.name.toLowerCase(), field]))
  const fields: TypeField[] = []
  for (const field of known) {
    const other = brought.get(field.name.toLowerCase())
    const type = other === undefined ? field.type : grownNode(field.type, other.type, growth)
    if (type === undefined) return undefined
    fields.push({ name: field.name, type })
  }
  const names = new Set(known.map((field) => field.name.toLowerCase()))
  const added = from.filter((field) => !names.has(field.name.toLowerCase()))
  if (added.length > 0 && growth.mode === 'ignore') return { kind: 'struct', fields }
  if (added.length > 0 && growth.mode !== 'evolve' && growth.mode !== 'widen') return undefined
  return { kind: 'struct', fields: [...fields, ...added.map(({ name, type }) => ({ name, type: parseType(zonedType(typeText(type))) }))] }
}

function misfitOf(from: TypeNode, to: TypeNode, path: string): string | undefined {
  if (from.kind === 'struct' && to.kind === 'struct') return structMisfit(from.fields, to.fields, path)
  if (from.kind === 'list' && to.kind === 'list') return misfitOf(from.element, to.element, `${path}[]`)
  if (from.kind === 'map' && to.kind === 'map')
    return misfitOf(from.key, to.key, `${path}{key}`) ?? misfitOf(from.value, to.value, `${path}{value}`)
  if (from.kind === 'plain' && to.kind === 'plain' && widens(from.text, to.text)) return undefined
  return `${textOf(from)} in the file${path === '' ? '' : ` at ${path}`}, ${textOf(to)} in the table`
}

function structMisfit(from: readonly TypeField[], to: readonly TypeField[], path: string): string | undefined {
  const wanted = new Map(to.map((field) => [field.name.toLowerCase(), field.type]))
  for (const field of from) {
    const type = wanted.get(field.name.toLowerCase())
    const place = `${path}.${field.name}`
    if (type === undefined) return `the nested field ${place.slice(1)} is not in the table`
    const reason = misfitOf(field.type, type, place)
    if (reason !== undefined) return reason
  }
  return undefined
}

function widens(from: string, to: string): boolean {
  if (from === to) return true
  const target = decimalOf(to)
  const digits = DIGITS[from]
  if (digits !== undefined) {
    if (INTEGERS.includes(to)) return INTEGERS.indexOf(from) <= INTEGERS.indexOf(to)
    if (target) return target.width - target.scale >= digits
    return to === 'DOUBLE' && from !== 'BIGINT'
  }
  const source = decimalOf(from)
  if (source && target) return target.scale >= source.scale && target.width - target.scale >= source.width - source.scale
  if (from === 'FLOAT') return to === 'DOUBLE'
  const isTime = (type: string) => type === 'TIMESTAMP' || type === 'TIMESTAMP WITH TIME ZONE'
  return isTime(to) && (isTime(from) || from === 'DATE')
}

interface Decimal {
  readonly width: number
  readonly scale: number
}

function decimalOf(type: string): Decimal | undefined {
  const [, width, scale] = /^DECIMAL\((\d+), ?(\d+)\)$/.exec(type) ?? []
  return width === undefined || scale === undefined ? undefined : { width: Number(width), scale: Number(scale) }
}

function textOf(node: TypeNode): string {
  return node.kind === 'plain' ? node.text : node.kind.toUpperCase()
}
