import { storableType, zonedType } from '../model/storable-type.ts'
import { parseType, type TypeField, type TypeNode } from '../model/type-text.ts'

const INTEGERS = ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT']
/** Decimal digits that hold every value of an integer type. */
const DIGITS: Readonly<Record<string, number>> = { TINYINT: 3, SMALLINT: 5, INTEGER: 10, BIGINT: 19 }

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
    if (type === undefined) return `the nested field ${place.slice(1)} is not in the table, and nested fields cannot be added yet`
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

function decimalOf(type: string): { readonly width: number; readonly scale: number } | undefined {
  const [, width, scale] = /^DECIMAL\((\d+), ?(\d+)\)$/.exec(type) ?? []
  return width === undefined || scale === undefined ? undefined : { width: Number(width), scale: Number(scale) }
}

function textOf(node: TypeNode): string {
  return node.kind === 'plain' ? node.text : node.kind.toUpperCase()
}
