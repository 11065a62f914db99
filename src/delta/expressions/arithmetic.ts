import { raw, type Sql, sql } from '../../engine/sql.ts'
import { Refusal } from './refusal.ts'
import { asDouble, type Typed, typeName, type ValueType } from './values.ts'

type IntegerType = ValueType & { readonly kind: 'integer' }

/** Digits of an integer as Spark makes a decimal of it. */
const DIGITS = { 8: 3, 16: 5, 32: 10, 64: 20 } as const

export function isBinary({ kind }: ValueType): boolean {
  return kind === 'float' || kind === 'double'
}

export function sum(left: Typed, right: Typed, op: '+' | '-'): Typed {
  if (isIntegers(left, right)) return integers(left, right, op)
  if (isBinary(left.type) || isBinary(right.type)) return doubles(left, right, op)
  const [a, b] = [decimalOf(left), decimalOf(right)]
  const scale = Math.max(a.scale, b.scale)
  const type = decimal(Math.max(a.precision - a.scale, b.precision - b.scale) + scale + 1, scale)
  return { type, value: sql`(${left.value}::${textOf(type)} ${raw(op)} ${right.value}::${textOf(type)})::${textOf(type)}` }
}

export function negated(arg: Typed): Typed {
  if (arg.type.kind === 'integer') return integers({ type: arg.type, value: raw('0') }, arg, '-')
  if (arg.type.kind === 'decimal' || isBinary(arg.type)) return { type: arg.type, value: sql`(-${arg.value})` }
  throw new Refusal(`a ${typeName(arg.type)} is negated`)
}

/** The wider type of values of which all are integers or all doubles; a constant integer may stand beside doubles. */
export function united(args: readonly Typed[]): { readonly type: ValueType; readonly values: readonly Sql[] } {
  const [first, ...rest] = args
  if (first === undefined) throw new Refusal('a function has no arguments')
  if (args.every(({ type }) => JSON.stringify(type) === JSON.stringify(first.type)))
    return { type: first.type, values: args.map(({ value }) => value) }
  if (args.every(({ type }) => type.kind === 'integer')) {
    const type = rest.reduce<ValueType>((widest, one) => wider(widest, one.type), first.type)
    return { type, values: args.map(({ value }) => value) }
  }
  if (args.every((one) => one.type.kind === 'double' || one.text !== undefined))
    return { type: { kind: 'double' }, values: args.map((one) => asDouble(one)) }
  throw new Refusal('values of different types are mixed')
}

export function product(left: Typed, right: Typed): Typed {
  if (isIntegers(left, right)) return integers(left, right, '*')
  if (isBinary(left.type) || isBinary(right.type)) return doubles(left, right, '*')
  const [a, b] = [decimalOf(left), decimalOf(right)]
  const type = decimal(a.precision + b.precision + 1, a.scale + b.scale)
  return { type, value: sql`(${left.value}::${textOf(a)} * ${right.value}::${textOf(b)})::${textOf(type)}` }
}

/** Spark divides integers as doubles, and decimals by rules of rounding of its own. */
export function quotient(left: Typed, right: Typed): Typed {
  if (left.type.kind === 'decimal' || right.type.kind === 'decimal') throw new Refusal('decimals are divided')
  return { type: { kind: 'double' }, value: sql`(${exactDouble(left)} / nullif(${exactDouble(right)}, 0))` }
}

export function remainder(left: Typed, right: Typed): Typed {
  if (!isIntegers(left, right)) throw new Refusal('a remainder is taken of what are not integers')
  return { type: wider(left.type, right.type), value: sql`(${left.value}::bigint % nullif(${right.value}::bigint, 0))` }
}

/**
 * What does not fit its type is an error to one Spark, and another number to the next: to us it is unknown. Not with
 * try_cast: the engine drops it where its value is compared with a constant.
 */
function integers(left: Typed, right: Typed, op: '+' | '-' | '*'): Typed {
  const type = wider(left.type, right.type)
  return { type, value: sql`try((${left.value}::hugeint ${raw(op)} ${right.value}::hugeint)::${raw(INTEGERS[type.bits])})` }
}

function doubles(left: Typed, right: Typed, op: '+' | '-' | '*'): Typed {
  return { type: { kind: 'double' }, value: sql`(${exactDouble(left)} ${raw(op)} ${exactDouble(right)})` }
}

function exactDouble(one: Typed): Sql {
  if (one.type.kind === 'float') throw new Refusal('floats are reckoned with')
  return asDouble(one)
}

function isIntegers(left: Typed, right: Typed): boolean {
  return left.type.kind === 'integer' && right.type.kind === 'integer'
}

const INTEGERS = { 8: 'tinyint', 16: 'smallint', 32: 'integer', 64: 'bigint' } as const

function wider(left: ValueType, right: ValueType): IntegerType {
  if (left.kind !== 'integer' || right.kind !== 'integer') throw new Refusal('what is no integer is reckoned with as one')
  return left.bits >= right.bits ? left : right
}

function decimalOf({ type }: Typed): ValueType & { readonly kind: 'decimal' } {
  if (type.kind === 'decimal') return type
  if (type.kind === 'integer') return { kind: 'decimal', precision: DIGITS[type.bits], scale: 0 }
  throw new Refusal(`a ${typeName(type)} is reckoned with`)
}

function decimal(precision: number, scale: number): ValueType & { readonly kind: 'decimal' } {
  if (precision > 38) throw new Refusal('it reckons with decimals of more than 38 digits')
  return { kind: 'decimal', precision, scale }
}

function textOf({ precision, scale }: { readonly precision: number; readonly scale: number }): Sql {
  return raw(`decimal(${precision},${scale})`)
}
